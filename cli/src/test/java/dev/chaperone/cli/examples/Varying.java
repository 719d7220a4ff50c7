package dev.chaperone.cli.examples;

import java.util.HashMap;
import java.util.Map;
import java.util.regex.Pattern;

/** What is another one each time, as the pages show it. */
final class Varying {
  private static final Pattern HASH = Pattern.compile("\\b[0-9a-f]{24}\\b");

  /** As they might be; the first that was seen is the first here. */
  private static final String[] HASHES = {
    "3f1c0a9be25d47c6a8e01b72", "b06d5e1f94c8a2730d5be9c1", "71e4c2d80b9f3a56e1c7d042"
  };

  private final Map<String, String> hashes = new HashMap<>();
  private final Map<String, String> requests = new HashMap<>();

  /** A request has another name each time. */
  void request(String name) {
    requests.put(name, "REQUEST");
  }

  String shown(String output) {
    String shown =
        output
            .replaceAll("Decision [a-z0-9]{10}\\b", "Decision usynhxasjj")
            .replaceAll(
                "20\\d\\d-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d+)?Z", "2026-03-02T10:00:00Z")
            // By the time that the command looks, what was approved may have been used.
            .replaceAll("(?m)^(\\S+): Used$", "$1: Approved")
            .replaceAll("port \\d+ failed", "port 15432 failed")
            .replaceAll("(?m)[ \t]+$", "");
    for (Map.Entry<String, String> request : requests.entrySet()) {
      shown = shown.replace(request.getKey(), request.getValue());
    }
    return HASH.matcher(shown)
        .replaceAll(found -> hashes.computeIfAbsent(found.group(), value -> HASHES[hashes.size()]));
  }
}
