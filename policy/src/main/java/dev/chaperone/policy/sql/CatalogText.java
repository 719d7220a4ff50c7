package dev.chaperone.policy.sql;

import dev.chaperone.policy.Access;
import dev.chaperone.policy.Effect;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.Reader;
import java.io.Writer;

/**
 * A catalog as text: a header line, then one line a fact, its fields separated by tabs, with
 * backslash escapes for tab, newline, carriage return and backslash.
 */
final class CatalogText {
  /**
   * What the first line says. The number counts the forms: a file without facts that a later form
   * has would be read as allowing more than the gateway does.
   */
  private static final String HEADER = "chaperone catalog 2";

  private static final String ANY_HEADER = "chaperone catalog ";

  private CatalogText() {}

  /** Writes a catalog. */
  static final class Out implements Catalog.Sink {
    private final Writer writer;

    Out(Writer writer) {
      this.writer = writer;
    }

    void write(Catalog catalog) throws IOException {
      writer.write(HEADER);
      writer.write('\n');
      catalog.describe(this);
      writer.flush();
    }

    @Override
    public void line(String kind, Object... fields) throws IOException {
      writer.write(kind);
      for (Object field : fields) {
        writer.write('\t');
        writer.write(escape(field.toString()));
      }
      writer.write('\n');
    }
  }

  /** Reads a catalog into a builder. */
  static void read(Reader reader, Catalog.Builder builder) throws IOException {
    BufferedReader lines = new BufferedReader(reader);
    String header = lines.readLine();
    if (!HEADER.equals(header)) {
      throw new IOException(
          header != null && header.startsWith(ANY_HEADER)
              ? "it was written by another version; have 'policy catalog' write it again"
              : "not a catalog file: its first line is not \"" + HEADER + "\"");
    }
    int number = 1;
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      number++;
      if (line.isEmpty()) {
        continue;
      }
      try {
        apply(line.split("\t", -1), builder);
      } catch (IndexOutOfBoundsException e) {
        throw new IOException("line " + number + " of the catalog file: a field is missing", e);
      } catch (RuntimeException e) {
        throw new IOException("line " + number + " of the catalog file: " + e.getMessage(), e);
      }
    }
  }

  private static void apply(String[] field, Catalog.Builder builder) {
    for (int i = 1; i < field.length; i++) {
      field[i] = unescape(field[i]);
    }
    switch (field[0]) {
      case "version" -> builder.version(Integer.parseInt(field[1]));
      case "fingerprint" -> builder.fingerprint(field[1]);
      case "open" -> builder.open();
      case "schema" -> builder.schema(field[1]);
      case "relation" ->
          builder.relation(Long.parseLong(field[1]), field[2], field[3], field[4].charAt(0));
      case "ancestor" -> builder.ancestor(Long.parseLong(field[1]), Long.parseLong(field[2]));
      case "builtin" -> builder.builtin(field[1], Boolean.parseBoolean(field[2]));
      case "function" ->
          builder.function(
              field[1], field[2], Boolean.parseBoolean(field[3]), Boolean.parseBoolean(field[4]));
      case "operator" -> builder.operator(field[1], field[2]);
      case "domain" -> builder.domain(field[1], field[2]);
      case "domainholder" -> builder.domainHolder(Long.parseLong(field[1]), field[2]);
      case "cast" ->
          builder.cast(
              field[1],
              field[2],
              field[3],
              Boolean.parseBoolean(field[4]),
              Boolean.parseBoolean(field[5]),
              Boolean.parseBoolean(field[6]));
      case "columntype" -> builder.columnType(Long.parseLong(field[1]), field[2]);
      case "typepart" -> builder.typePart(field[1], field[2]);
      case "hidden" ->
          builder.hidden(
              Long.parseLong(field[1]), new Access(Effect.valueOf(field[2]), field[3], field[4]));
      case "settingsview" -> builder.settingsView(Long.parseLong(field[1]));
      case "column" ->
          builder.column(
              Long.parseLong(field[1]),
              Integer.parseInt(field[2]),
              field[3],
              Long.parseLong(field[4]));
      case "generated" ->
          builder.generated(Long.parseLong(field[1]), Integer.parseInt(field[2]), field[3]);
      case "view" -> builder.view(Long.parseLong(field[1]), field[2]);
      case "rule" -> builder.rule(Long.parseLong(field[1]), field[2]);
      case "texttype" -> builder.textType(Long.parseLong(field[1]));
      default -> throw new IllegalArgumentException("unknown kind of line \"" + field[0] + "\"");
    }
  }

  private static String escape(String value) {
    if (value.chars().noneMatch(c -> c == '\\' || c == '\t' || c == '\n' || c == '\r')) {
      return value;
    }
    return value
        .replace("\\", "\\\\")
        .replace("\t", "\\t")
        .replace("\n", "\\n")
        .replace("\r", "\\r");
  }

  private static String unescape(String value) {
    if (value.indexOf('\\') < 0) {
      return value;
    }
    StringBuilder text = new StringBuilder(value.length());
    for (int i = 0; i < value.length(); i++) {
      char c = value.charAt(i);
      if (c != '\\' || i + 1 == value.length()) {
        text.append(c);
        continue;
      }
      char escaped = value.charAt(++i);
      text.append(
          switch (escaped) {
            case 't' -> '\t';
            case 'n' -> '\n';
            case 'r' -> '\r';
            default -> escaped;
          });
    }
    return text.toString();
  }
}
