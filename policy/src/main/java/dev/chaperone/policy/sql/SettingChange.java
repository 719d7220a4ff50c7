package dev.chaperone.policy.sql;

import dev.chaperone.policy.Effect;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** What a change of one setting means for a statement, however it is written. */
final class SettingChange {
  private SettingChange() {}

  /**
   * Adds what setting something does.
   *
   * @param values the constants it is set to; empty where they are not known from the text
   */
  static void apply(
      String name, Optional<List<String>> values, String command, Scope scope, Reading reading) {
    String setting = name.toLowerCase(Locale.ROOT);
    String resource = "setting/" + setting;
    switch (SettingRules.judge(setting, values, scope)) {
      case NEUTRAL -> {}
      case SESSION_STATE -> reading.add(Effect.SESSION_STATE, command, resource);
      case PRIVILEGE ->
          reading.add(
              Effect.PRIVILEGE,
              command,
              values
                  .filter(list -> list.size() == 1)
                  .map(list -> "role/" + list.get(0))
                  .orElse(resource));
      case REFUSED -> {
        reading.refuse("the gateway pins " + setting);
        reading.add(Effect.SESSION_STATE, command, resource);
      }
    }
    if (setting.equals("search_path")) {
      reading.effect(new SessionEffect.ChangesSearchPath(SettingRules.searchPath(values, scope)));
    } else if (setting.equals("role") || setting.equals("session_authorization")) {
      reading.effect(new SessionEffect.ChangesRole());
    }
  }
}
