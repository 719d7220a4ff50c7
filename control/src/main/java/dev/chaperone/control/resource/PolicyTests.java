package dev.chaperone.control.resource;

import dev.chaperone.crds.v1alpha1.RuleAction;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A file of expectations: statements, and what the policies of a directory are to decide of each.
 * Read as strictly as resources are; not a resource, and never applied to a cluster.
 */
public final class PolicyTests {

  /**
   * What is expected of one statement.
   *
   * @param name what is promised; null where the statement says enough
   * @param sql the text, as the agent would send it
   * @param decision what is to become of it
   * @param rule which rule is to decide, as {@code policy/rule}; null where it does not matter
   * @param masked the columns of the result that are to come masked, in order; null where it does
   *     not matter
   * @param at when the agent asks, RFC 3339; null for now
   */
  public record Expectation(
      String name, String sql, RuleAction decision, String rule, List<String> masked, String at) {

    /** How it is called in reports: by what it promises, else by its statement. */
    public String title() {
      return name == null ? sql.strip().replaceAll("\\s+", " ") : name;
    }

    /** When the agent asks. */
    public Instant time() {
      return at == null ? Instant.now() : Instant.parse(at);
    }
  }

  /** A file as the schema has it. */
  record Content(String directory, String connection, String catalog, List<Expectation> tests) {}

  private final Source source;
  private final Content content;
  private final Path directory;
  private final Optional<Path> catalog;

  private PolicyTests(Source source, Content content, Path directory, Optional<Path> catalog) {
    this.source = source;
    this.content = content;
    this.directory = directory;
    this.catalog = catalog;
  }

  /**
   * Reads a file.
   *
   * @throws InvalidConfigurationException with everything that is wrong in it
   */
  public static PolicyTests read(Path file) throws IOException, InvalidConfigurationException {
    byte[] bytes;
    try (InputStream in = Files.newInputStream(file)) {
      bytes = in.readNBytes(YamlReader.MAX_BYTES + 1);
    }
    String name = file.toString();
    List<Problem> problems = new ArrayList<>();
    List<Tree> documents = YamlReader.read(name, bytes, problems);
    if (problems.isEmpty() && documents.size() != 1) {
      problems.add(new Problem(name, 0, 0, "", "must hold exactly one document"));
    }
    if (!problems.isEmpty()) {
      throw new InvalidConfigurationException(problems);
    }
    Object value =
        new SchemaValidator(name, problems)
            .validate(documents.get(0), Schema.ofFile("policytest"), "");
    if (!problems.isEmpty()) {
      throw new InvalidConfigurationException(problems);
    }
    Source source = new Source(name, documents.get(0));
    Content content = RecordBinder.bind(value, Content.class);
    Optional<Path> directory = beside(file, source, "directory", content.directory(), problems);
    Optional<Path> catalog = beside(file, source, "catalog", content.catalog(), problems);
    for (int i = 0; i < content.tests().size(); i++) {
      try {
        content.tests().get(i).time();
      } catch (DateTimeException e) {
        problems.add(source.problem("tests[" + i + "].at", "is not a time"));
      }
    }
    if (!problems.isEmpty()) {
      throw new InvalidConfigurationException(problems);
    }
    return new PolicyTests(source, content, directory.orElseThrow(), catalog);
  }

  private static Optional<Path> beside(
      Path file, Source source, String field, String path, List<Problem> problems) {
    try {
      return Optional.ofNullable(path).map(name -> file.resolveSibling(name).normalize());
    } catch (InvalidPathException e) {
      problems.add(source.problem(field, "is not the name of a file"));
      return Optional.empty();
    }
  }

  /** The directory with the resources. */
  public Path directory() {
    return directory;
  }

  /** The connection: its name, or {@code namespace/name}. */
  public String connection() {
    return content.connection();
  }

  /** What the database holds; empty where nothing is known of it. */
  public Optional<Path> catalog() {
    return catalog;
  }

  /** What is expected, in the order of the file. */
  public List<Expectation> expectations() {
    return content.tests();
  }

  /**
   * Something that is not as expected, with its place in the file.
   *
   * @param index of the expectation
   * @param field of it
   */
  public Problem problem(int index, String field, String message) {
    return source.problem("tests[" + index + "]." + field, message);
  }
}
