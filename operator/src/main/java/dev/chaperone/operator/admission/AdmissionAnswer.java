package dev.chaperone.operator.admission;

import com.fasterxml.jackson.databind.node.ArrayNode;
import java.util.List;
import java.util.Objects;

/** What a webhook answers. */
public sealed interface AdmissionAnswer {

  /** What the person who asked is told beside the answer. */
  List<String> warnings();

  /** It may happen as it is. */
  record Allowed(List<String> warnings) implements AdmissionAnswer {
    public Allowed {
      warnings = List.copyOf(warnings);
    }
  }

  /**
   * It may happen with changes.
   *
   * @param patch a JSON Patch (RFC 6902)
   */
  record Patched(ArrayNode patch, List<String> warnings) implements AdmissionAnswer {
    public Patched {
      patch = patch.deepCopy();
      warnings = List.copyOf(warnings);
    }

    @Override
    public ArrayNode patch() {
      return patch.deepCopy();
    }
  }

  /**
   * It may not happen; the person who asked gets 403 with the message.
   *
   * @param reason in UpperCamelCase, for programs
   * @param message what is wrong and the way out, for people
   */
  record Refused(String reason, String message, List<String> warnings) implements AdmissionAnswer {
    public Refused {
      Objects.requireNonNull(reason, "reason");
      Objects.requireNonNull(message, "message");
      warnings = List.copyOf(warnings);
    }
  }

  /** Allowed, and nothing to say. */
  static AdmissionAnswer allowed() {
    return new Allowed(List.of());
  }

  /** Refused, and nothing else to say. */
  static AdmissionAnswer refused(String reason, String message) {
    return new Refused(reason, message, List.of());
  }
}
