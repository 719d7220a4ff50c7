package dev.chaperone.operator.certificates;

import java.io.IOException;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/** Where all replicas find the authority. Of two that write at the same time one loses. */
interface AuthorityStore {

  /**
   * What is stored.
   *
   * @param version to be given when it is replaced
   */
  record Stored(Map<String, byte[]> data, String version) {
    public Stored {
      data = Map.copyOf(data);
      Objects.requireNonNull(version, "version");
    }

    /** Without the data, of which a part is secret. */
    @Override
    public String toString() {
      return "Stored[" + version + "]";
    }
  }

  /**
   * Looks; never into a cache.
   *
   * @throws IOException where it cannot be reached
   */
  Optional<Stored> read() throws IOException;

  /**
   * Stores a first one.
   *
   * @return false where there is one meanwhile
   * @throws IOException where it cannot be reached
   */
  boolean create(Map<String, byte[]> data) throws IOException;

  /**
   * Stores another one.
   *
   * @return false where it was changed since it was read
   * @throws IOException where it cannot be reached
   */
  boolean replace(Stored read, Map<String, byte[]> data) throws IOException;
}
