package dev.chaperone.recording;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * What a signature says: that the recording up to an event is what its hash says. One kind closes a
 * segment, one closes the session.
 */
public final class Checkpoint {
  private static final byte[] DOMAIN =
      "chaperone recording checkpoint v1\0".getBytes(StandardCharsets.US_ASCII);

  private final int type;
  private final long micros;
  private final Head head;
  private final Totals totals;

  /**
   * @param totals of a seal, else null
   */
  Checkpoint(int type, long micros, Head head, Totals totals) {
    this.type = type;
    this.micros = micros;
    this.head = head;
    this.totals = totals;
  }

  int type() {
    return type;
  }

  long micros() {
    return micros;
  }

  /** What it covers. */
  public Head head() {
    return head;
  }

  /** Of a seal, else null. */
  Totals totals() {
    return totals;
  }

  /** What is signed. */
  public byte[] message() {
    PayloadWriter out = new PayloadWriter();
    out.begin();
    out.raw(DOMAIN, 0, DOMAIN.length);
    out.octet(type);
    out.fixed64(micros);
    write(out);
    return Arrays.copyOfRange(out.array(), Format.FRAME_HEAD_BYTES, out.position());
  }

  void write(PayloadWriter out) {
    out.fixed64(head.events());
    out.raw(head.hash());
    if (totals != null) {
      out.fixed64(totals.operations());
      out.fixed64(totals.denied());
      out.fixed64(totals.rows());
      out.fixed64(totals.maskedValues());
      out.fixed64(totals.gaps());
    }
  }

  static Checkpoint read(int type, long micros, PayloadReader in)
      throws MalformedRecordingException {
    Head head = new Head(in.fixed64(), in.raw(Format.HASH_BYTES));
    Totals totals =
        type == Format.TYPE_SEALED
            ? new Totals(in.fixed64(), in.fixed64(), in.fixed64(), in.fixed64(), in.fixed64())
            : null;
    return new Checkpoint(type, micros, head, totals);
  }
}
