package dev.chaperone.policy.testing;

import java.io.IOException;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * What one reader of others' bytes promises for any bytes: no exception but the declared one, and
 * whatever else {@link #fuzz} asserts.
 *
 * <p>A build tries the seeds, changes of them that are the same in each build ({@code
 * -Dfuzz.mutations}, 400), and every input that once broke a promise: the files of {@code
 * src/test/resources/fuzz/} and the name of the class. With {@code -Pfuzz} it is led by coverage
 * besides, for {@code -Dfuzz.seconds} each; see {@link JazzerCampaign}.
 */
public abstract class FuzzTest {
  private static final int MUTATIONS = Integer.getInteger("fuzz.mutations", 400);
  private static final long SEED = 20_261_122;

  /**
   * Tries one input. Whatever it throws is a finding.
   *
   * @param input not to be modified
   */
  protected abstract void fuzz(byte[] input) throws Exception;

  /** Inputs that get far: what the others are made of. */
  protected abstract List<byte[]> seeds() throws Exception;

  /** Ends what the constructor has begun, once no input is tried any more. */
  protected void finish() throws Exception {}

  /** Words that inputs are made of; none where they are not text. */
  protected List<String> words() {
    return List.of();
  }

  @TestFactory
  Stream<DynamicTest> keepsItsPromisesFor() throws Exception {
    List<byte[]> seeds = seeds();
    List<DynamicTest> tests = new ArrayList<>();
    tests.add(DynamicTest.dynamicTest("every seed", () -> seeds(seeds)));
    tests.add(DynamicTest.dynamicTest("changed seeds", () -> mutations(seeds)));
    for (Path file : findings()) {
      tests.add(
          DynamicTest.dynamicTest(
              file.getFileName().toString(), () -> fuzz(Files.readAllBytes(file))));
    }
    if (JazzerCampaign.isAvailable()) {
      tests.add(
          DynamicTest.dynamicTest(
              "inputs that coverage leads to",
              () -> new JazzerCampaign(getClass(), seeds, words()).run()));
    }
    return tests.stream().onClose(this::end);
  }

  private void end() {
    try {
      finish();
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  private void seeds(List<byte[]> seeds) throws Exception {
    for (byte[] seed : seeds) {
      fuzz(seed);
    }
    fuzz(new byte[0]);
  }

  private void mutations(List<byte[]> seeds) {
    Random random = new Random(SEED);
    FuzzMutator mutator = new FuzzMutator(seeds, words(), random);
    for (int i = 0; i < MUTATIONS; i++) {
      byte[] input = mutator.next();
      try {
        fuzz(input);
      } catch (Exception | AssertionError e) {
        throw new AssertionError("for " + readable(input), e);
      }
    }
  }

  /** Inputs that broke a promise before. */
  private List<Path> findings() throws IOException, URISyntaxException {
    URL directory = getClass().getResource("/fuzz/" + getClass().getSimpleName());
    if (directory == null) {
      return List.of();
    }
    try (Stream<Path> files = Files.list(Path.of(directory.toURI()))) {
      return files.sorted().toList();
    }
  }

  /** An input as a Java string would have it, byte by byte. */
  static String readable(byte[] input) {
    StringBuilder text = new StringBuilder("\"");
    for (byte b : input) {
      if (b >= ' ' && b < 0x7f && b != '"' && b != '\\') {
        text.append((char) b);
      } else {
        text.append(String.format("\\x%02x", b & 0xff));
      }
    }
    return text.append('"').toString();
  }

  /** A directory for files that inputs become; it goes with the Java machine. */
  protected static Path temporaryDirectory() throws IOException {
    Path directory = Files.createTempDirectory("chaperone-fuzz");
    Runtime.getRuntime().addShutdownHook(new Thread(() -> remove(directory)));
    return directory;
  }

  private static void remove(Path directory) {
    try (Stream<Path> files = Files.walk(directory)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    } catch (IOException e) {
      System.err.println(directory + " is left behind: " + e);
    }
  }

  /** Texts as inputs. */
  protected static List<byte[]> texts(String... texts) {
    return Stream.of(texts).map(text -> text.getBytes(StandardCharsets.UTF_8)).toList();
  }
}
