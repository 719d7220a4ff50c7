package dev.chaperone.control.resource;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.composer.Composer;
import org.yaml.snakeyaml.error.Mark;
import org.yaml.snakeyaml.error.MarkedYAMLException;
import org.yaml.snakeyaml.error.YAMLException;
import org.yaml.snakeyaml.nodes.MappingNode;
import org.yaml.snakeyaml.nodes.Node;
import org.yaml.snakeyaml.nodes.NodeTuple;
import org.yaml.snakeyaml.nodes.ScalarNode;
import org.yaml.snakeyaml.nodes.SequenceNode;
import org.yaml.snakeyaml.nodes.Tag;
import org.yaml.snakeyaml.parser.ParserImpl;
import org.yaml.snakeyaml.reader.StreamReader;
import org.yaml.snakeyaml.resolver.Resolver;

/**
 * Parses YAML (and JSON, which is YAML) into positioned trees. Constructs no objects from tags, and
 * bounds everything a document can make grow: length, documents, nesting, nodes after expansion of
 * aliases.
 */
final class YamlReader {
  static final int MAX_BYTES = 4 * 1024 * 1024;
  private static final int MAX_DOCUMENTS = 1_000;
  private static final int MAX_NESTING = 50;
  private static final int MAX_NODES = 200_000;

  private static final Pattern DECIMAL = Pattern.compile("[-+]?(0|[1-9][0-9]{0,18})");
  private static final Pattern OCTAL = Pattern.compile("[-+]?0o?[0-7]{1,20}");
  private static final Pattern HEXADECIMAL = Pattern.compile("[-+]?0x[0-9a-fA-F]{1,15}");

  private static final String TAGS =
      "tags are not supported; put text that begins with ! in quotes";
  private static final Set<String> TRUE = Set.of("true", "yes", "on");

  private final String file;
  private final List<Problem> problems;
  private int nodes;

  private YamlReader(String file, List<Problem> problems) {
    this.file = file;
    this.problems = problems;
  }

  /** The documents of a file; problems are added to {@code problems}. */
  static List<Tree> read(String file, byte[] bytes, List<Problem> problems) {
    if (bytes.length > MAX_BYTES) {
      problems.add(new Problem(file, 0, 0, "", "the file is larger than 4 MiB"));
      return List.of();
    }
    String text;
    try {
      text =
          StandardCharsets.UTF_8
              .newDecoder()
              .onMalformedInput(CodingErrorAction.REPORT)
              .onUnmappableCharacter(CodingErrorAction.REPORT)
              .decode(ByteBuffer.wrap(bytes))
              .toString();
    } catch (CharacterCodingException e) {
      problems.add(new Problem(file, 0, 0, "", "the file is not UTF-8 text"));
      return List.of();
    }
    if (text.startsWith("\uFEFF")) {
      text = text.substring(1);
    }
    return new YamlReader(file, problems).documents(text);
  }

  private List<Tree> documents(String text) {
    LoaderOptions options = new LoaderOptions();
    options.setCodePointLimit(MAX_BYTES);
    options.setNestingDepthLimit(MAX_NESTING);
    options.setMaxAliasesForCollections(100);
    List<Tree> documents = new ArrayList<>();
    try {
      Composer composer =
          new Composer(new ParserImpl(new StreamReader(text), options), new Resolver(), options);
      while (composer.checkNode()) {
        Node node = composer.getNode();
        if (documents.size() >= MAX_DOCUMENTS) {
          add(node.getStartMark(), "", "the file has more than " + MAX_DOCUMENTS + " documents");
          break;
        }
        if (!isEmpty(node)) {
          documents.add(tree(node, "", 0));
        }
      }
    } catch (TooLargeException e) {
      problems.add(
          new Problem(file, 0, 0, "", "the file has too many or too deeply nested values"));
    } catch (MarkedYAMLException e) {
      add(
          e.getProblemMark() == null ? e.getContextMark() : e.getProblemMark(),
          "",
          "not valid YAML: " + withoutText(e.getProblem()));
    } catch (YAMLException e) {
      problems.add(new Problem(file, 0, 0, "", "not valid YAML: " + firstLine(e.getMessage())));
    } catch (StackOverflowError e) {
      problems.add(new Problem(file, 0, 0, "", "not valid YAML: nested too deeply"));
    }
    return documents;
  }

  /** Names of aliases and tags are text of the file, perhaps of an unquoted secret. */
  private static String withoutText(String problem) {
    String text = String.valueOf(problem);
    if (text.contains("alias") || text.contains("anchor")) {
      return "an alias or anchor that cannot be; put text that begins with * or & in quotes";
    }
    if (text.contains("tag")) {
      return TAGS;
    }
    return firstLine(text);
  }

  private static String firstLine(String message) {
    return String.valueOf(message).lines().findFirst().orElse("unreadable");
  }

  private static boolean isEmpty(Node node) {
    return node instanceof ScalarNode scalar && scalar.getTag().equals(Tag.NULL);
  }

  private void add(Mark mark, String path, String message) {
    Tree.Position position = mark == null ? new Tree.Position(0, 0) : position(mark);
    problems.add(new Problem(file, position.line(), position.column(), path, message));
  }

  private static Tree.Position position(Mark mark) {
    return new Tree.Position(mark.getLine() + 1, mark.getColumn() + 1);
  }

  /** Aliases made the document larger or deeper than its text. */
  private static final class TooLargeException extends RuntimeException {
    private static final long serialVersionUID = 1L;
  }

  private Tree tree(Node node, String path, int depth) {
    if (++nodes > MAX_NODES || depth > MAX_NESTING) {
      throw new TooLargeException();
    }
    Tree.Position position = position(node.getStartMark());
    if (node instanceof MappingNode mapping) {
      return new Tree.Mapping(position, fields(mapping, path, depth));
    }
    if (node instanceof SequenceNode sequence) {
      List<Tree> items = new ArrayList<>();
      for (Node item : sequence.getValue()) {
        items.add(tree(item, path + "[" + items.size() + "]", depth + 1));
      }
      return new Tree.Sequence(position, items);
    }
    ScalarNode scalar = (ScalarNode) node;
    return new Tree.Scalar(position, value(scalar, path), scalar.getValue());
  }

  private Map<String, Tree.Field> fields(MappingNode mapping, String path, int depth) {
    Map<String, Tree.Field> fields = new LinkedHashMap<>();
    for (NodeTuple tuple : mapping.getValue()) {
      if (!(tuple.getKeyNode() instanceof ScalarNode key)) {
        add(tuple.getKeyNode().getStartMark(), path, "a field name must be text");
        continue;
      }
      String name = key.getValue();
      if (key.getTag().equals(Tag.MERGE)) {
        add(key.getStartMark(), path, "merge keys (<<) are not supported; write the fields out");
        continue;
      }
      String below = path.isEmpty() ? name : path + "." + name;
      Tree.Field field =
          new Tree.Field(
              position(key.getStartMark()), tree(tuple.getValueNode(), below, depth + 1));
      Tree.Field earlier = fields.putIfAbsent(name, field);
      if (earlier != null) {
        add(
            key.getStartMark(),
            below,
            "duplicate field \""
                + Quoted.safe(name)
                + "\"; it is also in line "
                + earlier.position().line());
      }
    }
    return fields;
  }

  private Object value(ScalarNode node, String path) {
    String text = node.getValue();
    Tag tag = node.getTag();
    if (tag.equals(Tag.STR) || tag.equals(Tag.TIMESTAMP) || !node.isPlain()) {
      if (tag.getValue().startsWith("!") && !tag.equals(Tag.STR)) {
        add(node.getStartMark(), path, TAGS);
      }
      return text;
    }
    if (tag.equals(Tag.NULL)) {
      return null;
    }
    if (tag.equals(Tag.BOOL)) {
      return TRUE.contains(text.toLowerCase(Locale.ROOT));
    }
    if (tag.equals(Tag.INT)) {
      return integer(text);
    }
    if (tag.equals(Tag.FLOAT)) {
      try {
        return Double.valueOf(text);
      } catch (NumberFormatException e) {
        return text;
      }
    }
    add(node.getStartMark(), path, TAGS);
    return text;
  }

  private static Object integer(String text) {
    try {
      if (DECIMAL.matcher(text).matches()) {
        return Long.valueOf(text);
      }
      if (OCTAL.matcher(text).matches()) {
        return Long.valueOf(text.replace("o", ""), 8);
      }
      if (HEXADECIMAL.matcher(text).matches()) {
        return Long.valueOf(text.replace("0x", ""), 16);
      }
    } catch (NumberFormatException e) {
      return Double.valueOf(Double.POSITIVE_INFINITY);
    }
    return text;
  }
}
