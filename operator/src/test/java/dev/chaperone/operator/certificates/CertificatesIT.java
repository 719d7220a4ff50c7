package dev.chaperone.operator.certificates;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chaperone.operator.admission.AdmissionAnswer;
import dev.chaperone.operator.testing.HttpsClients;
import dev.chaperone.operator.testing.TestCluster;
import dev.chaperone.operator.testing.UsesTestCluster;
import dev.chaperone.operator.webhook.AdmissionLimits;
import dev.chaperone.operator.webhook.AdmissionServer;
import dev.chaperone.operator.webhook.QuietObserver;
import io.fabric8.kubernetes.api.model.Secret;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The authority in a real API server, with replicas that know of each other only through it. */
@UsesTestCluster
class CertificatesIT {
  private static final Duration PATIENCE = Duration.ofSeconds(90);
  private static final CertificateSettings LONG =
      new CertificateSettings(
          List.of("127.0.0.1"),
          Duration.ofDays(30),
          Duration.ofDays(7),
          false,
          Duration.ofMinutes(10));

  private final List<AutoCloseable> open = new ArrayList<>();
  private final KubernetesClient client;
  private final String namespace;
  private final String configurations;

  CertificatesIT(TestCluster cluster) {
    client = cluster.client();
    namespace = cluster.namespace();
    configurations = "certificates-" + namespace;
  }

  @BeforeEach
  void removeSecret() {
    client.secrets().inNamespace(namespace).withName(SecretAuthorityStore.OWN).delete();
  }

  @AfterEach
  void close() throws Exception {
    for (int i = open.size() - 1; i >= 0; i--) {
      open.get(i).close();
    }
    bundles().mutating().delete();
    bundles().validating().delete();
  }

  private CaBundles bundles() {
    return new CaBundles(client, configurations, Optional.empty());
  }

  private CertificateService replica(CertificateSettings settings) {
    CertificateService service =
        CertificateService.start(client, namespace, configurations, Optional.empty(), settings);
    open.add(service);
    return service;
  }

  private Secret secret() {
    return client.secrets().inNamespace(namespace).withName(SecretAuthorityStore.OWN).get();
  }

  @Test
  void replicasThatStartAtOnceAgree() throws Exception {
    List<CompletableFuture<CertificateService>> starting = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      starting.add(
          CompletableFuture.supplyAsync(
              () ->
                  CertificateService.start(
                      client, namespace, configurations, Optional.empty(), LONG)));
    }
    Set<String> bundles = new HashSet<>();
    Set<String> serving = new HashSet<>();
    for (CompletableFuture<CertificateService> one : starting) {
      CertificateService service = one.get(60, TimeUnit.SECONDS);
      open.add(service);
      Certificates certificates = service.await(PATIENCE);
      bundles.add(certificates.bundle());
      serving.add(certificates.identity().toString());
      assertThat(service.problem()).isEmpty();
    }
    assertThat(bundles).as("one authority").hasSize(1);
    assertThat(serving).as("each its own certificate").hasSize(4);
  }

  @Test
  void aReplicaThatStartsLaterTakesWhatIsThere() throws Exception {
    String first = replica(LONG).await(PATIENCE).bundle();
    assertThat(replica(LONG).await(PATIENCE).bundle()).isEqualTo(first);
  }

  @Test
  void aDamagedSecretIsAProblemAndIsLeftAsItIs() throws Exception {
    CertificateService service = replica(LONG);
    service.await(PATIENCE);
    Secret good = secret();
    String garbage = Base64.getEncoder().encodeToString("x".getBytes(StandardCharsets.US_ASCII));
    client
        .secrets()
        .inNamespace(namespace)
        .withName(SecretAuthorityStore.OWN)
        .edit(
            secret -> {
              secret.getData().put("tls.crt", garbage);
              return secret;
            });
    Awaitility.await()
        .atMost(PATIENCE)
        .untilAsserted(
            () ->
                assertThat(service.problem().orElse(""))
                    .contains("tls.crt is not a certificate in PEM")
                    .contains("restore it"));
    CertificateService late = replica(LONG);
    Awaitility.await()
        .atMost(PATIENCE)
        .until(() -> late.problem().orElse("").contains("is damaged"));
    assertThat(late.certificates()).isEmpty();
    assertThat(secret().getData()).containsEntry("tls.crt", garbage);
    good.getMetadata().setResourceVersion(null);
    client.resource(good).update();
    Awaitility.await().atMost(PATIENCE).until(() -> service.problem().isEmpty());
    assertThat(late.await(PATIENCE).bundle()).isEqualTo(service.await(PATIENCE).bundle());
  }

  private void configure() {
    for (String kind : List.of("Mutating", "Validating")) {
      StringBuilder yaml =
          new StringBuilder(
              """
              apiVersion: admissionregistration.k8s.io/v1
              kind: %sWebhookConfiguration
              metadata: {name: %s}
              webhooks:
              """
                  .formatted(kind, configurations));
      for (String entry : List.of("one", "two")) {
        yaml.append(
            """
            - name: %s.certificates.test
              clientConfig: {service: {name: none, namespace: none, path: /x}}
              rules:
              - apiGroups: [certificates.test]
                apiVersions: [v1]
                operations: [CREATE]
                resources: [nothing]
              sideEffects: None
              admissionReviewVersions: [v1]
              timeoutSeconds: 7
            """
                .formatted(entry));
      }
      client.resource(yaml.toString()).create();
    }
  }

  private Set<String> known() {
    Set<String> known = new HashSet<>();
    bundles()
        .mutating()
        .get()
        .getWebhooks()
        .forEach(webhook -> known.add(String.valueOf(webhook.getClientConfig().getCaBundle())));
    bundles()
        .validating()
        .get()
        .getWebhooks()
        .forEach(webhook -> known.add(String.valueOf(webhook.getClientConfig().getCaBundle())));
    return known;
  }

  private static String encoded(Certificates certificates) {
    return Base64.getEncoder()
        .encodeToString(certificates.bundle().getBytes(StandardCharsets.US_ASCII));
  }

  @Test
  void everyEntryKnowsTheAuthorityAndNothingElseIsChanged() throws Exception {
    configure();
    String expected = encoded(replica(LONG).await(PATIENCE));
    Awaitility.await().atMost(PATIENCE).until(() -> known().equals(Set.of(expected)));
    assertThat(bundles().mutating().get().getWebhooks())
        .extracting(webhook -> webhook.getName() + " " + webhook.getTimeoutSeconds())
        .containsExactly("one.certificates.test 7", "two.certificates.test 7");
  }

  @Test
  void whatSomebodyElseWritesThereIsPutBackAndLateConfigurationsAreFilled() throws Exception {
    String expected = encoded(replica(LONG).await(PATIENCE));
    configure();
    Awaitility.await().atMost(PATIENCE).until(() -> known().equals(Set.of(expected)));
    for (int i = 0; i < 2; i++) {
      bundles()
          .validating()
          .edit(
              configuration -> {
                configuration
                    .getWebhooks()
                    .get(1)
                    .getClientConfig()
                    .setCaBundle(encoded(otherAuthority()));
                return configuration;
              });
      Awaitility.await().atMost(PATIENCE).until(() -> known().equals(Set.of(expected)));
    }
  }

  private static Certificates otherAuthority() {
    Authority other = Authority.create(Instant.now(), Duration.ofDays(1));
    return new Certificates(
        List.of(other.current().certificate()),
        other.current().certificate(),
        new TestCertificates().identity(),
        Instant.now(),
        Instant.now());
  }

  /**
   * The authority is renewed while requests come in: from clients that trust what is made known at
   * that moment, and from one that trusts only the authority from before, as a sidecar does that
   * runs since then.
   */
  @Test
  void renewalUnderTrafficBreaksNothing() throws Exception {
    Duration life = Duration.ofSeconds(45);
    CertificateSettings fast =
        new CertificateSettings(
            List.of("127.0.0.1"), life, Duration.ofSeconds(6), false, Duration.ofSeconds(1));
    CertificateService writer = replica(fast);
    CertificateService service = replica(fast);
    Certificates first = service.await(PATIENCE);
    Vertx vertx = Vertx.vertx();
    open.add(() -> vertx.close().toCompletionStage().toCompletableFuture().join());
    AdmissionServer server =
        AdmissionServer.listen(
            vertx,
            new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
            service.identity(),
            Map.of("/allow", request -> AdmissionAnswer.allowed()),
            new AdmissionLimits(
                512,
                128,
                24 * 1024 * 1024,
                4,
                Duration.ofSeconds(60),
                Duration.ofSeconds(60),
                Duration.ZERO),
            new QuietObserver());
    open.add(server);
    service.listen(now -> server.show(now.identity()));
    server.show(service.identity());
    AtomicBoolean over = new AtomicBoolean();
    List<Throwable> failures = new CopyOnWriteArrayList<>();
    Set<String> bundles = ConcurrentHashMap.newKeySet();
    // By its own certificate the first authority is believed only so long.
    long firstEnd = first.authorityEnd().toEpochMilli();
    Thread current =
        traffic(
            over,
            failures,
            () -> {
              // The other replica's: what the API server has been told by anybody.
              String bundle = writer.certificates().orElseThrow().bundle();
              bundles.add(bundle);
              ask(server.port(), bundle);
            });
    List<Long> old = new CopyOnWriteArrayList<>();
    Thread before =
        traffic(
            over,
            failures,
            () -> {
              boolean renewed =
                  !service
                      .certificates()
                      .orElseThrow()
                      .trusted()
                      .get(0)
                      .equals(first.trusted().get(0));
              try {
                ask(server.port(), first.bundle());
                if (renewed) {
                  old.add(System.currentTimeMillis());
                }
              } catch (IOException e) {
                // Where this machine stood still, it may have ended meanwhile.
                if (System.currentTimeMillis() < firstEnd) {
                  throw e;
                }
                Thread.sleep(100);
              }
            });
    Awaitility.await()
        .atMost(Duration.ofMinutes(4))
        .until(() -> (bundles.size() >= 3 && !old.isEmpty()) || !failures.isEmpty());
    over.set(true);
    current.join(60_000);
    before.join(60_000);
    assertThat(failures).isEmpty();
    assertThat(old).as("a client of the first authority was served after the renewal").isNotEmpty();
  }

  private static final CertificateSettings ISSUED =
      new CertificateSettings(
          List.of("127.0.0.1"),
          Duration.ofDays(30),
          Duration.ofDays(7),
          true,
          Duration.ofMinutes(10));

  private Secret issue(Map<String, byte[]> data) {
    return TestIssuer.store(client, namespace, data);
  }

  private Secret issued() {
    return client.secrets().inNamespace(namespace).withName(SecretAuthorityStore.ISSUED).get();
  }

  private void removeIssued() {
    client.secrets().inNamespace(namespace).withName(SecretAuthorityStore.ISSUED).delete();
  }

  /**
   * The authority is issued anew, with another key, while requests come in: from the API server,
   * which is told whom to believe, and from a sidecar that runs since the first one.
   */
  @Test
  void whoBelievesTheIssuerBelievesTheNextAuthorityItIssues() throws Exception {
    removeIssued();
    configure();
    TestIssuer issuer = new TestIssuer();
    CertificateService late = replica(ISSUED);
    Awaitility.await()
        .atMost(PATIENCE)
        .until(() -> late.problem().orElse("").contains("holds no authority yet"));
    assertThat(late.certificates()).isEmpty();
    issue(issuer.secret(Duration.ofDays(2)));
    Certificates first = late.await(PATIENCE);
    assertThat(first.bundle()).isEqualTo(issuer.pem());
    Awaitility.await().atMost(PATIENCE).until(() -> known().equals(Set.of(encoded(first))));
    assertThat(secret()).as("no authority of its own is made").isNull();
    Vertx vertx = Vertx.vertx();
    open.add(() -> vertx.close().toCompletionStage().toCompletableFuture().join());
    AdmissionServer server =
        AdmissionServer.listen(
            vertx,
            new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
            late.identity(),
            Map.of("/allow", request -> AdmissionAnswer.allowed()),
            AdmissionLimits.STANDARD,
            new QuietObserver());
    open.add(server);
    late.listen(now -> server.show(now.identity()));
    server.show(late.identity());
    ask(server.port(), first.bundle());
    Secret written = issue(issuer.secret(Duration.ofDays(3)));
    Awaitility.await()
        .atMost(PATIENCE)
        .until(() -> !late.certificates().orElseThrow().issuer().equals(first.issuer()));
    Certificates second = late.certificates().orElseThrow();
    assertThat(second.bundle()).isEqualTo(first.bundle());
    assertThat(second.authorityEnd()).isAfter(first.authorityEnd());
    ask(server.port(), first.bundle());
    assertThat(issued().getMetadata().getResourceVersion())
        .as("it is read and never written")
        .isEqualTo(written.getMetadata().getResourceVersion());
    assertThat(known()).isEqualTo(Set.of(encoded(first)));
    removeIssued();
  }

  @Test
  void anIssuedAuthorityThatOthersCouldNotRelyOnIsAProblemAndWhatWasThereIsUsed() throws Exception {
    removeIssued();
    TestIssuer issuer = new TestIssuer();
    issue(issuer.secret(Duration.ofDays(2)));
    CertificateService service = replica(ISSUED);
    String bundle = service.await(PATIENCE).bundle();
    issue(new TestIssuer().ofItsOwn());
    Awaitility.await()
        .atMost(PATIENCE)
        .untilAsserted(
            () ->
                assertThat(service.problem().orElse(""))
                    .contains("chaperone-issued-ca cannot be used", "has issued itself"));
    assertThat(service.certificates().orElseThrow().bundle()).isEqualTo(bundle);
    issue(issuer.secret(Duration.ofDays(2)));
    Awaitility.await().atMost(PATIENCE).until(() -> service.problem().isEmpty());
    removeIssued();
  }

  private interface Request {
    void send() throws Exception;
  }

  private static Thread traffic(AtomicBoolean over, List<Throwable> failures, Request request) {
    Thread thread =
        new Thread(
            () -> {
              while (!over.get() && failures.isEmpty()) {
                try {
                  request.send();
                } catch (Exception e) {
                  failures.add(e);
                }
              }
            });
    thread.start();
    return thread;
  }

  /** Over a connection of its own. */
  private static void ask(int port, String bundle) throws IOException {
    assertThat(HttpsClients.status(port, bundle, "/allow")).isEqualTo("200");
  }
}
