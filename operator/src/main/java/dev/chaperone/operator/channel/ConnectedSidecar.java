package dev.chaperone.operator.channel;

import dev.chaperone.control.channel.Bytes;
import dev.chaperone.control.channel.ChannelMessage;
import dev.chaperone.control.channel.ChannelMessage.Configure;
import dev.chaperone.control.channel.ChannelMessage.Decisions;
import dev.chaperone.control.channel.ChannelMessage.FromOperator;
import dev.chaperone.control.channel.ChannelMessage.RecordingRefused;
import dev.chaperone.control.channel.ChannelMessage.RecordingStored;
import dev.chaperone.control.channel.ChannelMessage.RecordingWanted;
import dev.chaperone.control.channel.ChannelMessage.RecordingsKept;
import dev.chaperone.control.channel.ChannelMessage.RequestGone;
import dev.chaperone.control.channel.ChannelMessage.RequestSettled;
import dev.chaperone.control.channel.ChannelMessage.RequestShown;
import dev.chaperone.control.channel.ChannelMessage.Revoke;
import dev.chaperone.control.channel.Document;
import dev.chaperone.control.channel.OutboundQueue;
import dev.chaperone.crds.v1alpha1.ApprovalDecision;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A sidecar that was let in, for as long as this connection lasts. What is sent to it waits in a
 * bounded queue while it takes nothing; one that does not keep up is sent away and begins anew.
 * Safe for use by any thread; nothing here waits.
 */
public final class ConnectedSidecar {
  /** Configurations and decisions replace their elders, so this is many sessions and requests. */
  static final int MAX_WAITING = 4_096;

  /** The connection underneath. */
  interface Link {
    /** Something waits to be sent. */
    void wake();

    /** Ends it, after a word why. */
    void refuse(RefusalReason reason, String message);
  }

  private final SidecarPod pod;
  private final Bytes publicKey;
  private final int version;
  private final Link link;
  private final OutboundQueue outbound = new OutboundQueue(MAX_WAITING);
  private final AtomicLong revision = new AtomicLong();

  ConnectedSidecar(SidecarPod pod, Bytes publicKey, int version, Link link) {
    this.pod = pod;
    this.publicKey = publicKey;
    this.version = version;
    this.link = link;
  }

  /** The pod it belongs to. */
  public SidecarPod pod() {
    return pod;
  }

  /** The key that speaks for the pod, Ed25519 as SubjectPublicKeyInfo. */
  public Bytes publicKey() {
    return publicKey;
  }

  /** In which version it is spoken with. */
  public int version() {
    return version;
  }

  /**
   * Sends what is to be in force, as a whole; replaces one that still waits to be sent.
   *
   * @return the revision that its answer will name
   */
  public long configure(List<Document> resources) {
    long next = revision.incrementAndGet();
    send(new Configure(next, resources));
    return next;
  }

  /** Ends a session. */
  public void revoke(String session) {
    send(new Revoke(session));
  }

  /** Sends all decisions that stand in a request. */
  public void decide(String request, List<ApprovalDecision> decisions) {
    send(new Decisions(request, decisions));
  }

  /** A request is shown to approvers. */
  public void shown(String request) {
    send(new RequestShown(request));
  }

  /** A request is not there any more, or could not be shown. */
  public void gone(String request, String why) {
    send(new RequestGone(request, why));
  }

  /** A request's final report is kept. */
  public void settled(String request) {
    send(new RequestSettled(request));
  }

  /** Recordings are to be offered, or not. */
  public void keepsRecordings(boolean kept, long mostUnstored) {
    send(new RecordingsKept(kept, mostUnstored));
  }

  /** One piece of a recording is to be sent, from there on. */
  public void want(String session, int segment, long offset) {
    send(new RecordingWanted(session, segment, offset));
  }

  /** A recording is stored up to there. */
  public void stored(String session, int segment, long offset, long bytes) {
    send(new RecordingStored(session, segment, offset, bytes));
  }

  /** A recording is not taken. */
  public void refuse(String session, boolean forGood, String why) {
    send(new RecordingRefused(session, forGood, why));
  }

  /** Sends it away; it will connect anew. */
  public void disconnect(RefusalReason reason, String message) {
    link.refuse(reason, message);
  }

  void send(FromOperator message) {
    if (outbound.offer(message)) {
      link.wake();
    } else {
      link.refuse(RefusalReason.TOO_SLOW, "too much waits to be taken");
    }
  }

  ChannelMessage poll() {
    return outbound.poll();
  }

  @Override
  public String toString() {
    return pod.toString();
  }
}
