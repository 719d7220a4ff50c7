package dev.chaperone.recording;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * The masks that an operation was judged under: the entries of policies, and the columns of the
 * target that they were bound to.
 *
 * @param rules the entries; at most {@link #MAX_RULES}
 * @param omittedRules how many more there were
 * @param columns the columns they protect; as many as have room
 * @param omittedColumns how many more there were
 * @param detectors what text was searched for, whatever column it came from
 */
public record MasksInForce(
    List<Rule> rules,
    int omittedRules,
    List<ProtectedColumn> columns,
    int omittedColumns,
    List<Detector> detectors) {
  /** Entries of policies that are kept at most. */
  public static final int MAX_RULES = 1_024;

  /** Columns that are kept at most. */
  public static final int MAX_COLUMNS = 8_192;

  static final int MAX_DETECTORS = 64;
  static final int MAX_RULES_OF_COLUMN = 64;
  static final int MAX_SHOWN_COLUMNS = 8;

  /** What the contents of all entries may take. */
  private static final int CONTENT_BYTES = 256 << 10;

  /** What all columns may take. */
  private static final int COLUMN_BYTES = 512 << 10;

  public MasksInForce {
    omittedRules += Math.max(0, rules.size() - MAX_RULES);
    rules = bounded(rules.subList(0, Math.min(MAX_RULES, rules.size())));
    int kept = room(columns);
    omittedColumns += columns.size() - kept;
    columns = List.copyOf(columns.subList(0, kept));
    detectors = List.copyOf(detectors.subList(0, Math.min(MAX_DETECTORS, detectors.size())));
  }

  /**
   * An entry of a policy's masking.
   *
   * @param policy namespace and name, as {@code namespace/name}
   * @param uid the uid of the policy
   * @param generation the generation of the policy
   * @param index of the entry in the policy's masking, from 0
   * @param with what replaces values
   * @param content what it says; empty where that has no room
   * @param digest SHA-256 of the content in UTF-8
   */
  public record Rule(
      String policy,
      String uid,
      long generation,
      int index,
      MaskFunction with,
      String content,
      Bytes digest) {
    public Rule {
      Objects.requireNonNull(policy, "policy");
      Objects.requireNonNull(uid, "uid");
      Objects.requireNonNull(with, "with");
      Objects.requireNonNull(content, "content");
      Objects.requireNonNull(digest, "digest");
    }

    private Rule withoutContent() {
      return new Rule(policy, uid, generation, index, with, "", digest);
    }

    @Override
    public String toString() {
      return policy + " masking[" + index + "]";
    }
  }

  /**
   * A column that was protected.
   *
   * @param table its relation's number in the target; unsigned, 32 bits
   * @param number its own number there; as unsigned 16 bits
   * @param name {@code schema.table.column}
   * @param function what replaces its values: the strictest of its rules
   * @param rules which entries decided, by their place in {@link #rules}
   * @param shows the columns that these entries name: itself, or what a view, partition or
   *     generated column shows
   */
  public record ProtectedColumn(
      long table,
      int number,
      String name,
      MaskFunction function,
      List<Integer> rules,
      List<String> shows) {
    public ProtectedColumn {
      Objects.requireNonNull(name, "name");
      Objects.requireNonNull(function, "function");
      rules = List.copyOf(rules.subList(0, Math.min(MAX_RULES_OF_COLUMN, rules.size())));
      shows = List.copyOf(shows.subList(0, Math.min(MAX_SHOWN_COLUMNS, shows.size())));
    }

    private int bytes() {
      int bytes = 24 + utf8(name) + 2 * rules.size();
      for (String shown : shows) {
        bytes += 2 + utf8(shown);
      }
      return bytes;
    }
  }

  /** What text was searched for, and what replaced it. */
  public record Detector(String name, MaskFunction with) {
    public Detector {
      Objects.requireNonNull(name, "name");
      Objects.requireNonNull(with, "with");
    }
  }

  /** The strictest of the rules that decided for a column. */
  MaskFunction strictest(ProtectedColumn column) {
    MaskFunction strictest = MaskFunction.NONE;
    for (int rule : column.rules()) {
      if (rule < rules.size() && strictest.isWeakerThan(rules.get(rule).with())) {
        strictest = rules.get(rule).with();
      }
    }
    return strictest;
  }

  private static List<Rule> bounded(List<Rule> rules) {
    List<Rule> kept = new ArrayList<>(rules.size());
    int left = CONTENT_BYTES;
    for (Rule rule : rules) {
      int bytes = utf8(rule.content());
      boolean fits = bytes <= Format.MAX_STRING_BYTES && bytes <= left;
      kept.add(fits ? rule : rule.withoutContent());
      left -= fits ? bytes : 0;
    }
    return List.copyOf(kept);
  }

  /** How many of the columns have room. */
  private static int room(List<ProtectedColumn> columns) {
    int left = COLUMN_BYTES;
    int count = 0;
    for (ProtectedColumn column : columns) {
      left -= column.bytes();
      if (left < 0 || count == MAX_COLUMNS) {
        break;
      }
      count++;
    }
    return count;
  }

  /** At most so many bytes in UTF-8. */
  private static int utf8(String text) {
    int bytes = 0;
    for (int i = 0; i < text.length(); i++) {
      bytes += text.charAt(i) < 0x80 ? 1 : 3;
    }
    return bytes;
  }
}
