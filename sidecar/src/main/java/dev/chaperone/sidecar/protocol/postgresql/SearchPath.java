package dev.chaperone.sidecar.protocol.postgresql;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Reads the value of {@code search_path}: names separated by commas, quoted where need be. Follows
 * {@code SplitIdentifierString} in the server's varlena.c.
 */
final class SearchPath {
  private SearchPath() {}

  /**
   * @param setting as {@code SHOW search_path} prints it
   * @param role takes the place of {@code "$user"}
   */
  static List<String> parse(String setting, String role) {
    List<String> schemas = new ArrayList<>();
    int i = 0;
    while (i < setting.length()) {
      char c = setting.charAt(i);
      if (c == ',' || Character.isWhitespace(c)) {
        i++;
        continue;
      }
      StringBuilder name = new StringBuilder();
      if (c == '"') {
        i++;
        while (i < setting.length()) {
          if (setting.charAt(i) == '"') {
            if (i + 1 < setting.length() && setting.charAt(i + 1) == '"') {
              i++;
            } else {
              break;
            }
          }
          name.append(setting.charAt(i++));
        }
        i++;
        add(schemas, name.toString(), role);
      } else {
        while (i < setting.length()
            && setting.charAt(i) != ','
            && !Character.isWhitespace(setting.charAt(i))) {
          name.append(setting.charAt(i++));
        }
        add(schemas, name.toString().toLowerCase(Locale.ROOT), role);
      }
    }
    return schemas;
  }

  private static void add(List<String> schemas, String name, String role) {
    if (!name.isEmpty()) {
      schemas.add(name.equals("$user") ? role : name);
    }
  }
}
