package dev.chaperone.control.channel;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.json.JsonWriteFeature;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * JSON as plain values, read strictly: one object, UTF-8, no field twice, no fractions, bounded in
 * nesting, names and number of values.
 *
 * <p>Only the tokens are Jackson's. No mapper: what a frame may become is decided by {@link
 * RecordTrees} alone, and the gateway starts no faster with more of a library in it.
 */
final class JsonTree {
  private static final int MAX_NESTING = 50;
  private static final int MAX_NAME = 1024;
  private static final int MAX_VALUES = 200_000;

  private static final JsonFactory JSON =
      JsonFactory.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          // Names of fields come from the other side; what is interned is never collected.
          .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
          .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES)
          .enable(JsonWriteFeature.ESCAPE_NON_ASCII)
          .streamReadConstraints(
              StreamReadConstraints.builder()
                  .maxNestingDepth(MAX_NESTING)
                  .maxNameLength(MAX_NAME)
                  .maxNumberLength(20)
                  .maxStringLength(FrameReader.MAX_FRAME)
                  .build())
          .build();

  private int values;

  private JsonTree() {}

  /** Reads one object. */
  static Map<String, Object> read(byte[] json) throws MalformedMessageException {
    String text;
    try {
      // Not left to the parser, which would guess the encoding.
      text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(json)).toString();
    } catch (CharacterCodingException e) {
      throw new MalformedMessageException("not UTF-8");
    }
    try (JsonParser parser = JSON.createParser(text)) {
      if (parser.nextToken() != JsonToken.START_OBJECT) {
        throw new MalformedMessageException("not a JSON object");
      }
      Map<String, Object> object = new JsonTree().object(parser);
      if (parser.nextToken() != null) {
        throw new MalformedMessageException("something follows the JSON object");
      }
      return object;
    } catch (IOException e) {
      // Its message repeats what came in.
      throw new MalformedMessageException("not JSON as it is read here");
    }
  }

  private Map<String, Object> object(JsonParser parser)
      throws IOException, MalformedMessageException {
    Map<String, Object> object = new LinkedHashMap<>();
    while (parser.nextToken() != JsonToken.END_OBJECT) {
      String name = whole(parser.currentName());
      parser.nextToken();
      Object value = value(parser);
      if (value != null) {
        object.put(name, value);
      }
    }
    return object;
  }

  private Object value(JsonParser parser) throws IOException, MalformedMessageException {
    if (++values > MAX_VALUES) {
      throw new MalformedMessageException("more than " + MAX_VALUES + " values");
    }
    return switch (parser.currentToken()) {
      case START_OBJECT -> object(parser);
      case START_ARRAY -> array(parser);
      case VALUE_STRING -> whole(parser.getText());
      case VALUE_NUMBER_INT -> parser.getLongValue();
      case VALUE_TRUE -> true;
      case VALUE_FALSE -> false;
      case VALUE_NULL -> null;
      default -> throw new MalformedMessageException("a number that is not whole");
    };
  }

  private List<Object> array(JsonParser parser) throws IOException, MalformedMessageException {
    List<Object> array = new ArrayList<>();
    while (parser.nextToken() != JsonToken.END_ARRAY) {
      Object item = value(parser);
      if (item == null) {
        throw new MalformedMessageException("a null in a list");
      }
      array.add(item);
    }
    return array;
  }

  /** Half of a pair of surrogates could not be written again as it was read. */
  private static String whole(String text) throws MalformedMessageException {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (Character.isHighSurrogate(c)
          && i + 1 < text.length()
          && Character.isLowSurrogate(text.charAt(i + 1))) {
        i++;
      } else if (Character.isSurrogate(c)) {
        throw new MalformedMessageException("text with half a character");
      }
    }
    return text;
  }

  /** Writes plain values; in ASCII, with the rest escaped. */
  static byte[] write(Map<String, Object> object) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (JsonGenerator generator = JSON.createGenerator(bytes)) {
      write(generator, object);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }

  private static void write(JsonGenerator generator, Object value) throws IOException {
    if (value instanceof Map<?, ?> map) {
      generator.writeStartObject();
      for (Map.Entry<?, ?> entry : map.entrySet()) {
        generator.writeFieldName((String) entry.getKey());
        write(generator, entry.getValue());
      }
      generator.writeEndObject();
    } else if (value instanceof List<?> list) {
      generator.writeStartArray();
      for (Object item : list) {
        write(generator, item);
      }
      generator.writeEndArray();
    } else if (value instanceof Long number) {
      generator.writeNumber(number);
    } else if (value instanceof Boolean bool) {
      generator.writeBoolean(bool);
    } else {
      generator.writeString((String) value);
    }
  }
}
