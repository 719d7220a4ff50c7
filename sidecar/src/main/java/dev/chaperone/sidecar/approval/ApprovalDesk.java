package dev.chaperone.sidecar.approval;

import dev.chaperone.control.translation.ConnectionConfiguration.Target;
import dev.chaperone.crds.v1alpha1.ApprovalDecision;
import dev.chaperone.crds.v1alpha1.Request;
import dev.chaperone.crds.v1alpha1.RequestApprovers;
import dev.chaperone.crds.v1alpha1.RequestPolicy;
import dev.chaperone.crds.v1alpha1.RequestRequester;
import dev.chaperone.policy.Decision.Approval;
import dev.chaperone.policy.Decision.RuleReference;
import dev.chaperone.policy.Policy;
import dev.chaperone.policy.Subject;
import dev.chaperone.sidecar.gateway.Ruling;
import dev.chaperone.sidecar.gateway.Session;
import dev.chaperone.sidecar.gateway.SessionListener;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.io.IOException;
import java.security.SecureRandom;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Predicate;

/**
 * Where operations that need approval are brought, and where approvers' decisions arrive. All of it
 * happens on one thread, in the order it comes in; what touches a disk happens there too, so that
 * no event loop waits for one.
 *
 * <p>An approval is bound to the digest of its operation, to its session and to its rules; under
 * any other it does not exist. It is found again by the same operation of the same session until
 * its time is over, whichever client connection asks.
 */
public final class ApprovalDesk implements AutoCloseable, SessionListener, RequestStore.Listener {
  private static final System.Logger LOGGER = System.getLogger(ApprovalDesk.class.getName());

  /** An agent cannot make the gateway keep more open requests than these. */
  static final int MAX_OPEN = 2_048;

  private static final Duration CLOCK_STEP = Duration.ofMillis(250);
  private static final char[] ALPHABET = "bcdfghjklmnpqrstvwxz2456789".toCharArray();
  private static final int SUFFIX_LENGTH = 6;
  private static final int MAX_PREFIX_LENGTH = 200;

  /** What an approval with scope Session covers. */
  private record Elevation(String session, Target target, Set<RuleReference> rules) {}

  private final RequestStore store;
  private final ApproverGroups groups;
  private final Clock clock;
  private final MeterRegistry registry;
  private final SecureRandom random = new SecureRandom();
  private final ScheduledThreadPoolExecutor desk;
  private final Map<String, OpenRequest> open = new HashMap<>();
  private final Map<Elevation, Elevated> elevations = new ConcurrentHashMap<>();

  private record Elevated(String request, List<String> approvers, Instant until) {}

  /**
   * A desk; {@link #start} opens it.
   *
   * @param groups who belongs to which group
   */
  public ApprovalDesk(
      RequestStore store, ApproverGroups groups, Clock clock, MeterRegistry registry) {
    this.store = store;
    this.groups = groups;
    this.clock = clock;
    this.registry = registry;
    this.desk =
        new ScheduledThreadPoolExecutor(
            1,
            task -> {
              Thread thread = new Thread(task, "approvals");
              thread.setDaemon(true);
              return thread;
            });
    desk.setRemoveOnCancelPolicy(true);
    Gauge.builder("chaperone.approvals.open", open, Map::size)
        .description("Requests that wait for a decision or for their use")
        .register(registry);
  }

  /** Cancels what an earlier session left open and begins to look for decisions. */
  public void start() throws IOException {
    store.start(this);
    desk.scheduleWithFixedDelay(
        this::lookAtTheClock, CLOCK_STEP.toMillis(), CLOCK_STEP.toMillis(), TimeUnit.MILLISECONDS);
  }

  /**
   * Brings an operation that waits.
   *
   * @param loop where the listener is told
   */
  public Hold hold(HeldOperation operation, Executor loop, Hold.Listener listener) {
    Waiter waiter = new Waiter(operation, loop, listener);
    enter(waiter, () -> admit(waiter));
    return waiter;
  }

  /**
   * The approval with scope Session that covers these rules in this session now, if any.
   *
   * @param target where the operation goes: who approved knew of no other
   */
  public Optional<Hold.Release> elevation(
      Session session, Target target, List<RuleReference> rules) {
    if (elevations.isEmpty()) {
      return Optional.empty();
    }
    Elevated elevated = elevations.get(new Elevation(session.name(), target, Set.copyOf(rules)));
    return elevated == null || !clock.instant().isBefore(elevated.until())
        ? Optional.empty()
        : Optional.of(new Hold.Release(elevated.request(), elevated.approvers()));
  }

  @Override
  public CompletionStage<Void> withdraw(Session session, String reason) {
    CompletableFuture<Void> done = new CompletableFuture<>();
    enter(
        () -> {
          try {
            withdrawAll(request -> request.session.equals(session.name()), reason);
          } finally {
            done.complete(null);
          }
        },
        () -> done.complete(null));
    return done;
  }

  /** What a policy that is gone asked about can never be approved under it. */
  @Override
  public void changed(Session session, Ruling ruling) {
    enter(
        () -> {
          if (open.isEmpty()) {
            return;
          }
          Set<String> policies = new HashSet<>();
          for (Policy policy : ruling.policies().policies(ruling.requester())) {
            policies.add(policy.namespace() + "/" + policy.name());
          }
          withdrawAll(
              request ->
                  request.session.equals(session.name())
                      && request.rules.stream()
                          .anyMatch(
                              rule -> !policies.contains(rule.namespace() + "/" + rule.policy())),
              "the policy that asked for it was removed");
        });
  }

  private void withdrawAll(Predicate<OpenRequest> which, String reason) {
    for (OpenRequest request : List.copyOf(open.values())) {
      if (which.test(request)) {
        guarded(request, () -> request.happened(new RequestEvent.Withdrawn(reason)));
      }
    }
  }

  @Override
  public void decided(String name, List<ApprovalDecision> decisions) {
    enter(
        () -> {
          OpenRequest request = open.get(name);
          if (request != null) {
            request.decided(decisions);
          }
        });
  }

  @Override
  public void withdrawn(String name, String reason) {
    enter(
        () -> {
          OpenRequest request = open.get(name);
          if (request != null) {
            request.happened(new RequestEvent.Withdrawn(reason));
          }
        });
  }

  private void enter(Runnable task) {
    enter(task, () -> LOGGER.log(System.Logger.Level.DEBUG, "the desk is closed"));
  }

  private void enter(Runnable task, Runnable whereClosed) {
    try {
      desk.execute(task);
    } catch (RejectedExecutionException e) {
      whereClosed.run();
    }
  }

  private void enter(Waiter waiter, Runnable task) {
    try {
      desk.execute(
          () -> {
            try {
              task.run();
            } catch (RuntimeException e) {
              LOGGER.log(System.Logger.Level.ERROR, "approval failed", e);
              waiter.refuse(new Hold.Refused.Unavailable("the gateway failed"));
            }
          });
    } catch (RejectedExecutionException e) {
      waiter.refuse(new Hold.Refused.Unavailable("the gateway is shutting down"));
    }
  }

  private void lookAtTheClock() {
    Instant now = clock.instant();
    for (OpenRequest request : List.copyOf(open.values())) {
      guarded(
          request,
          () -> {
            request.happened(new RequestEvent.TimePassed(now));
            request.reportIfDue();
          });
    }
  }

  /** What goes wrong with one request does not keep another from its due. */
  private static void guarded(OpenRequest request, Runnable task) {
    try {
      task.run();
    } catch (RuntimeException e) {
      LOGGER.log(System.Logger.Level.ERROR, "request failed name=" + request.name, e);
    }
  }

  private void admit(Waiter waiter) {
    for (OpenRequest request : open.values()) {
      if (request.waiter == null
          && request.session.equals(waiter.operation.session().name())
          && request.digest.equals(waiter.operation.operation().digest())) {
        request.join(waiter);
        return;
      }
    }
    create(waiter);
  }

  private void create(Waiter waiter) {
    if (open.size() >= MAX_OPEN) {
      waiter.refuse(new Hold.Refused.Unavailable("too many requests wait for a decision"));
      return;
    }
    HeldOperation operation = waiter.operation;
    Instant now = clock.instant();
    OpenRequest request = new OpenRequest(newName(operation), operation, now);
    try {
      store.create(
          operation.ruling().connection().namespace(), request.name, request.toResource(), now);
    } catch (RequestStore.UnreachableException e) {
      waiter.refuse(new Hold.Refused.Unavailable(e.getMessage()));
      return;
    } catch (IOException e) {
      LOGGER.log(System.Logger.Level.ERROR, "request could not be written: {0}", e.getMessage());
      waiter.refuse(new Hold.Refused.Unavailable("the request could not be written"));
      return;
    }
    open.put(request.name, request);
    request.record.opened(operation, request.terms.expiresAt());
    count("opened");
    LOGGER.log(
        System.Logger.Level.INFO,
        "approval requested name={0} connection={1} rule={2}",
        request.name,
        operation.ruling().connection().name(),
        operation.decision().rules().get(0));
    request.join(waiter);
  }

  private String newName(HeldOperation operation) {
    String connection = operation.ruling().connection().name();
    StringBuilder name =
        new StringBuilder(
            connection.length() > MAX_PREFIX_LENGTH
                ? connection.substring(0, MAX_PREFIX_LENGTH)
                : connection);
    name.append('-');
    for (int i = 0; i < SUFFIX_LENGTH; i++) {
      name.append(ALPHABET[random.nextInt(ALPHABET.length)]);
    }
    return open.containsKey(name.toString()) ? newName(operation) : name.toString();
  }

  private void count(String event) {
    registry.counter("chaperone.approvals", "event", event).increment();
  }

  @Override
  public void close() {
    store.close();
    desk.shutdown();
    try {
      if (!desk.awaitTermination(2, TimeUnit.SECONDS)) {
        LOGGER.log(System.Logger.Level.WARNING, "approvals were still under way");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** A request that is not final. Its text is not kept: the store has it. */
  private final class OpenRequest {
    private final String name;
    private final String session;
    private final Target target;
    private final String digest;
    private final String requester;
    private final String serviceAccount;
    private final Approval approval;
    private final RequestTerms terms;
    private final Set<RuleReference> rules;
    private final RequestRecord record;
    private final Set<String> seen = new HashSet<>();
    private final List<RequestStore.Ignored> ignored = new ArrayList<>();
    private RequestState state = RequestState.opened();
    private HeldOperation operation;
    private Waiter waiter;

    /** An approval that somebody waits for is used in a moment: one report is enough for both. */
    private boolean reportDue;

    OpenRequest(String name, HeldOperation operation, Instant now) {
      this.name = name;
      this.operation = operation;
      this.session = operation.session().name();
      this.target = operation.ruling().connection().target();
      this.digest = operation.operation().digest();
      this.approval = operation.decision().approval();
      this.terms = RequestTerms.of(approval, now);
      this.rules = Set.copyOf(operation.decision().rules());
      Subject agent = operation.ruling().connection().agent();
      this.serviceAccount =
          ApproverRules.SERVICE_ACCOUNT + agent.namespace() + ":" + agent.serviceAccount();
      this.requester = agent.user().orElse(serviceAccount);
      this.record = new RequestRecord(name, operation);
    }

    Request toResource() {
      Subject subject = operation.ruling().connection().agent();
      var pod = operation.ruling().connection().pod();
      RuleReference rule = operation.decision().rules().get(0);
      Request resource =
          new Request(
              session,
              operation.ruling().connection().name(),
              new RequestRequester(
                  requester,
                  List.copyOf(new TreeSet<>(subject.groups())),
                  subject.serviceAccount(),
                  pod.name(),
                  pod.uid()),
              operation.operation(),
              new RequestPolicy(rule.policy(), rule.rule(), rule.uid(), rule.generation()),
              new RequestApprovers(
                  List.copyOf(new TreeSet<>(approval.groups())),
                  List.copyOf(new TreeSet<>(approval.users())),
                  approval.count(),
                  approval.humansOnly()),
              terms.expiresAt().toString());
      operation = null;
      return resource;
    }

    void join(Waiter joining) {
      waiter = joining;
      joining.request = this;
      joining.operation = null;
      if (state instanceof RequestState.Approved) {
        joining.tell(Hold.Listener::approved);
      } else {
        joining.tell(
            listener -> listener.opened(name, ApproverRules.describe(approval), terms.expiresAt()));
      }
    }

    void decided(List<ApprovalDecision> decisions) {
      boolean anyIgnored = false;
      for (ApprovalDecision decision : decisions) {
        if (state.isFinal() || !seen.add(decision.by())) {
          continue;
        }
        Optional<String> objection =
            ApproverRules.objection(approval, requester, serviceAccount, decision.by(), groups);
        if (objection.isPresent()) {
          anyIgnored = true;
          ignored.add(new RequestStore.Ignored(decision.by(), objection.get()));
          LOGGER.log(
              System.Logger.Level.WARNING,
              "decision ignored request={0} cause=\"{1}\"",
              name,
              objection.get());
        } else {
          happened(
              new RequestEvent.Decided(
                  new Vote(
                      decision.by(),
                      decision.verdict(),
                      decision.comment() == null ? "" : decision.comment(),
                      clock.instant())));
        }
      }
      if (anyIgnored && !state.isFinal()) {
        report();
      }
    }

    void happened(RequestEvent event) {
      RequestState next = state.on(event, terms);
      if (next.equals(state)) {
        return;
      }
      state = next;
      if (event instanceof RequestEvent.Decided decided) {
        record.decided(decided.vote());
      }
      record.ended(state);
      if (state.isFinal()) {
        open.remove(name);
        elevations.values().removeIf(elevated -> elevated.request().equals(name));
      }
      if (!(state instanceof RequestState.Pending)) {
        count(state.phase().name().toLowerCase(Locale.ROOT));
        LOGGER.log(System.Logger.Level.INFO, "approval {0} name={1}", state.phase(), name);
      }
      if (state instanceof RequestState.Approved approved
          && terms.scope() == Approval.Scope.SESSION) {
        elevations.put(
            new Elevation(session, target, rules),
            new Elevated(name, approvers(approved.votes()), approved.until()));
      }
      tellWaiter();
      if (state instanceof RequestState.Approved && waiter != null) {
        reportDue = true;
      } else if (!(event instanceof RequestEvent.Consumed)) {
        report();
      }
    }

    private void tellWaiter() {
      Waiter told = waiter;
      if (told == null) {
        return;
      }
      if (state instanceof RequestState.Approved) {
        told.tell(Hold.Listener::approved);
      } else if (state instanceof RequestState.Denied denied) {
        Vote denial = denied.denial();
        told.refuse(new Hold.Refused.Denied(name, denial.by(), denial.comment()));
      } else if (state instanceof RequestState.Expired) {
        told.refuse(new Hold.Refused.Expired(name));
      } else if (state instanceof RequestState.Cancelled cancelled) {
        told.refuse(new Hold.Refused.Cancelled(name, cancelled.reason()));
      }
    }

    /** The use is on disk before anybody is told of it. */
    void use(Waiter using) {
      if (waiter != using) {
        return;
      }
      happened(new RequestEvent.Consumed(clock.instant()));
      if (state instanceof RequestState.Used
          || (state instanceof RequestState.Approved && terms.scope() == Approval.Scope.SESSION)) {
        reportDue = false;
        try {
          store.report(name, state, ignored);
        } catch (IOException e) {
          LOGGER.log(
              System.Logger.Level.ERROR,
              "the use of an approval could not be written, nothing is forwarded name={0} cause={1}",
              name,
              e.getMessage());
          using.refuse(
              new Hold.Refused.Unavailable("the use of the approval could not be written"));
          return;
        }
        Hold.Release release = new Hold.Release(name, approvers(state.votes()));
        using.leave();
        record.used().whenComplete((recorded, failure) -> release(using, release, failure));
      } else {
        report();
      }
    }

    void reportIfDue() {
      if (reportDue) {
        report();
      }
    }

    private void release(Waiter using, Hold.Release release, Throwable failure) {
      if (failure == null) {
        using.tell(listener -> listener.released(release));
      } else {
        using.tell(
            listener ->
                listener.refused(
                    new Hold.Refused.Unavailable("the use of the approval could not be recorded")));
      }
    }

    private void report() {
      reportDue = false;
      try {
        store.report(name, state, ignored);
      } catch (IOException e) {
        LOGGER.log(
            System.Logger.Level.ERROR,
            "request could not be written name={0} cause={1}",
            name,
            e.getMessage());
      }
    }

    private static List<String> approvers(List<Vote> votes) {
      return votes.stream().map(Vote::by).toList();
    }
  }

  /** One client connection that waits. Used by the desk, but for what {@link Hold} says. */
  private final class Waiter implements Hold {
    private final Executor loop;
    private final Listener listener;
    private HeldOperation operation;
    private OpenRequest request;

    Waiter(HeldOperation operation, Executor loop, Listener listener) {
      this.operation = operation;
      this.loop = loop;
      this.listener = listener;
    }

    void tell(Consumer<Listener> message) {
      try {
        loop.execute(() -> message.accept(listener));
      } catch (RejectedExecutionException e) {
        LOGGER.log(System.Logger.Level.DEBUG, "the client's event loop is closed");
      }
    }

    void refuse(Refused why) {
      leave();
      tell(told -> told.refused(why));
    }

    void leave() {
      if (request != null && request.waiter == this) {
        request.waiter = null;
      }
    }

    @Override
    public void use() {
      enter(
          this,
          () -> {
            if (request != null) {
              request.use(this);
            }
          });
    }

    @Override
    public void abandon() {
      enter(this::leave);
    }
  }
}
