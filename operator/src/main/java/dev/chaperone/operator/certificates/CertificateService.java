package dev.chaperone.operator.certificates;

import dev.chaperone.operator.channel.ServerIdentity;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.dsl.Informable;
import io.fabric8.kubernetes.client.informers.ResourceEventHandler;
import io.fabric8.kubernetes.client.informers.SharedIndexInformer;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * Sees to it, for as long as it is open, that there is an authority, that servers have a valid
 * certificate of it, and that the API server knows it. Every replica does the same; where they do
 * it at the same time, the API server lets one.
 */
public final class CertificateService implements AutoCloseable {
  private static final System.Logger LOGGER = System.getLogger(CertificateService.class.getName());

  /** What somebody else changes is put back; not more often than this, if they do so too. */
  private static final Duration PAUSE = Duration.ofMillis(500);

  private final CertificateKeeper keeper;
  private final CaBundles bundles;
  private final CertificateSettings settings;
  private final InstantSource clock = InstantSource.system();
  private final Semaphore changes = new Semaphore(0);
  private final List<Consumer<Certificates>> listeners = new CopyOnWriteArrayList<>();
  private final List<SharedIndexInformer<?>> informers = new CopyOnWriteArrayList<>();
  private final Thread thread = new Thread(this::run, "certificates");
  private volatile Certificates certificates;
  private volatile String problem = "the certificate authority was not loaded yet";
  private volatile boolean closed;

  private CertificateService(
      KubernetesClient client,
      String namespace,
      String webhooks,
      Optional<String> apiService,
      CertificateSettings settings) {
    this.settings = settings;
    String secret = settings.issued() ? SecretAuthorityStore.ISSUED : SecretAuthorityStore.OWN;
    AuthorityStore store = new SecretAuthorityStore(client, namespace, secret);
    AuthoritySource source =
        settings.issued()
            ? new IssuedAuthoritySource(store)
            : new OwnAuthority(store, settings.authorityLife());
    this.keeper = new CertificateKeeper(source, settings, clock);
    this.bundles = new CaBundles(client, webhooks, apiService);
    thread.setDaemon(true);
    watch(client.secrets().inNamespace(namespace).withName(secret));
    watch(bundles.mutating());
    watch(bundles.validating());
    bundles.apiService().ifPresent(this::watch);
  }

  /**
   * Begins.
   *
   * @param namespace the operator's own
   * @param webhooks the name of both webhook configurations
   * @param apiService the name of the APIService that the operator serves; empty where it serves
   *     none
   */
  public static CertificateService start(
      KubernetesClient client,
      String namespace,
      String webhooks,
      Optional<String> apiService,
      CertificateSettings settings) {
    CertificateService service =
        new CertificateService(client, namespace, webhooks, apiService, settings);
    service.thread.start();
    return service;
  }

  private <T extends HasMetadata> void watch(Informable<T> resource) {
    SharedIndexInformer<T> informer = resource.runnableInformer(0);
    informer.addEventHandler(
        new ResourceEventHandler<T>() {
          @Override
          public void onAdd(T object) {
            changes.release();
          }

          @Override
          public void onUpdate(T before, T after) {
            changes.release();
          }

          @Override
          public void onDelete(T object, boolean unknown) {
            changes.release();
          }
        });
    // What it misses is found by looking.
    informer.exceptionHandler((started, failure) -> !closed);
    informers.add(informer);
  }

  /** Hears of every change of {@link #certificates}, on a thread that must not be kept waiting. */
  public void listen(Consumer<Certificates> listener) {
    listeners.add(listener);
  }

  /**
   * Waits for the first certificates.
   *
   * @throws IOException where there are none in time; it says why
   */
  public Certificates await(Duration most) throws IOException, InterruptedException {
    long end = System.nanoTime() + most.toNanos();
    synchronized (this) {
      while (certificates == null) {
        long left = end - System.nanoTime();
        if (left <= 0) {
          throw new IOException(problem);
        }
        TimeUnit.NANOSECONDS.timedWait(this, left);
      }
      return certificates;
    }
  }

  /** What is in use; empty before the first time. */
  public Optional<Certificates> certificates() {
    return Optional.ofNullable(certificates);
  }

  /**
   * What servers show.
   *
   * @throws IllegalStateException before the first time
   */
  public ServerIdentity identity() {
    return certificates().orElseThrow(() -> new IllegalStateException(problem)).identity();
  }

  /**
   * Why others cannot rely on it now; empty where they can. That the API server is away for a while
   * is none: what is there goes on being valid.
   */
  public Optional<String> problem() {
    Certificates now = certificates;
    if (now != null && !clock.instant().isBefore(now.servingEnd())) {
      return Optional.of("the serving certificate has expired: " + problem);
    }
    return Optional.ofNullable(problem);
  }

  private void run() {
    informers.forEach(SharedIndexInformer::start);
    while (!closed) {
      Duration rest = PAUSE;
      try {
        Certificates next = keeper.refresh();
        publish(next);
        bundles.put(next.bundle());
        rest = until(next);
      } catch (AuthoritySource.UnusableAuthorityException e) {
        problem = e.getMessage();
        LOGGER.log(System.Logger.Level.ERROR, problem);
        rest = settings.look();
      } catch (IOException e) {
        if (closed) {
          return;
        }
        LOGGER.log(System.Logger.Level.WARNING, e.getMessage());
        if (certificates == null) {
          problem = e.getMessage();
        }
        if (e instanceof AuthoritySource.NotIssuedException) {
          // Told when it is there.
          rest = settings.look();
        }
      } catch (RuntimeException e) {
        LOGGER.log(System.Logger.Level.ERROR, "certificates cannot be kept in order", e);
      }
      rest(rest);
    }
  }

  private void publish(Certificates next) {
    Certificates before = certificates;
    synchronized (this) {
      certificates = next;
      problem = null;
      notifyAll();
    }
    if (!next.equals(before)) {
      listeners.forEach(listener -> listener.accept(next));
    }
  }

  private Duration until(Certificates now) {
    Instant next =
        now.servingRenewal().isBefore(now.authorityRenewal())
            ? now.servingRenewal()
            : now.authorityRenewal();
    Duration until = Duration.between(clock.instant(), next);
    return until.compareTo(settings.look()) < 0 ? until : settings.look();
  }

  private void rest(Duration rest) {
    try {
      TimeUnit.MILLISECONDS.sleep(PAUSE.toMillis());
      long left = rest.minus(PAUSE).toMillis();
      if (left <= 0 || changes.tryAcquire(left, TimeUnit.MILLISECONDS)) {
        changes.drainPermits();
      }
    } catch (InterruptedException e) {
      closed = true;
    }
  }

  @Override
  public void close() {
    closed = true;
    informers.forEach(SharedIndexInformer::close);
    thread.interrupt();
  }
}
