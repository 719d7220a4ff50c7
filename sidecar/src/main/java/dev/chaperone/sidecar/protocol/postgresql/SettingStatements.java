package dev.chaperone.sidecar.protocol.postgresql;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** The settings of a startup packet as the SET statements they stand for, to be judged as such. */
final class SettingStatements {
  private final String text;

  /**
   * @param settings names are plain identifiers, see {@link StartupOptions}
   */
  SettingStatements(Map<String, String> settings) {
    this.text =
        settings.entrySet().stream()
            .map(entry -> "SET " + entry.getKey() + " TO " + value(entry))
            .collect(Collectors.joining("; "));
  }

  boolean isEmpty() {
    return text.isEmpty();
  }

  byte[] text() {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static String value(Map.Entry<String, String> setting) {
    if (!setting.getKey().equals("search_path")) {
      return literal(setting.getValue());
    }
    // In a startup packet the value is the list itself; in SET a string is one element of it.
    List<String> schemas = SearchPath.parse(setting.getValue(), "$user");
    return schemas.isEmpty()
        ? "''"
        : schemas.stream().map(SettingStatements::literal).collect(Collectors.joining(", "));
  }

  private static String literal(String value) {
    return "'" + value.replace("'", "''") + "'";
  }
}
