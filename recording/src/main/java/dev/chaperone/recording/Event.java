package dev.chaperone.recording;

import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * One thing that happened in a session. Its number in the session and its time, in microseconds
 * since 1970 in UTC, are given to it when it is recorded.
 */
public sealed interface Event {

  /**
   * The session began.
   *
   * @param session its name
   * @param identity who the agent is
   * @param connection the name of the AgentConnection
   * @param target what it leads to
   * @param version the gateway's version
   * @param predecessor the session this one follows
   */
  record SessionOpened(
      String session,
      Identity identity,
      String connection,
      Target target,
      String version,
      Optional<Predecessor> predecessor)
      implements Event {
    public SessionOpened {
      Objects.requireNonNull(session, "session");
      Objects.requireNonNull(identity, "identity");
      Objects.requireNonNull(connection, "connection");
      Objects.requireNonNull(target, "target");
      Objects.requireNonNull(version, "version");
      Objects.requireNonNull(predecessor, "predecessor");
    }
  }

  /** Who the agent is; what is not known is empty. At most 64 groups. */
  record Identity(
      String namespace,
      String pod,
      String podUid,
      String serviceAccount,
      String user,
      List<String> groups) {
    public Identity {
      groups = List.copyOf(groups);
    }
  }

  /** What a connection leads to, without any credential. */
  record Target(String protocol, String host, int port, String database) {}

  /**
   * The session that was recorded before, and how far it went.
   *
   * @param session its name
   * @param events how many events were found valid
   * @param head the hash of the last of them, 32 bytes
   * @param sealed whether it was closed in order
   */
  record Predecessor(String session, long events, Bytes head, boolean sealed) {}

  /**
   * An agent's client connected.
   *
   * @param client its number in the session
   * @param application what it calls itself; may be empty
   */
  record ClientConnected(long client, String application) implements Event {
    public ClientConnected {
      Objects.requireNonNull(application, "application");
    }
  }

  /** An agent's client is gone. */
  record ClientDisconnected(long client, String reason) implements Event {
    public ClientDisconnected {
      Objects.requireNonNull(reason, "reason");
    }
  }

  /** What became of an operation that was asked. */
  enum Verdict {
    /** It is forwarded. */
    ALLOWED(0),
    /** It is not forwarded. */
    DENIED(1);

    private final int code;

    Verdict(int code) {
      this.code = code;
    }

    int code() {
      return code;
    }
  }

  /**
   * The agent asked for an operation. Recorded before anything of it is forwarded.
   *
   * @param client which client asked
   * @param verdict what became of it
   * @param decision the id the agent was told; empty for none
   * @param facts what it does and what policy said
   * @param statement its text
   * @param parameters the bound values
   * @param omitted how many more bound values there were
   * @param approval the name of the ApprovalRequest it was approved by; or empty
   * @param refusal what the agent was told where it is denied; or empty
   */
  record OperationRequested(
      long client,
      Verdict verdict,
      String decision,
      Repeated<Facts> facts,
      Repeated<Statement> statement,
      List<Value> parameters,
      int omitted,
      String approval,
      Optional<Failure> refusal)
      implements Event {
    /** Bound values that are kept at most. */
    public static final int MAX_PARAMETERS = 256;

    /** Bytes of bound values that are kept at most. */
    public static final int MAX_PARAMETER_BYTES = 32 << 10;

    public OperationRequested {
      Objects.requireNonNull(verdict, "verdict");
      Objects.requireNonNull(decision, "decision");
      Objects.requireNonNull(facts, "facts");
      Objects.requireNonNull(statement, "statement");
      Objects.requireNonNull(approval, "approval");
      Objects.requireNonNull(refusal, "refusal");
      parameters = List.copyOf(parameters);
    }
  }

  /** An error as the agent was told. */
  record Failure(String sqlState, String message) {}

  /**
   * One result of an operation.
   *
   * @param tag the target's word for it, such as {@code SELECT 3}
   * @param rows how many rows the agent got
   * @param recorded the first of them, as the agent got them
   */
  record Result(String tag, Repeated<Columns> columns, long rows, Rows recorded) {
    public Result {
      Objects.requireNonNull(tag, "tag");
      Objects.requireNonNull(columns, "columns");
      Objects.requireNonNull(recorded, "recorded");
    }
  }

  /**
   * An operation was answered, or is over without an answer.
   *
   * @param operation the number of the event that recorded its request
   * @param results what came back; a simple query may have several
   * @param omitted how many more results there were
   * @param bytes of rows that were sent to the agent
   * @param maskedValues how many values were masked
   * @param micros from the request to the end of the answer
   * @param suspended whether more of it may follow
   * @param failure the error, if there was one
   */
  record OperationCompleted(
      long operation,
      List<Result> results,
      int omitted,
      long bytes,
      long maskedValues,
      long micros,
      boolean suspended,
      Optional<Failure> failure)
      implements Event {
    /** Results that are kept at most. */
    public static final int MAX_RESULTS = 64;

    public OperationCompleted {
      Objects.requireNonNull(failure, "failure");
      results = List.copyOf(results);
    }
  }

  /**
   * A human was asked.
   *
   * @param request the name of the ApprovalRequest
   * @param client which client asked
   * @param digest of the operation
   * @param expiresAt in microseconds since 1970
   */
  record ApprovalOpened(
      String request,
      long client,
      Repeated<Facts> facts,
      Repeated<Statement> statement,
      String digest,
      long expiresAt)
      implements Event {
    public ApprovalOpened {
      Objects.requireNonNull(request, "request");
      Objects.requireNonNull(facts, "facts");
      Objects.requireNonNull(statement, "statement");
      Objects.requireNonNull(digest, "digest");
    }
  }

  /** A human answered. */
  record ApprovalDecided(String request, String by, boolean approved, String comment)
      implements Event {
    public ApprovalDecided {
      Objects.requireNonNull(request, "request");
      Objects.requireNonNull(by, "by");
      Objects.requireNonNull(comment, "comment");
    }
  }

  /** A grant was used; recorded before the operation it is used for. */
  record ApprovalUsed(String request, long client) implements Event {
    public ApprovalUsed {
      Objects.requireNonNull(request, "request");
    }
  }

  /** Nobody answered in time. */
  record ApprovalExpired(String request) implements Event {
    public ApprovalExpired {
      Objects.requireNonNull(request, "request");
    }
  }

  /** The answer is not waited for any more. */
  record ApprovalCancelled(String request, String reason) implements Event {
    public ApprovalCancelled {
      Objects.requireNonNull(request, "request");
      Objects.requireNonNull(reason, "reason");
    }
  }

  /** Another configuration is in force. */
  record ConfigurationChanged(long generation) implements Event {}

  /**
   * The connection leads elsewhere. Clients that connect after this are led there; those that were
   * connected before are closed, and what they still ask for in that moment goes where they were.
   */
  record TargetChanged(Target target) implements Event {
    public TargetChanged {
      Objects.requireNonNull(target, "target");
    }
  }

  /**
   * For a while nothing could be recorded.
   *
   * @param since when it began, in microseconds since 1970
   * @param operations forwarded meanwhile without a record
   * @param others other events that were lost, such as the end of an operation
   * @param cause why
   */
  record RecordingGap(long since, long operations, long others, String cause) implements Event {
    public RecordingGap {
      Objects.requireNonNull(cause, "cause");
    }
  }

  /** A person ended the session. */
  record SessionRevoked(String by) implements Event {
    public SessionRevoked {
      Objects.requireNonNull(by, "by");
    }
  }

  /** The session is over; nothing but its seal follows. */
  record SessionEnded(String reason) implements Event {
    public SessionEnded {
      Objects.requireNonNull(reason, "reason");
    }
  }
}
