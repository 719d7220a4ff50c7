package dev.chaperone.control.resource;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/** The values of a Secret. Its text form names the keys only. */
public final class Secret {
  private final Map<String, byte[]> values;

  Secret(Map<String, byte[]> values) {
    this.values = new LinkedHashMap<>(values);
  }

  /** The keys. */
  public Set<String> keys() {
    return new TreeSet<>(values.keySet());
  }

  /** A copy of a value, or empty where the key is missing. */
  public Optional<byte[]> get(String key) {
    return Optional.ofNullable(values.get(key)).map(byte[]::clone);
  }

  @Override
  public String toString() {
    return "Secret" + keys();
  }
}
