package dev.chaperone.sidecar.approval;

import dev.chaperone.control.resource.InvalidConfigurationException;
import dev.chaperone.control.resource.StatusFiles;
import dev.chaperone.control.resource.StatusFiles.Entry;
import dev.chaperone.crds.v1alpha1.ApprovalPhase;
import dev.chaperone.crds.v1alpha1.ApprovalRequestSpec;
import dev.chaperone.crds.v1alpha1.ApprovalRequestStatus;
import dev.chaperone.crds.v1alpha1.Condition;
import dev.chaperone.crds.v1alpha1.ConditionStatus;
import dev.chaperone.crds.v1alpha1.ObservedDecision;
import dev.chaperone.crds.v1alpha1.Request;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.ClosedWatchServiceException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardWatchEventKinds;
import java.nio.file.WatchEvent;
import java.nio.file.WatchKey;
import java.nio.file.WatchService;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

/**
 * Requests as files in the status directory: approvers edit {@code spec.decisions}, with a command
 * or by hand. A change is seen at once where the file system tells, else within a second.
 */
public final class RequestFiles implements RequestStore {
  private static final System.Logger LOGGER = System.getLogger(RequestFiles.class.getName());

  private static final long LOOK_MILLIS = 1_000;

  /** Final requests are kept to be looked at; of those, the newest. */
  private static final int MAX_FINAL = 1_000;

  private final StatusFiles<ApprovalRequestSpec, ApprovalRequestStatus> files;
  private final Map<String, String> fingerprints = new ConcurrentHashMap<>();
  private final Thread thread = new Thread(this::watch, "approval-files");
  private WatchService watchService;
  private Listener listener;
  private int finals;

  /** The requests of a status directory. */
  public RequestFiles(Path statusDirectory) {
    this.files = StatusFiles.approvalRequests(statusDirectory);
  }

  @Override
  public void start(Listener newListener) throws IOException {
    listener = newListener;
    cancelThoseOfEarlierSessions();
    prune();
    watchService = files.directory().getFileSystem().newWatchService();
    files
        .directory()
        .register(
            watchService,
            StandardWatchEventKinds.ENTRY_CREATE,
            StandardWatchEventKinds.ENTRY_MODIFY,
            StandardWatchEventKinds.ENTRY_DELETE);
    thread.setDaemon(true);
    thread.start();
  }

  @Override
  public void create(String namespace, String name, Request request, Instant at)
      throws IOException {
    files.write(
        new Entry<>(
            namespace,
            name,
            time(at),
            new ApprovalRequestSpec(request, List.of()),
            new ApprovalRequestStatus(ApprovalPhase.PENDING, List.of(), List.of())));
    // Only now: a request that is looked for and not there counts as deleted.
    fingerprints.put(name, fingerprint(request));
  }

  @Override
  public void report(String name, RequestState state, List<Ignored> ignored) throws IOException {
    try {
      files.locked(
          () -> {
            Entry<ApprovalRequestSpec, ApprovalRequestStatus> entry =
                files.read(name).orElseThrow(() -> new NoSuchFileException(name));
            files.write(
                entry.withStatus(status(state, ignored)), state instanceof RequestState.Used);
            return null;
          });
    } catch (InvalidConfigurationException e) {
      throw new IOException(e.problems().get(0).toString(), e);
    } finally {
      if (state.isFinal()) {
        fingerprints.remove(name);
        if (++finals >= MAX_FINAL / 10) {
          finals = 0;
          prune();
        }
      }
    }
  }

  private static ApprovalRequestStatus status(RequestState state, List<Ignored> ignored) {
    List<ObservedDecision> counted =
        state.votes().stream()
            .map(vote -> new ObservedDecision(vote.by(), vote.verdict(), time(vote.observedAt())))
            .toList();
    List<Condition> conditions = new ArrayList<>();
    if (state instanceof RequestState.Approved approved) {
      conditions.add(condition("Usable", "Approved", "until " + time(approved.until())));
    } else if (state instanceof RequestState.Cancelled cancelled) {
      conditions.add(condition("Cancelled", "Cancelled", cancelled.reason()));
    }
    if (!ignored.isEmpty()) {
      conditions.add(
          condition(
              "DecisionIgnored",
              "NotAnApprover",
              ignored.stream()
                  .map(decision -> decision.by() + ": " + decision.reason())
                  .collect(Collectors.joining("; "))));
    }
    return new ApprovalRequestStatus(state.phase(), counted, conditions);
  }

  private static Condition condition(String type, String reason, String message) {
    return new Condition(type, ConditionStatus.TRUE, reason, message, time(Instant.now()), null);
  }

  private static String time(Instant instant) {
    return instant.truncatedTo(ChronoUnit.MILLIS).toString();
  }

  private void cancelThoseOfEarlierSessions() throws IOException {
    for (String name : files.names()) {
      try {
        Optional<Entry<ApprovalRequestSpec, ApprovalRequestStatus>> entry = files.read(name);
        if (entry.isPresent() && !isFinal(entry.get().status())) {
          report(
              name,
              new RequestState.Cancelled(List.of(), "the session that asked has ended"),
              List.of());
        }
      } catch (InvalidConfigurationException e) {
        // It belongs to no session of this run, so that no decision in it is looked for.
        LOGGER.log(System.Logger.Level.WARNING, "passed over: {0}", e.problems().get(0));
      }
    }
  }

  private static boolean isFinal(ApprovalRequestStatus status) {
    if (status == null || status.phase() == null) {
      return false;
    }
    return switch (status.phase()) {
      case PENDING, APPROVED -> false;
      case DENIED, EXPIRED, CANCELLED, USED -> true;
    };
  }

  /** Deletes the oldest final requests where there are more than are kept. */
  private void prune() {
    try {
      List<Path> old = new ArrayList<>();
      for (String name : files.names()) {
        if (!fingerprints.containsKey(name)) {
          old.add(files.file(name));
        }
      }
      if (old.size() <= MAX_FINAL) {
        return;
      }
      old.sort(Comparator.comparingLong(file -> file.toFile().lastModified()));
      for (Path file : old.subList(0, old.size() - MAX_FINAL)) {
        Files.deleteIfExists(file);
      }
    } catch (IOException e) {
      LOGGER.log(
          System.Logger.Level.WARNING, "old requests could not be removed: {0}", e.getMessage());
    }
  }

  private void watch() {
    long nextLook = System.nanoTime();
    while (!Thread.currentThread().isInterrupted()) {
      try {
        WatchKey key = watchService.poll(LOOK_MILLIS, TimeUnit.MILLISECONDS);
        if (key != null) {
          Set<String> names = changed(key);
          key.reset();
          names.forEach(this::look);
        }
        if (System.nanoTime() - nextLook >= 0) {
          nextLook = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(LOOK_MILLIS);
          fingerprints.keySet().forEach(this::look);
        }
      } catch (InterruptedException | ClosedWatchServiceException e) {
        return;
      } catch (RuntimeException e) {
        LOGGER.log(System.Logger.Level.ERROR, "requests could not be looked at", e);
      }
    }
  }

  private Set<String> changed(WatchKey key) {
    Set<String> names = new HashSet<>();
    for (WatchEvent<?> event : key.pollEvents()) {
      if (event.kind() == StandardWatchEventKinds.OVERFLOW) {
        names.addAll(fingerprints.keySet());
      } else {
        files.nameOf((Path) event.context()).ifPresent(names::add);
      }
    }
    return names;
  }

  private void look(String name) {
    String fingerprint = fingerprints.get(name);
    if (fingerprint == null) {
      return;
    }
    try {
      Optional<Entry<ApprovalRequestSpec, ApprovalRequestStatus>> entry = files.read(name);
      if (entry.isEmpty()) {
        listener.withdrawn(name, "the request was deleted");
      } else if (!fingerprint.equals(fingerprint(entry.get().spec().request()))) {
        listener.withdrawn(name, "the request was edited; only its decisions may be");
      } else if (!entry.get().spec().decisions().isEmpty()) {
        listener.decided(name, entry.get().spec().decisions());
      }
    } catch (InvalidConfigurationException e) {
      LOGGER.log(System.Logger.Level.WARNING, "request cannot be read: {0}", e.problems().get(0));
    } catch (IOException e) {
      LOGGER.log(System.Logger.Level.WARNING, "request cannot be read: {0}", e.getMessage());
    }
  }

  private static String fingerprint(Request request) {
    try {
      return HexFormat.of()
          .formatHex(
              MessageDigest.getInstance("SHA-256")
                  .digest(request.toString().getBytes(StandardCharsets.UTF_8)));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  @Override
  public void close() {
    thread.interrupt();
    if (watchService != null) {
      try {
        watchService.close();
      } catch (IOException e) {
        LOGGER.log(System.Logger.Level.DEBUG, "watch could not be closed", e);
      }
    }
  }
}
