package dev.chaperone.policy.testing;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Runs one {@link FuzzTest} under Jazzer, which changes inputs and keeps those that reach code no
 * other reached. Each has a Java machine of its own with a small heap, so that memory without bound
 * is found, and a time-out for each input, so that a hang is. What was reached is kept in {@code
 * target/fuzz} and is where the next run begins.
 */
final class JazzerCampaign {
  private static final String DRIVER = "com.code_intelligence.jazzer.Jazzer";
  private static final int SECONDS = Integer.getInteger("fuzz.seconds", 60);
  private static final String HEAP = System.getProperty("fuzz.heap", "256m");

  /** For one input; most take microseconds. */
  private static final int TIMEOUT_SECONDS = 20;

  private static final int MAX_INPUT_BYTES = 16 << 10;

  /** Jazzer's own looks at what a test with a real server does on purpose, by their package. */
  private static final String SERVERS =
      Stream.of("ServerSideRequestForgery", "OsCommandInjection", "SqlInjection")
          .map(name -> "com.code_intelligence.jazzer.sanitizers." + name)
          .collect(Collectors.joining(File.pathSeparator));

  private static final int SHOWN_LINES = 60;
  private static final Pattern PROGRESS = Pattern.compile("cov: (\\d+) ft: (\\d+) corp: (\\d+)");
  private static final Pattern EXECUTIONS =
      Pattern.compile("stat::number_of_executed_units: +(\\d+)");

  private final Class<? extends FuzzTest> target;
  private final List<byte[]> seeds;
  private final List<String> words;
  private final Path directory;

  JazzerCampaign(Class<? extends FuzzTest> target, List<byte[]> seeds, List<String> words) {
    this.target = target;
    this.seeds = seeds;
    this.words = words;
    this.directory = Path.of("target", "fuzz", target.getSimpleName()).toAbsolutePath();
  }

  /** Whether Jazzer is there: with {@code -Pfuzz}. */
  static boolean isAvailable() {
    try {
      Class.forName(DRIVER, false, JazzerCampaign.class.getClassLoader());
      return true;
    } catch (ClassNotFoundException e) {
      return false;
    }
  }

  void run() throws IOException, InterruptedException {
    Path log = directory.resolve("jazzer.log");
    Path corpus = Files.createDirectories(directory.resolve("corpus"));
    Process jazzer =
        new ProcessBuilder(command(corpus, write()))
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .start();
    try {
      if (!jazzer.waitFor(SECONDS + 120L, TimeUnit.SECONDS)) {
        throw new AssertionError("Jazzer does not end: " + log);
      }
    } finally {
      jazzer.destroyForcibly();
    }
    String output = Files.readString(log, StandardCharsets.ISO_8859_1);
    System.out.println("== fuzz " + target.getSimpleName() + ": " + summary(output));
    if (jazzer.exitValue() != 0) {
      throw new AssertionError(finding(output));
    }
    Matcher executions = EXECUTIONS.matcher(output);
    if (!executions.find() || Long.parseLong(executions.group(1)) < seeds.size()) {
      throw new AssertionError("Jazzer tried nothing: " + log);
    }
  }

  private List<String> command(Path corpus, Path seedDirectory) throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("-Xmx" + HEAP);
    command.add("-XX:+EnableDynamicAgentLoading");
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.add(DRIVER);
    command.add("--target_class=" + FuzzDriver.class.getName());
    command.add("--target_args=" + target.getName());
    command.add("--instrumentation_includes=dev.chaperone.**");
    command.add("--custom_hook_includes=dev.chaperone.**");
    if (target.getSimpleName().endsWith("IT")) {
      // It starts a server, asks it, and connects a gateway with it.
      command.add("--disabled_hooks=" + SERVERS);
    }
    command.add("--reproducer_path=" + directory);
    command.add("-artifact_prefix=" + directory + "/");
    command.add("-max_total_time=" + SECONDS);
    command.add("-timeout=" + TIMEOUT_SECONDS);
    command.add("-rss_limit_mb=0");
    command.add("-max_len=" + MAX_INPUT_BYTES);
    command.add("-print_final_stats=1");
    if (!words.isEmpty()) {
      Path dictionary = directory.resolve("words.dict");
      Files.writeString(
          dictionary,
          words.stream()
              .map(word -> FuzzTest.readable(word.getBytes(StandardCharsets.UTF_8)) + "\n")
              .collect(Collectors.joining()));
      command.add("-dict=" + dictionary);
    }
    command.add(corpus.toString());
    command.add(seedDirectory.toString());
    return command;
  }

  private Path write() throws IOException {
    Path files = Files.createDirectories(directory.resolve("seeds"));
    for (int i = 0; i < seeds.size(); i++) {
      Files.write(files.resolve("seed-" + i), seeds.get(i));
    }
    return files;
  }

  private static String summary(String output) {
    Matcher progress = PROGRESS.matcher(output);
    String reached = "nothing reached";
    while (progress.find()) {
      reached =
          "coverage %s, features %s, corpus %s"
              .formatted(progress.group(1), progress.group(2), progress.group(3));
    }
    Matcher executions = EXECUTIONS.matcher(output);
    return (executions.find() ? executions.group(1) : "?")
        + " executions in "
        + SECONDS
        + " s, "
        + reached;
  }

  /** What Jazzer says, and where the input is that is to become a file of the tests. */
  private String finding(String output) throws IOException {
    List<String> lines = output.lines().toList();
    int start = 0;
    for (int i = 0; i < lines.size(); i++) {
      if (lines.get(i).startsWith("== Java Exception")
          || lines.get(i).contains("ERROR: libFuzzer")) {
        start = i;
        break;
      }
    }
    String inputs;
    try (Stream<Path> files = Files.list(directory)) {
      inputs =
          files
              .filter(file -> file.getFileName().toString().matches("(crash|timeout|oom)-.*"))
              .sorted(Comparator.comparing(Path::toString))
              .map(Path::toString)
              .collect(Collectors.joining(", "));
    }
    return "a promise was broken; copy the input to src/test/resources/fuzz/"
        + target.getSimpleName()
        + ": "
        + inputs
        + "\n"
        + lines.stream().skip(start).limit(SHOWN_LINES).collect(Collectors.joining("\n"));
  }
}
