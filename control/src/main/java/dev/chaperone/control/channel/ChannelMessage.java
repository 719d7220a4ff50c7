package dev.chaperone.control.channel;

import dev.chaperone.control.translation.SecretBytes;
import dev.chaperone.crds.v1alpha1.ApprovalDecision;
import dev.chaperone.crds.v1alpha1.ApprovalPhase;
import dev.chaperone.crds.v1alpha1.Condition;
import dev.chaperone.crds.v1alpha1.ObservedDecision;
import dev.chaperone.crds.v1alpha1.OperationCounts;
import dev.chaperone.crds.v1alpha1.RecordingState;
import dev.chaperone.crds.v1alpha1.Request;
import dev.chaperone.crds.v1alpha1.SessionIdentity;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * Everything that is said between a sidecar and the operator.
 *
 * <pre>
 *   operator                                 sidecar
 *      | -- Challenge -------------------------&gt; |
 *      | &lt;------------------------------- Hello -- |
 *      | -- Welcome, or Refused ---------------&gt; |
 *      | -- Configure, Revoke, Decisions ... --&gt; |
 *      | &lt;-- SessionStarted, ApprovalRequested ... |
 *      | &lt;------------------- RecordingOffered -- |
 *      | -- RecordingWanted -------------------&gt; |
 *      | &lt;--------------------- RecordingPiece -- |
 *      | -- RecordingStored -------------------&gt; |
 *      | &lt;------------- Heartbeat -------------&gt; |
 * </pre>
 *
 * <p>No message says which pod the sidecar belongs to: the operator knows that from the token's
 * review, and what a sidecar says is about its own pod only. No message carries a Secret's value.
 */
public sealed interface ChannelMessage {

  /** What the operator says. */
  sealed interface FromOperator extends ChannelMessage {}

  /** What a sidecar says. */
  sealed interface FromSidecar extends ChannelMessage {}

  /**
   * Under which name a message that waits to be sent is replaced by a newer one; empty where each
   * one counts.
   */
  default Optional<String> replaces() {
    return Optional.empty();
  }

  /** The first word: what the sidecar is to sign. */
  record Challenge(Bytes nonce) implements FromOperator {
    /** The length of a nonce. */
    public static final int NONCE_BYTES = 32;

    public Challenge {
      if (nonce.length() != NONCE_BYTES) {
        throw new IllegalArgumentException("a nonce has " + NONCE_BYTES + " bytes");
      }
    }
  }

  /**
   * Who the sidecar is, and the proof that it holds its key.
   *
   * @param oldestVersion the oldest version of the conversation it speaks, from 1
   * @param newestVersion the newest one
   * @param token the pod's projected token
   * @param publicKey the key to bind to the pod, Ed25519 as SubjectPublicKeyInfo
   * @param signature see {@link KeyProof}
   */
  record Hello(
      int oldestVersion, int newestVersion, SecretBytes token, Bytes publicKey, Bytes signature)
      implements FromSidecar {
    public Hello {
      if (oldestVersion < 1 || newestVersion < oldestVersion) {
        throw new IllegalArgumentException("the range of versions is none");
      }
      Objects.requireNonNull(token, "token");
      Objects.requireNonNull(publicKey, "publicKey");
      Objects.requireNonNull(signature, "signature");
    }

    /** What it speaks. */
    public ProtocolVersions versions() {
      return new ProtocolVersions(oldestVersion, newestVersion);
    }
  }

  /** The sidecar is who it says; the conversation goes on in this version. */
  record Welcome(int version) implements FromOperator {}

  /**
   * The last word: the connection is closed after it.
   *
   * @param reason a constant for programs, such as {@code token-invalid}
   * @param message for people
   */
  record Refused(String reason, String message) implements FromOperator {
    public Refused {
      Objects.requireNonNull(reason, "reason");
      Objects.requireNonNull(message, "message");
    }
  }

  /** Nothing happened, and the one who says it is still there. */
  record Heartbeat() implements FromOperator, FromSidecar {
    @Override
    public Optional<String> replaces() {
      return Optional.of("heartbeat");
    }
  }

  /**
   * A message was of a type that this release does not know, and was passed over.
   *
   * @param message the type
   */
  record NotUnderstood(String message) implements FromOperator, FromSidecar {
    public NotUnderstood {
      Objects.requireNonNull(message, "message");
    }
  }

  /**
   * What is to be in force from now on, as a whole: exactly one Pod, the AgentConnections it is an
   * agent of, and the AccessPolicies that govern those.
   *
   * @param revision names this configuration in the answer; larger is newer within one connection
   */
  record Configure(long revision, List<Document> resources) implements FromOperator {
    public Configure {
      resources = List.copyOf(resources);
    }

    @Override
    public Optional<String> replaces() {
      return Optional.of("configure");
    }
  }

  /** That configuration is in force. */
  record ConfigurationApplied(long revision) implements FromSidecar {
    @Override
    public Optional<String> replaces() {
      return Optional.of("configuration");
    }
  }

  /**
   * That configuration cannot be put in force; the one before it stays, but for what the new one
   * suspends or leaves out.
   *
   * @param problems for people; hold nothing secret
   */
  record ConfigurationRejected(long revision, List<String> problems) implements FromSidecar {
    public ConfigurationRejected {
      problems = List.copyOf(problems);
    }

    @Override
    public Optional<String> replaces() {
      return Optional.of("configuration");
    }
  }

  /** A person has ended this session. */
  record Revoke(String session) implements FromOperator {
    public Revoke {
      Objects.requireNonNull(session, "session");
    }
  }

  /**
   * All decisions that stand in a request now. The API server has seen to it that each was made by
   * somebody whom the request names.
   */
  record Decisions(String request, List<ApprovalDecision> decisions) implements FromOperator {
    public Decisions {
      Objects.requireNonNull(request, "request");
      decisions = List.copyOf(decisions);
    }

    @Override
    public Optional<String> replaces() {
      return Optional.of("decisions " + request);
    }
  }

  /** A request is shown to approvers. */
  record RequestShown(String request) implements FromOperator {
    public RequestShown {
      Objects.requireNonNull(request, "request");
    }
  }

  /** A request is not there any more, or could not be shown. */
  record RequestGone(String request, String why) implements FromOperator {
    public RequestGone {
      Objects.requireNonNull(request, "request");
      Objects.requireNonNull(why, "why");
    }
  }

  /** The final report of a request is kept; the sidecar can forget it. */
  record RequestSettled(String request) implements FromOperator {
    public RequestSettled {
      Objects.requireNonNull(request, "request");
    }
  }

  /**
   * A session has begun. Said again after each new connection.
   *
   * @param session names the AgentSession
   * @param startedAt as RFC 3339
   */
  record SessionStarted(
      String session, String connection, SessionIdentity identity, String startedAt)
      implements FromSidecar {
    public SessionStarted {
      Objects.requireNonNull(session, "session");
      Objects.requireNonNull(connection, "connection");
      Objects.requireNonNull(identity, "identity");
      Objects.requireNonNull(startedAt, "startedAt");
    }
  }

  /**
   * What a session did so far.
   *
   * @param lastActivity as RFC 3339
   */
  record SessionProgress(
      String session,
      OperationCounts operations,
      long maskedValues,
      long rows,
      String lastActivity,
      RecordingState recording)
      implements FromSidecar {
    public SessionProgress {
      Objects.requireNonNull(session, "session");
      Objects.requireNonNull(operations, "operations");
      Objects.requireNonNull(lastActivity, "lastActivity");
      Objects.requireNonNull(recording, "recording");
    }

    @Override
    public Optional<String> replaces() {
      return Optional.of("progress " + session);
    }
  }

  /**
   * A session is over.
   *
   * @param revoked whether a person ended it
   */
  record SessionEnded(String session, boolean revoked) implements FromSidecar {
    public SessionEnded {
      Objects.requireNonNull(session, "session");
    }
  }

  /**
   * An operation waits for approval. Said again after each new connection until it is answered: the
   * same name is the same request.
   *
   * @param name names the ApprovalRequest
   * @param at when it was made, as RFC 3339
   */
  record ApprovalRequested(String name, Request request, String at) implements FromSidecar {
    public ApprovalRequested {
      Objects.requireNonNull(name, "name");
      Objects.requireNonNull(request, "request");
      Objects.requireNonNull(at, "at");
    }
  }

  /**
   * Where a request stands. A final one is said again after each new connection until it is
   * settled.
   *
   * @param decisions those that counted
   * @param ignored those that do not count, and why
   * @param until until when an approval may be used, as RFC 3339
   * @param why why it was cancelled
   */
  record RequestReport(
      String request,
      ApprovalPhase phase,
      List<ObservedDecision> decisions,
      List<IgnoredDecision> ignored,
      Optional<String> until,
      Optional<String> why)
      implements FromSidecar {
    public RequestReport {
      Objects.requireNonNull(request, "request");
      Objects.requireNonNull(phase, "phase");
      decisions = List.copyOf(decisions);
      ignored = List.copyOf(ignored);
      Objects.requireNonNull(until, "until");
      Objects.requireNonNull(why, "why");
    }

    @Override
    public Optional<String> replaces() {
      return Optional.of("report " + request);
    }
  }

  /** A decision that does not count. */
  record IgnoredDecision(String by, String why) {
    public IgnoredDecision {
      Objects.requireNonNull(by, "by");
      Objects.requireNonNull(why, "why");
    }
  }

  /** What the sidecar found out about a connection: its target, its masks, its credentials. */
  record ConditionsReport(String connection, List<Condition> conditions) implements FromSidecar {
    public ConditionsReport {
      Objects.requireNonNull(connection, "connection");
      conditions = List.copyOf(conditions);
    }

    @Override
    public Optional<String> replaces() {
      return Optional.of("conditions " + connection);
    }
  }

  /**
   * How the sidecar is.
   *
   * @param ready whether it takes clients
   * @param why why not; empty where it is ready
   */
  record Health(boolean ready, String why) implements FromSidecar {
    public Health {
      Objects.requireNonNull(why, "why");
    }

    @Override
    public Optional<String> replaces() {
      return Optional.of("health");
    }
  }

  /**
   * Whether this operator keeps recordings. Said once in each conversation, before anything else
   * that is said of them.
   *
   * @param kept whether recordings are to be offered
   * @param mostUnstored how much of one session's recording may wait to be stored, in bytes, before
   *     nothing more can be recorded; positive where recordings are kept
   */
  record RecordingsKept(boolean kept, long mostUnstored) implements FromOperator {
    public RecordingsKept {
      if (kept && mostUnstored < 1) {
        throw new IllegalArgumentException("mostUnstored " + mostUnstored);
      }
    }

    @Override
    public Optional<String> replaces() {
      return Optional.of("recordings kept");
    }
  }

  /**
   * There is something of a recording that the operator may not have. Answered with RecordingWanted
   * when it is its turn, or with RecordingRefused.
   *
   * @param session names the recording
   * @param publicKey what it is signed with, Ed25519 as SubjectPublicKeyInfo; one for each pod
   */
  record RecordingOffered(String session, Bytes publicKey) implements FromSidecar {
    public RecordingOffered {
      Objects.requireNonNull(session, "session");
      Objects.requireNonNull(publicKey, "publicKey");
    }

    @Override
    public Optional<String> replaces() {
      return Optional.of("offered " + session);
    }
  }

  /**
   * One piece of a recording is to be sent, from there on. All before it is stored.
   *
   * @param segment from 1
   * @param offset in the segment, in bytes
   */
  record RecordingWanted(String session, int segment, long offset) implements FromOperator {
    public RecordingWanted {
      Objects.requireNonNull(session, "session");
      requirePosition(segment, offset);
    }
  }

  /**
   * The piece that was wanted: a segment's header, events, or both, each of them whole.
   *
   * @param content at most {@value #MOST_BYTES} bytes; none where nothing stands there
   * @param more whether another piece stands behind it already
   */
  record RecordingPiece(String session, int segment, long offset, Bytes content, boolean more)
      implements FromSidecar {
    /** The longest content, in bytes. */
    public static final int MOST_BYTES = 128 * 1024;

    public RecordingPiece {
      Objects.requireNonNull(session, "session");
      requirePosition(segment, offset);
      if (content.length() > MOST_BYTES) {
        throw new IllegalArgumentException("a piece has at most " + MOST_BYTES + " bytes");
      }
    }
  }

  /**
   * A recording is verified and on the disk of the operator's store up to there.
   *
   * @param segment the next piece is of this one
   * @param offset and begins there
   * @param bytes how much that is, all segments together
   */
  record RecordingStored(String session, int segment, long offset, long bytes)
      implements FromOperator {
    public RecordingStored {
      Objects.requireNonNull(session, "session");
      requirePosition(segment, offset);
    }

    @Override
    public Optional<String> replaces() {
      return Optional.of("stored " + session);
    }
  }

  /**
   * A recording is not taken.
   *
   * @param forGood whether it never will be, because it is not what was recorded; otherwise it may
   *     be offered again after a pause
   * @param why for people
   */
  record RecordingRefused(String session, boolean forGood, String why) implements FromOperator {
    public RecordingRefused {
      Objects.requireNonNull(session, "session");
      Objects.requireNonNull(why, "why");
    }
  }

  private static void requirePosition(int segment, long offset) {
    if (segment < 1 || offset < 0) {
      throw new IllegalArgumentException("no place in a recording");
    }
  }
}
