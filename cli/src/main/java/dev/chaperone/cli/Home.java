package dev.chaperone.cli;

import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Where Chaperone is installed: the directory of the launcher, which names it when it starts us.
 *
 * @param directory the directory with the launcher, the programs and the examples
 */
public record Home(Path directory) {
  /** Finds the home the launcher named. */
  public static Home locate() {
    String named = System.getProperty("chaperone.home");
    if (named == null || !Files.isDirectory(Path.of(named))) {
      throw CommandException.usage("start this program with the chaperone launcher script");
    }
    return new Home(Path.of(named));
  }

  /** Returns the launcher script. */
  public Path launcher() {
    return directory.resolve("chaperone");
  }

  /** Returns the folder of an example. */
  public Path example(String name) {
    return directory.resolve("examples").resolve(name);
  }

  /** Returns where things that were unpacked once are kept; cleaning the build removes them. */
  public Path cache() {
    return directory.resolve("cli").resolve("target");
  }
}
