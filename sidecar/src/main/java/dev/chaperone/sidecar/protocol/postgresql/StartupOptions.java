package dev.chaperone.sidecar.protocol.postgresql;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The settings a client asks for when it opens a session: startup parameters and the {@code -c
 * name=value} entries of {@code options}.
 *
 * <p>PostgreSQL documentation, "Message Formats", StartupMessage; the splitting of {@code options}
 * follows {@code pg_split_opts} in the server's postinit.c.
 */
final class StartupOptions {
  private StartupOptions() {}

  /** Either the settings by name, or why they are refused. */
  record Result(Map<String, String> settings, Optional<ErrorReply> refusal) {
    private static Result refused(String sqlState, String message, String hint) {
      return new Result(Map.of(), Optional.of(ErrorReply.fatal(sqlState, message, hint)));
    }
  }

  /**
   * Parameters that are no settings, in any case of letters: they say who logs in to what. As
   * settings they would take the place of what the gateway itself says to the target.
   */
  private static final Set<String> NEVER_SETTINGS =
      Set.of("user", "database", "options", "replication");

  /** Parameters that are no settings. */
  private static final List<String> NOT_SETTINGS = List.of("user", "database", "options");

  static Result of(Map<String, String> parameters) {
    if (parameters.containsKey("replication")) {
      return Result.refused(
          SqlState.FEATURE_NOT_SUPPORTED,
          "replication connections are not available through this gateway",
          "Connect without the replication parameter.");
    }
    Map<String, String> settings = new LinkedHashMap<>();
    for (Map.Entry<String, String> parameter : parameters.entrySet()) {
      String name = parameter.getKey();
      if (!NOT_SETTINGS.contains(name) && !name.startsWith("_pq_.")) {
        if (!isSettingName(name)) {
          return invalid(name);
        }
        settings.put(canonical(name), parameter.getValue());
      }
    }
    List<String> words = split(parameters.getOrDefault("options", ""));
    for (int i = 0; i < words.size(); i++) {
      String word = words.get(i);
      String assignment;
      if (word.equals("-c") && i + 1 < words.size()) {
        assignment = words.get(++i);
      } else if (word.startsWith("-c") && word.length() > 2) {
        assignment = word.substring(2);
      } else if (word.startsWith("--")) {
        assignment = word.substring(2);
      } else {
        return Result.refused(
            SqlState.INVALID_PARAMETER_VALUE,
            "only -c name=value is understood in the startup option \"options\"",
            "Leave out other switches.");
      }
      int equals = assignment.indexOf('=');
      String name = equals < 0 ? assignment : assignment.substring(0, equals).replace('-', '_');
      if (equals < 0 || !isSettingName(name)) {
        return invalid(name);
      }
      settings.put(canonical(name), assignment.substring(equals + 1));
    }
    return encoding(settings);
  }

  /**
   * The gateway reads every statement as UTF-8 and pins it. A client that asks for no conversion
   * (SQL_ASCII: psql in the C locale) loses nothing by it.
   */
  private static Result encoding(Map<String, String> settings) {
    String encoding = settings.remove("client_encoding");
    if (encoding != null) {
      String plain = encoding.replaceAll("[^A-Za-z0-9]", "").toUpperCase(java.util.Locale.ROOT);
      if (!List.of("UTF8", "UNICODE", "SQLASCII").contains(plain)) {
        return Result.refused(
            SqlState.FEATURE_NOT_SUPPORTED,
            "only client_encoding UTF8 is available through this gateway",
            "Set PGCLIENTENCODING=UTF8.");
      }
    }
    return new Result(settings, Optional.empty());
  }

  private static Result invalid(String name) {
    return Result.refused(
        SqlState.INVALID_PARAMETER_VALUE,
        "invalid startup parameter \"" + (isSettingName(name) ? name : "?") + "\"",
        "Startup parameters are written name=value.");
  }

  private static String canonical(String name) {
    return name.toLowerCase(java.util.Locale.ROOT);
  }

  private static boolean isSettingName(String name) {
    return name.length() <= BodyReader.MAX_NAME_BYTES
        && !NEVER_SETTINGS.contains(canonical(name))
        && !canonical(name).startsWith("_pq_.")
        && name.matches("[A-Za-z_][A-Za-z0-9_]*(\\.[A-Za-z_][A-Za-z0-9_]*)?");
  }

  private static List<String> split(String options) {
    List<String> words = new ArrayList<>();
    StringBuilder word = new StringBuilder();
    boolean escaped = false;
    boolean open = false;
    for (int i = 0; i < options.length(); i++) {
      char c = options.charAt(i);
      if (escaped) {
        word.append(c);
        escaped = false;
      } else if (c == '\\') {
        escaped = true;
        open = true;
      } else if (Character.isWhitespace(c)) {
        if (open) {
          words.add(word.toString());
          word.setLength(0);
          open = false;
        }
      } else {
        word.append(c);
        open = true;
      }
    }
    if (open) {
      words.add(word.toString());
    }
    return words;
  }
}
