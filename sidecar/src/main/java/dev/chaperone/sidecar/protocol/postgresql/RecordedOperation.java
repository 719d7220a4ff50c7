package dev.chaperone.sidecar.protocol.postgresql;

import dev.chaperone.control.translation.ConnectionConfiguration.Recording;
import dev.chaperone.crds.v1alpha1.RecordedResponses;
import dev.chaperone.recording.Bytes;
import dev.chaperone.recording.Columns;
import dev.chaperone.recording.Event;
import dev.chaperone.recording.Repeated;
import dev.chaperone.recording.Rows;
import dev.chaperone.sidecar.gateway.Recorder;
import io.netty.buffer.ByteBuf;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * What is remembered of the answer to one operation while it arrives. A portal may be answered in
 * several parts; each is an event. Used by the client's event loop.
 *
 * <p>Rows are told as the agent gets them, after masking.
 */
final class RecordedOperation {
  /** An operation that is not recorded. */
  static final RecordedOperation NONE = new RecordedOperation();

  private static final int INITIAL_BYTES = 64;
  private static final byte[] NO_BYTES = {};

  private final Recorder recorder;
  private final long number;
  private final long begin = System.nanoTime();
  private final boolean keepsResults;
  private final int maxRows;

  private Repeated<Columns> columns = Columns.NONE;
  private Bytes formats = Bytes.EMPTY;
  private PreparedStatement statement;
  private List<Event.Result> results = List.of();
  private int omitted;
  private long rows;
  private long bytes;
  private long maskedValues;
  private byte[] block = NO_BYTES;
  private int blockBytes;
  private int blockRows;
  private int keptRows;
  private int keptBytes;
  private boolean full;
  private boolean underMasks;
  private boolean makesCursor;
  private Optional<Event.Failure> failure = Optional.empty();

  private RecordedOperation() {
    this.recorder = null;
    this.number = 0;
    this.keepsResults = false;
    this.maxRows = 0;
    this.full = true;
  }

  /**
   * An operation that was recorded and is forwarded now.
   *
   * @param number of the event of its request
   */
  RecordedOperation(Recorder recorder, long number, Recording settings) {
    this.recorder = recorder;
    this.number = number;
    this.keepsResults = settings.responses() != RecordedResponses.NONE;
    this.maxRows =
        settings.responses() == RecordedResponses.MASKED ? settings.maxRowsPerOperation() : 0;
    this.full = maxRows == 0;
  }

  /** The target described what it is going to send. */
  void columns(Repeated<Columns> described) {
    if (number == 0) {
      return;
    }
    columns = described;
    if (statement != null) {
      statement.columns(described);
    }
  }

  /** Masks are in force: of each result its columns are kept, whatever else is left out. */
  void underMasks() {
    if (number != 0) {
      underMasks = true;
    }
  }

  /** It made a cursor: what is read from it later belongs to it too. */
  void makesCursor() {
    if (number != 0) {
      makesCursor = true;
    }
  }

  /** What the columns of the result at hand are masked by. */
  void shown(Repeated<Columns> described) {
    if (number != 0) {
      columns = described;
    }
  }

  /** One statement of a simple query is done; the columns of the next one are others. */
  void statementDone() {
    if (number != 0) {
      columns = Columns.NONE;
    }
  }

  /**
   * It runs a prepared statement.
   *
   * @param asked the formats that Bind asked for, one byte each
   */
  RecordedOperation of(PreparedStatement prepared, Bytes asked) {
    if (number != 0) {
      statement = prepared;
      columns = prepared.columns();
      formats = asked;
    }
    return this;
  }

  /** How much of a row is wanted, in bytes; none once enough was kept. */
  int wantedBytes(int bodyBytes) {
    return full ? 0 : Math.min(bodyBytes, Rows.MAX_BYTES);
  }

  /**
   * A row went to the agent: DataRow's body.
   *
   * @param available how much of it is in the buffer, at least {@link #wantedBytes}
   */
  void row(ByteBuf buffer, int start, int bodyBytes, int available) {
    if (number == 0) {
      return;
    }
    rows++;
    bytes += bodyBytes;
    if (full) {
      return;
    }
    int mark = blockBytes;
    if (keepRow(buffer, start, available)) {
      kept(mark);
    } else {
      // Not all of it, so nothing of it, and nothing that comes later.
      blockBytes = mark;
      full = true;
    }
  }

  /**
   * Rows went to the agent of which none is {@link #wantedBytes wanted}.
   *
   * @param bodyBytes of all of them together
   */
  void further(int count, long bodyBytes) {
    if (number != 0) {
      rows += count;
      bytes += bodyBytes;
    }
  }

  /** A line of COPY went to the agent: CopyData's body. */
  void line(ByteBuf buffer, int start, int bodyBytes, int available) {
    if (number == 0) {
      return;
    }
    rows++;
    bytes += bodyBytes;
    if (full) {
      return;
    }
    int mark = blockBytes;
    int keep = Math.min(bodyBytes, Rows.MAX_VALUE_BYTES);
    if (keep <= available && hasRoom(Short.BYTES + Integer.BYTES + keep)) {
      putShort(1);
      putInt(bodyBytes);
      buffer.getBytes(start, block, blockBytes, keep);
      blockBytes += keep;
      kept(mark);
    } else {
      full = true;
    }
  }

  private boolean keepRow(ByteBuf buffer, int start, int available) {
    int end = start + available;
    if (available < Short.BYTES || !hasRoom(Short.BYTES)) {
      return false;
    }
    int width = buffer.getUnsignedShort(start);
    putShort(width);
    int at = start + Short.BYTES;
    for (int column = 0; column < width; column++) {
      if (end - at < Integer.BYTES) {
        return false;
      }
      int length = buffer.getInt(at);
      int keep = Math.min(Math.max(length, 0), Rows.MAX_VALUE_BYTES);
      at += Integer.BYTES;
      if (length < -1 || end - at < keep || !hasRoom(Integer.BYTES + keep)) {
        return false;
      }
      putInt(length);
      buffer.getBytes(at, block, blockBytes, keep);
      blockBytes += keep;
      if (length > end - at) {
        return column == width - 1;
      }
      at += Math.max(length, 0);
    }
    return true;
  }

  private void kept(int mark) {
    blockRows++;
    keptRows++;
    keptBytes += blockBytes - mark;
    full = keptRows >= maxRows;
  }

  private boolean hasRoom(int more) {
    int needed = blockBytes + more;
    if (keptBytes + needed > Rows.MAX_BYTES) {
      return false;
    }
    if (needed > block.length) {
      block = Arrays.copyOf(block, Math.max(INITIAL_BYTES, needed * 2));
    }
    return true;
  }

  private void putShort(int value) {
    block[blockBytes++] = (byte) (value >> 8);
    block[blockBytes++] = (byte) value;
  }

  private void putInt(int value) {
    putShort(value >> 16);
    putShort(value);
  }

  /** Values of what went to the agent were masked. */
  void masked(int values) {
    if (number != 0) {
      maskedValues += values;
    }
  }

  /** One statement is done. */
  void result(String tag) {
    if (number == 0) {
      return;
    }
    if (!keepsResults && !underMasks) {
      forgetRows();
      return;
    }
    if (underMasks && results.size() >= Event.OperationCompleted.MAX_RESULTS) {
      // What each result was masked by is told of all of them.
      write(true);
    }
    if (results.size() >= Event.OperationCompleted.MAX_RESULTS) {
      omitted++;
    } else {
      Event.Result result =
          new Event.Result(
              keepsResults ? tag : "",
              columns,
              rows,
              blockRows == 0 ? Rows.NONE : Rows.of(formats, blockRows, block, blockBytes));
      if (results.isEmpty()) {
        results = List.of(result);
      } else {
        results = new ArrayList<>(results);
        results.add(result);
      }
    }
    forgetRows();
  }

  private void forgetRows() {
    rows = 0;
    block = NO_BYTES;
    blockBytes = 0;
    blockRows = 0;
  }

  /** It failed; the first error counts. */
  void failed(String sqlState, String message) {
    if (number != 0 && failure.isEmpty()) {
      failure = Optional.of(new Event.Failure(sqlState, message));
    }
  }

  /**
   * It was answered.
   *
   * @param suspended whether more of it may be asked for
   */
  void complete(boolean suspended) {
    if (number == 0) {
      return;
    }
    if (rows > 0) {
      // Of a statement that did not come to its end.
      result("");
    }
    write(suspended || makesCursor);
  }

  /** Nobody is there any more to take the rest of it. */
  void interrupted() {
    if (number != 0 && (rows > 0 || !results.isEmpty())) {
      failed(SqlState.CONNECTION_FAILURE, "the connection ended before all was answered");
      complete(false);
    }
  }

  private void write(boolean suspended) {
    recorder.record(
        new Event.OperationCompleted(
            number,
            results,
            omitted,
            bytes,
            maskedValues,
            (System.nanoTime() - begin) / 1_000,
            suspended,
            failure));
    results = List.of();
    omitted = 0;
    bytes = 0;
    maskedValues = 0;
    failure = Optional.empty();
  }
}
