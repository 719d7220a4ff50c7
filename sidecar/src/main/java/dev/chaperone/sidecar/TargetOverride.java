package dev.chaperone.sidecar;

import dev.chaperone.control.translation.Configuration;
import dev.chaperone.control.translation.ConnectionConfiguration;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** {@code --target NAME=HOST:PORT}: a cluster's connection on a laptop. */
record TargetOverride(String connection, String host, int port) {
  private static final Pattern SYNTAX =
      Pattern.compile("([a-z0-9][-a-z0-9.]*)=(\\[[0-9A-Fa-f:.]+]|[^:\\[\\]]+):([0-9]{1,5})");

  /** Reads an option's value. */
  static final class Converter implements ITypeConverter<TargetOverride> {
    @Override
    public TargetOverride convert(String text) {
      return parse(text);
    }
  }

  private static TargetOverride parse(String text) {
    Matcher parts = SYNTAX.matcher(text);
    int port = parts.matches() ? Integer.parseInt(parts.group(3)) : 0;
    if (port < 1 || port > 65_535) {
      throw new TypeConversionException("'" + text + "' is not NAME=HOST:PORT");
    }
    String host = parts.group(2);
    return new TargetOverride(
        parts.group(1), host.startsWith("[") ? host.substring(1, host.length() - 1) : host, port);
  }

  /**
   * Applies overrides.
   *
   * @throws IOException when one names a connection that is not there
   */
  static Configuration apply(Configuration configuration, List<TargetOverride> overrides)
      throws IOException {
    List<ConnectionConfiguration> connections = new ArrayList<>(configuration.connections());
    for (TargetOverride override : overrides) {
      boolean found = false;
      for (int i = 0; i < connections.size(); i++) {
        if (connections.get(i).name().equals(override.connection())) {
          connections.set(i, connections.get(i).withTarget(override.host(), override.port()));
          found = true;
        }
      }
      if (!found) {
        throw new IOException(
            "--target " + override.connection() + ": no connection of that name is served");
      }
    }
    return new Configuration(
        configuration.generation(),
        connections,
        configuration.unresolved(),
        configuration.policies(),
        configuration.subject(),
        configuration.notices());
  }
}
