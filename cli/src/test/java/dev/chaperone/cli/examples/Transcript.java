package dev.chaperone.cli.examples;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * The page of an example: text, and blocks of what is typed and what comes of it. A block begins
 * with {@code ```console} and the name of a connection, for psql, or {@code approvers}, for the
 * command. What is typed stands behind a prompt.
 */
final class Transcript {
  private static final Pattern OPENING = Pattern.compile("```console (\\S+)");
  private static final Pattern PROMPT = Pattern.compile("(?:\\w+[=-]>|\\$) (.+)");

  /**
   * One thing that is typed.
   *
   * @param prompt the line as it is on the page
   * @param input what is behind the prompt
   * @param output what the page says that comes of it
   */
  record Exchange(String prompt, String input, String output) {}

  /**
   * Some of them, typed in one terminal.
   *
   * @param where the connection, or {@code approvers}
   */
  record Block(String where, List<Exchange> exchanges) {
    boolean isForApprovers() {
      return where.equals("approvers");
    }

    /** The same with what came of each. */
    Block with(List<String> outputs) {
      List<Exchange> next = new ArrayList<>();
      for (int i = 0; i < exchanges.size(); i++) {
        next.add(new Exchange(exchanges.get(i).prompt(), exchanges.get(i).input(), outputs.get(i)));
      }
      return new Block(where, next);
    }

    @Override
    public String toString() {
      return exchanges.stream()
          .map(one -> one.prompt() + "\n" + one.output())
          .collect(Collectors.joining("", "```console " + where + "\n", "```\n"));
    }
  }

  /** Text as it is, and blocks. */
  private final List<Object> parts;

  private Transcript(List<Object> parts) {
    this.parts = parts;
  }

  static Transcript read(Path page) throws IOException {
    List<Object> parts = new ArrayList<>();
    StringBuilder text = new StringBuilder();
    String where = null;
    List<Exchange> exchanges = new ArrayList<>();
    for (String line : Files.readAllLines(page)) {
      Matcher opening = OPENING.matcher(line);
      Matcher prompt = PROMPT.matcher(line);
      if (where == null && opening.matches()) {
        parts.add(text.toString());
        text.setLength(0);
        where = opening.group(1);
      } else if (where == null) {
        text.append(line).append('\n');
      } else if (line.equals("```")) {
        parts.add(new Block(where, List.copyOf(exchanges)));
        exchanges.clear();
        where = null;
      } else if (prompt.matches()) {
        exchanges.add(new Exchange(line, prompt.group(1), ""));
      } else {
        Exchange last = exchanges.remove(exchanges.size() - 1);
        exchanges.add(new Exchange(last.prompt(), last.input(), last.output() + line + "\n"));
      }
    }
    parts.add(text.toString());
    return new Transcript(parts);
  }

  List<Block> blocks() {
    return parts.stream().filter(Block.class::isInstance).map(Block.class::cast).toList();
  }

  /** The page with other blocks in the places of these. */
  String with(List<Block> blocks) {
    StringBuilder page = new StringBuilder();
    int next = 0;
    for (Object part : parts) {
      page.append(part instanceof Block ? blocks.get(next++) : part);
    }
    return page.toString();
  }
}
