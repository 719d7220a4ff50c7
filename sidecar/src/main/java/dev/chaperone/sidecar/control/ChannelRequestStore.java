package dev.chaperone.sidecar.control;

import dev.chaperone.control.channel.ChannelMessage.ApprovalRequested;
import dev.chaperone.control.channel.ChannelMessage.Decisions;
import dev.chaperone.control.channel.ChannelMessage.FromOperator;
import dev.chaperone.control.channel.ChannelMessage.IgnoredDecision;
import dev.chaperone.control.channel.ChannelMessage.RequestGone;
import dev.chaperone.control.channel.ChannelMessage.RequestReport;
import dev.chaperone.control.channel.ChannelMessage.RequestSettled;
import dev.chaperone.control.channel.ChannelMessage.RequestShown;
import dev.chaperone.crds.v1alpha1.ApprovalPhase;
import dev.chaperone.crds.v1alpha1.ObservedDecision;
import dev.chaperone.crds.v1alpha1.Request;
import dev.chaperone.sidecar.approval.RequestState;
import dev.chaperone.sidecar.approval.RequestStore;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * Requests that the operator shows to approvers. A request is carried once and kept here until the
 * operator has it; where it stands is told again in every new conversation, so that neither side
 * misses what happened while they could not talk. While the operator is away no new request is
 * taken, and those that are open stay open. Safe for use by any thread.
 *
 * <p>A report of a use does not wait for the operator: the session's recording has it on the disk
 * before anything is forwarded, and a sidecar that is started anew knows no approvals.
 */
public final class ChannelRequestStore implements RequestStore, OperatorListener {
  private static final System.Logger LOGGER = System.getLogger(ChannelRequestStore.class.getName());

  /** Texts are large: those that the operator does not have yet are few. */
  static final int MAX_UNSHOWN = 64;

  /** Reports of what is over, until the operator has them. */
  static final int MAX_FINAL = 4_096;

  private final Predicate<String> announce;
  private final Map<String, ApprovalRequested> unshown = new LinkedHashMap<>();
  private final Map<String, RequestReport> reports = new LinkedHashMap<>();
  private final Map<String, RequestReport> finals = new LinkedHashMap<>();
  private Conversation conversation = message -> false;
  private Listener listener;

  /**
   * A store.
   *
   * @param announce sees to it that the operator knows a session; false where it cannot now
   */
  public ChannelRequestStore(Predicate<String> announce) {
    this.announce = announce;
  }

  @Override
  public synchronized void start(Listener newListener) {
    listener = newListener;
  }

  @Override
  public void create(String namespace, String name, Request request, Instant at)
      throws UnreachableException {
    ApprovalRequested requested = new ApprovalRequested(name, request, time(at));
    if (!announce.test(request.session())) {
      throw away();
    }
    synchronized (this) {
      if (unshown.size() >= MAX_UNSHOWN) {
        throw new UnreachableException("too many requests wait to be shown to approvers");
      }
      if (!conversation.say(requested)) {
        throw away();
      }
      unshown.put(name, requested);
      reports.put(
          name,
          new RequestReport(
              name,
              ApprovalPhase.PENDING,
              List.of(),
              List.of(),
              Optional.empty(),
              Optional.empty()));
    }
  }

  private static UnreachableException away() {
    return new UnreachableException("the operator is away, and with it those who approve");
  }

  @Override
  public synchronized void report(String name, RequestState state, List<Ignored> ignored) {
    RequestReport report = report(name, state, List.copyOf(ignored), state.phase());
    if (state.isFinal()) {
      unshown.remove(name);
      reports.remove(name);
      finals.put(name, report);
      forgetTheOldest();
    } else {
      reports.put(name, report);
    }
    conversation.say(report);
  }

  private static RequestReport report(
      String name, RequestState state, List<Ignored> ignored, ApprovalPhase phase) {
    return new RequestReport(
        name,
        phase,
        state.votes().stream()
            .map(vote -> new ObservedDecision(vote.by(), vote.verdict(), time(vote.observedAt())))
            .toList(),
        ignored.stream().map(one -> new IgnoredDecision(one.by(), one.reason())).toList(),
        state instanceof RequestState.Approved approved
            ? Optional.of(time(approved.until()))
            : Optional.empty(),
        state instanceof RequestState.Cancelled cancelled
            ? Optional.of(cancelled.reason())
            : Optional.empty());
  }

  private void forgetTheOldest() {
    if (finals.size() > MAX_FINAL) {
      Iterator<String> oldest = finals.keySet().iterator();
      LOGGER.log(
          System.Logger.Level.WARNING, "the operator was never told the end of {0}", oldest.next());
      oldest.remove();
    }
  }

  @Override
  public void opened(Conversation begun) {
    List<ApprovalRequested> again;
    synchronized (this) {
      conversation = begun;
      again = List.copyOf(unshown.values());
    }
    for (ApprovalRequested requested : again) {
      // Not under the lock: the sessions have theirs.
      if (announce.test(requested.request().session())) {
        sayUnlessOver(requested);
      }
    }
    synchronized (this) {
      reports.values().forEach(begun::say);
      finals.values().forEach(begun::say);
    }
  }

  private synchronized void sayUnlessOver(ApprovalRequested requested) {
    if (unshown.containsKey(requested.name())) {
      conversation.say(requested);
    }
  }

  @Override
  public void said(FromOperator message) {
    if (message instanceof RequestShown shown) {
      synchronized (this) {
        unshown.remove(shown.request());
      }
    } else if (message instanceof RequestSettled settled) {
      synchronized (this) {
        finals.remove(settled.request());
      }
    } else if (message instanceof RequestGone gone) {
      synchronized (this) {
        unshown.remove(gone.request());
      }
      listener().withdrawn(gone.request(), gone.why());
    } else if (message instanceof Decisions decisions) {
      listener().decided(decisions.request(), decisions.decisions());
    }
  }

  private synchronized Listener listener() {
    if (listener == null) {
      throw new IllegalStateException("not started");
    }
    return listener;
  }

  private static String time(Instant instant) {
    return instant.truncatedTo(ChronoUnit.MILLIS).toString();
  }

  /** Nothing to let go of: what is reported while the desk finishes is still said. */
  @Override
  public void close() {}
}
