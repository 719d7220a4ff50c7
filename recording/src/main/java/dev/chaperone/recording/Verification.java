package dev.chaperone.recording;

import java.nio.file.Path;
import java.util.List;
import java.util.Objects;

/** What came of looking whether a recording is what was written. */
public sealed interface Verification {

  /** 0 sealed, 4 valid but not sealed, 1 broken. */
  int exitCode();

  /**
   * Valid to the seal.
   *
   * @param notes what else is to be known
   */
  record Sealed(String session, Head head, int segments, Totals totals, List<String> notes)
      implements Verification {
    public Sealed {
      notes = List.copyOf(notes);
    }

    @Override
    public int exitCode() {
      return 0;
    }
  }

  /**
   * Valid, but the session was not closed in order: it goes on, or its gateway was killed, or the
   * end was cut off.
   *
   * @param tail how many events stand behind the last one that a signature covers
   * @param notes what else is to be known
   */
  record Unsealed(String session, Head head, int segments, long tail, List<String> notes)
      implements Verification {
    public Unsealed {
      notes = List.copyOf(notes);
    }

    @Override
    public int exitCode() {
      return 4;
    }
  }

  /**
   * Not what was written.
   *
   * @param file where it is broken
   * @param offset from there on, in bytes
   * @param event the number of the event that is expected there; 0 where it is no matter of one
   * @param damage what it looks like
   * @param explanation in one sentence
   */
  record Broken(Path file, long offset, long event, Damage damage, String explanation)
      implements Verification {
    public Broken {
      Objects.requireNonNull(file, "file");
      Objects.requireNonNull(damage, "damage");
      Objects.requireNonNull(explanation, "explanation");
    }

    @Override
    public int exitCode() {
      return 1;
    }
  }

  /** What a damage looks like. */
  enum Damage {
    CHANGED("changed"),
    DELETED("deleted"),
    INSERTED("inserted"),
    REORDERED("reordered"),
    TRUNCATED("truncated"),
    BAD_SIGNATURE("bad signature"),
    OTHER_KEY("other key"),
    UNREADABLE("unreadable");

    private final String label;

    Damage(String label) {
      this.label = label;
    }

    /** In words. */
    public String label() {
      return label;
    }
  }
}
