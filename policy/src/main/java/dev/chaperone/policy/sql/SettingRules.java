package dev.chaperone.policy.sql;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/** Which settings a client may change for itself, and which it must not. */
final class SettingRules {

  /** What setting something amounts to. */
  enum Verdict {
    /** Harmless to anyone. */
    NEUTRAL,
    /** Changes the session in a way that a rule may want to govern. */
    SESSION_STATE,
    /** Changes whose rights the session has. */
    PRIVILEGE,
    /** Would take away what the analysis rests on. */
    REFUSED
  }

  /** Harmless with any constant value. */
  private static final Set<String> NEUTRAL =
      Set.of(
          "timezone",
          "datestyle",
          "intervalstyle",
          "extra_float_digits",
          "bytea_output",
          "application_name",
          "statement_timeout",
          "lock_timeout",
          "idle_in_transaction_session_timeout",
          "idle_session_timeout",
          "transaction_timeout",
          "work_mem",
          // What pg_dump sets: where scans start, and that views are not read.
          "synchronize_seqscans",
          "restrict_nonsystem_relation_kind",
          // Transaction control by another name.
          "transaction_isolation",
          "transaction_read_only",
          "transaction_deferrable",
          "default_transaction_isolation",
          "default_transaction_read_only",
          "default_transaction_deferrable");

  private SettingRules() {}

  /**
   * Judges one setting.
   *
   * @param name the setting, in any case
   * @param values the constants it is set to; empty where they are not known from the text
   * @param scope says which schemas exist, and who "$user" is
   */
  static Verdict judge(String name, Optional<List<String>> values, Scope scope) {
    String setting = name.toLowerCase(Locale.ROOT);
    switch (setting) {
      case "client_encoding" -> {
        return isOne(values, "utf8", "utf-8", "unicode") ? Verdict.NEUTRAL : Verdict.REFUSED;
      }
      case "standard_conforming_strings" -> {
        return isOne(values, "on", "true", "yes", "1") ? Verdict.NEUTRAL : Verdict.REFUSED;
      }
      case "role", "session_authorization" -> {
        return Verdict.PRIVILEGE;
      }
      case "client_min_messages" -> {
        return isOne(values, "notice", "warning") ? Verdict.NEUTRAL : Verdict.SESSION_STATE;
      }
      case "search_path" -> {
        return searchPath(values, scope)
                .filter(path -> path.stream().allMatch(scope.catalog()::hasSchema))
                .isPresent()
            ? Verdict.NEUTRAL
            : Verdict.SESSION_STATE;
      }
      default -> {
        return values.isPresent() && NEUTRAL.contains(setting)
            ? Verdict.NEUTRAL
            : Verdict.SESSION_STATE;
      }
    }
  }

  /**
   * The schemas of a search path, from its constants; empty where they are not known. Each constant
   * of SET is one schema; set_config takes them in one string.
   */
  static Optional<List<String>> searchPath(Optional<List<String>> values, Scope scope) {
    // SET search_path TO '' and set_config('search_path', '', ...) both leave the path empty: no
    // schema has an empty name. "$user" is the role's own schema where there is one.
    return values.map(
        list ->
            list.stream()
                .map(schema -> schema.equals("$user") ? scope.role() : SqlScanner.truncate(schema))
                .filter(
                    schema ->
                        !schema.isEmpty()
                            && (!schema.equals(scope.role()) || scope.catalog().hasSchema(schema)))
                .toList());
  }

  /**
   * The elements of a list setting given as one string, as SplitIdentifierString (varlena.c) reads
   * it; empty where it would not read it.
   */
  static Optional<List<String>> splitIdentifiers(String value) {
    return split(value, ',');
  }

  /** The parts of a qualified name given as a string, as in {@code nextval('public.s')}. */
  static Optional<List<String>> splitDotted(String value) {
    return split(value, '.').filter(names -> !names.isEmpty());
  }

  private static Optional<List<String>> split(String value, char separator) {
    List<String> names = new ArrayList<>();
    int i = 0;
    int n = value.length();
    while (i < n && isSpace(value.charAt(i))) {
      i++;
    }
    if (i == n) {
      return Optional.of(List.of());
    }
    while (true) {
      StringBuilder name = new StringBuilder();
      if (i < n && value.charAt(i) == '"') {
        i++;
        while (true) {
          if (i >= n) {
            return Optional.empty();
          }
          char c = value.charAt(i++);
          if (c != '"') {
            name.append(c);
          } else if (i < n && value.charAt(i) == '"') {
            name.append('"');
            i++;
          } else {
            break;
          }
        }
        names.add(SqlScanner.truncate(name.toString()));
      } else {
        while (i < n && value.charAt(i) != separator && !isSpace(value.charAt(i))) {
          name.append(value.charAt(i++));
        }
        if (name.length() == 0) {
          return Optional.empty();
        }
        names.add(SqlScanner.truncate(SqlScanner.fold(name.toString())));
      }
      while (i < n && isSpace(value.charAt(i))) {
        i++;
      }
      if (i == n) {
        return Optional.of(names);
      }
      if (value.charAt(i++) != separator) {
        return Optional.empty();
      }
      while (i < n && isSpace(value.charAt(i))) {
        i++;
      }
    }
  }

  private static boolean isSpace(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\u000b';
  }

  private static boolean isOne(Optional<List<String>> values, String... allowed) {
    return values.isPresent()
        && values.get().size() == 1
        && List.of(allowed).contains(values.get().get(0).toLowerCase(Locale.ROOT));
  }
}
