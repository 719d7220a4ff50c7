package dev.chaperone.sidecar.approval;

import java.time.Instant;
import java.util.List;

/** One operation of one client connection while it waits for approval. */
public interface Hold {

  /** Told how it goes on; on the event loop of the client connection, in this order, once each. */
  interface Listener {
    /** The request is open and the operation waits. Not told where an approval is there already. */
    void opened(String request, String approvers, Instant expiresAt);

    /** It is approved: the decision is to be made anew, then {@link Hold#use()} called. */
    void approved();

    /** The approval was consumed, on disk: the operation is to be forwarded now. */
    void released(Release release);

    /** It will not be released. */
    void refused(Refused why);
  }

  /**
   * An approval that was given and is now used.
   *
   * @param request the request's name
   * @param approvers who approved
   */
  record Release(String request, List<String> approvers) {
    public Release {
      approvers = List.copyOf(approvers);
    }
  }

  /** Why an operation is not released. */
  sealed interface Refused {
    /**
     * An approver said no.
     *
     * @param comment as written; empty for none
     */
    record Denied(String request, String by, String comment) implements Refused {}

    /** Nobody decided, or nobody used it, in time. */
    record Expired(String request) implements Refused {}

    /** The request was cancelled. */
    record Cancelled(String request, String reason) implements Refused {}

    /** No request could be opened. */
    record Unavailable(String reason) implements Refused {}
  }

  /** Consumes the approval. */
  void use();

  /** The client does not wait any more. The request stays open. */
  void abandon();
}
