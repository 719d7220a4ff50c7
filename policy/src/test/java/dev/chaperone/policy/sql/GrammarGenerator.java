package dev.chaperone.policy.sql;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** Makes texts by a grammar, as {@code fuzz/grammar.txt} describes it. */
final class GrammarGenerator {
  private static final int MAX_EXPANSIONS = 40;

  private final Map<String, List<String>> rules = new LinkedHashMap<>();
  private final Random random;
  private int budget;

  GrammarGenerator(String grammar, Random random) {
    this.random = random;
    List<String> alternatives = new ArrayList<>();
    for (String line : grammar.lines().toList()) {
      if (line.startsWith("#")) {
        continue;
      }
      if (line.isBlank() || line.startsWith("  ")) {
        alternatives.add(line.strip());
      } else {
        alternatives = rules.computeIfAbsent(line, name -> new ArrayList<>());
      }
    }
    rules.values().forEach(all -> all.forEach(this::check));
  }

  private void check(String alternative) {
    for (int i = 0; i < alternative.length(); ) {
      int end = reference(alternative, i);
      i = end < 0 ? i + 1 : end + 1;
    }
  }

  /** The end of a reference to a rule that starts here, or -1. */
  private int reference(String text, int start) {
    if (text.charAt(start) != '<') {
      return -1;
    }
    int end = text.indexOf('>', start);
    if (end < 0 || !text.substring(start + 1, end).matches("[a-z]+")) {
      return -1;
    }
    if (!rules.containsKey(text.substring(start + 1, end))) {
      // <a> in a literal is no reference.
      if (text.charAt(start == 0 ? 0 : start - 1) == '\'') {
        return -1;
      }
      throw new IllegalArgumentException("no rule for " + text.substring(start, end + 1));
    }
    return end;
  }

  /** A text that a rule makes. */
  String make(String rule) {
    budget = 4 + random.nextInt(MAX_EXPANSIONS);
    StringBuilder text = new StringBuilder();
    expand(rule, text);
    return text.toString();
  }

  private void expand(String rule, StringBuilder text) {
    List<String> alternatives = rules.get(rule);
    String chosen = alternatives.get(budget-- > 0 ? random.nextInt(alternatives.size()) : 0);
    for (int i = 0; i < chosen.length(); ) {
      int end = reference(chosen, i);
      if (end < 0) {
        text.append(chosen.charAt(i++));
      } else {
        expand(chosen.substring(i + 1, end), text);
        i = end + 1;
      }
    }
  }
}
