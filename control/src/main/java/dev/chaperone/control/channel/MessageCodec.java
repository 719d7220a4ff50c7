package dev.chaperone.control.channel;

import dev.chaperone.control.channel.ChannelMessage.ApprovalRequested;
import dev.chaperone.control.channel.ChannelMessage.Challenge;
import dev.chaperone.control.channel.ChannelMessage.ConditionsReport;
import dev.chaperone.control.channel.ChannelMessage.ConfigurationApplied;
import dev.chaperone.control.channel.ChannelMessage.ConfigurationRejected;
import dev.chaperone.control.channel.ChannelMessage.Configure;
import dev.chaperone.control.channel.ChannelMessage.Decisions;
import dev.chaperone.control.channel.ChannelMessage.Health;
import dev.chaperone.control.channel.ChannelMessage.Heartbeat;
import dev.chaperone.control.channel.ChannelMessage.Hello;
import dev.chaperone.control.channel.ChannelMessage.NotUnderstood;
import dev.chaperone.control.channel.ChannelMessage.RecordingOffered;
import dev.chaperone.control.channel.ChannelMessage.RecordingPiece;
import dev.chaperone.control.channel.ChannelMessage.RecordingRefused;
import dev.chaperone.control.channel.ChannelMessage.RecordingStored;
import dev.chaperone.control.channel.ChannelMessage.RecordingWanted;
import dev.chaperone.control.channel.ChannelMessage.RecordingsKept;
import dev.chaperone.control.channel.ChannelMessage.Refused;
import dev.chaperone.control.channel.ChannelMessage.RequestGone;
import dev.chaperone.control.channel.ChannelMessage.RequestReport;
import dev.chaperone.control.channel.ChannelMessage.RequestSettled;
import dev.chaperone.control.channel.ChannelMessage.RequestShown;
import dev.chaperone.control.channel.ChannelMessage.Revoke;
import dev.chaperone.control.channel.ChannelMessage.SessionEnded;
import dev.chaperone.control.channel.ChannelMessage.SessionProgress;
import dev.chaperone.control.channel.ChannelMessage.SessionStarted;
import dev.chaperone.control.channel.ChannelMessage.Welcome;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * Messages as JSON objects: the field {@code type} names the record, the others are its components.
 * Frames around them are read by {@link FrameReader}.
 */
public final class MessageCodec {
  private static final String TYPE = "type";
  private static final int MAX_TYPE = 64;

  private static final Map<String, Class<? extends ChannelMessage>> TYPES =
      List.<Class<? extends ChannelMessage>>of(
              Challenge.class,
              Hello.class,
              Welcome.class,
              Refused.class,
              Heartbeat.class,
              NotUnderstood.class,
              Configure.class,
              ConfigurationApplied.class,
              ConfigurationRejected.class,
              Revoke.class,
              Decisions.class,
              RequestShown.class,
              RequestGone.class,
              RequestSettled.class,
              SessionStarted.class,
              SessionProgress.class,
              SessionEnded.class,
              ApprovalRequested.class,
              RequestReport.class,
              ConditionsReport.class,
              Health.class,
              RecordingsKept.class,
              RecordingOffered.class,
              RecordingWanted.class,
              RecordingPiece.class,
              RecordingStored.class,
              RecordingRefused.class)
          .stream()
          .collect(Collectors.toUnmodifiableMap(Class::getSimpleName, Function.identity()));

  private MessageCodec() {}

  /** What a frame holds. */
  public sealed interface Decoded {

    /** A message that this release knows. */
    record Message(ChannelMessage message) implements Decoded {
      public Message {
        Objects.requireNonNull(message, "message");
      }
    }

    /** One of a type that it does not know; to be answered with {@link NotUnderstood}. */
    record Unknown(String type) implements Decoded {
      public Unknown {
        Objects.requireNonNull(type, "type");
      }
    }
  }

  /**
   * Reads the content of a frame.
   *
   * @throws MalformedMessageException where it is none; the connection is then to be closed
   */
  public static Decoded decode(byte[] json) throws MalformedMessageException {
    Map<String, Object> tree = JsonTree.read(json);
    if (!(tree.get(TYPE) instanceof String type) || type.isEmpty() || type.length() > MAX_TYPE) {
      throw new MalformedMessageException("the message does not say its type");
    }
    if (!type.chars().allMatch(c -> c > ' ' && c < 0x7F)) {
      throw new MalformedMessageException("the type of the message is no word");
    }
    Class<? extends ChannelMessage> known = TYPES.get(type);
    return known == null
        ? new Decoded.Unknown(type)
        : new Decoded.Message(RecordTrees.fromTree(tree, known, ""));
  }

  /**
   * A message as JSON, without a frame.
   *
   * @throws IllegalArgumentException where it is larger than a frame may be
   */
  public static byte[] encode(ChannelMessage message) {
    Map<String, Object> tree = new LinkedHashMap<>();
    tree.put(TYPE, message.getClass().getSimpleName());
    tree.putAll(RecordTrees.toTree((Record) message));
    byte[] json = JsonTree.write(tree);
    if (json.length > FrameReader.MAX_FRAME) {
      throw new IllegalArgumentException(
          message.getClass().getSimpleName() + " is larger than a frame may be");
    }
    return json;
  }

  /** The names of all types, for those who test or list them. */
  static Map<String, Class<? extends ChannelMessage>> types() {
    return TYPES;
  }
}
