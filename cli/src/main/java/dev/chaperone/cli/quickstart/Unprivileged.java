package dev.chaperone.cli.quickstart;

import dev.chaperone.cli.CommandException;
import java.io.IOException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * Starts programs as somebody who is not root, because PostgreSQL refuses to run as root. An
 * ordinary user stays who he is; root becomes {@code nobody}.
 */
final class Unprivileged {
  private static final String USER = "nobody";

  private final List<String> prefix;

  private Unprivileged(List<String> prefix) {
    this.prefix = prefix;
  }

  /** Finds out who we are and how to become somebody else. */
  static Unprivileged detect() {
    if (!isRoot()) {
      return new Unprivileged(List.of());
    }
    return Stream.of("/usr/bin", "/bin", "/usr/sbin", "/sbin")
        .map(Path::of)
        .flatMap(Unprivileged::waysFrom)
        .findFirst()
        .orElseThrow(
            () ->
                CommandException.usage(
                    "PostgreSQL refuses to run as root, and neither setpriv nor runuser is here to"
                        + " become another user: run the quickstart as an ordinary user"));
  }

  private static Stream<Unprivileged> waysFrom(Path directory) {
    List<Unprivileged> ways = new ArrayList<>();
    Path setpriv = directory.resolve("setpriv");
    if (Files.isExecutable(setpriv)) {
      ways.add(
          new Unprivileged(
              List.of(
                  setpriv.toString(),
                  "--reuid=" + USER,
                  "--regid=" + groupOfUser(),
                  "--clear-groups",
                  "--")));
    }
    Path runuser = directory.resolve("runuser");
    if (Files.isExecutable(runuser)) {
      ways.add(new Unprivileged(List.of(runuser.toString(), "-u", USER, "--")));
    }
    return ways.stream();
  }

  /** Returns the command that runs the given one as the unprivileged user. */
  List<String> command(List<String> command) {
    List<String> whole = new ArrayList<>(prefix);
    whole.addAll(command);
    return whole;
  }

  /** Makes the unprivileged user the owner of a file or directory of ours. */
  void giveAway(Path path) throws IOException {
    if (!prefix.isEmpty()) {
      Files.setOwner(
          path,
          FileSystems.getDefault().getUserPrincipalLookupService().lookupPrincipalByName(USER));
    }
  }

  /** Says whether the unprivileged user can run a program where it lies. */
  boolean canRun(Path program) throws IOException, InterruptedException {
    if (prefix.isEmpty()) {
      return Files.isExecutable(program);
    }
    Process test =
        new ProcessBuilder(command(List.of("test", "-x", program.toString())))
            .directory(Path.of("/").toFile())
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start();
    return test.waitFor() == 0;
  }

  private static boolean isRoot() {
    try {
      Object uid = Files.getAttribute(Path.of("/proc/self"), "unix:uid");
      return uid.equals(0);
    } catch (IOException | UnsupportedOperationException | IllegalArgumentException e) {
      return System.getProperty("user.name").equals("root");
    }
  }

  private static String groupOfUser() {
    try (Stream<String> lines = Files.lines(Path.of("/etc/passwd"))) {
      return lines
          .filter(line -> line.startsWith(USER + ":"))
          .map(line -> line.split(":", -1)[3])
          .findFirst()
          .orElse("65534");
    } catch (IOException e) {
      return "65534";
    }
  }
}
