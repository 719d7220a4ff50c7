package dev.chaperone.sidecar.approval;

import dev.chaperone.crds.v1alpha1.ApprovalDecision;
import dev.chaperone.crds.v1alpha1.Request;
import java.io.IOException;
import java.time.Instant;
import java.util.List;

/** Where requests are shown to approvers, and their decisions come from. */
public interface RequestStore extends AutoCloseable {

  /** Told what approvers do; on a thread of the store's own. */
  interface Listener {
    /** All decisions that stand in a request now; those seen before are among them. */
    void decided(String name, List<ApprovalDecision> decisions);

    /** The request is not there any more, or is not what it was. */
    void withdrawn(String name, String reason);
  }

  /** A decision that does not count. */
  record Ignored(String by, String reason) {}

  /** Begins to look for decisions. Requests that an earlier session left open are cancelled. */
  void start(Listener listener) throws IOException;

  /** Nobody can be asked at this moment. */
  final class UnreachableException extends IOException {
    private static final long serialVersionUID = 1L;

    /**
     * @param message for the agent
     */
    public UnreachableException(String message) {
      super(message);
    }
  }

  /**
   * Shows a request to approvers.
   *
   * @throws UnreachableException where they cannot be reached now
   */
  void create(String namespace, String name, Request request, Instant at) throws IOException;

  /**
   * Shows where a request stands. When it has been used this returns only once that is on disk.
   *
   * @param ignored decisions that do not count, and why
   */
  void report(String name, RequestState state, List<Ignored> ignored) throws IOException;

  @Override
  void close();
}
