package dev.chaperone.control.resource;

import com.fasterxml.jackson.annotation.JsonProperty;
import dev.chaperone.crds.v1alpha1.AgentSessionSpec;
import dev.chaperone.crds.v1alpha1.AgentSessionStatus;
import dev.chaperone.crds.v1alpha1.ApprovalRequestSpec;
import dev.chaperone.crds.v1alpha1.ApprovalRequestStatus;
import dev.chaperone.policy.VisibleText;
import java.io.IOException;
import java.io.InputStream;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.RecordComponent;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import org.yaml.snakeyaml.DumperOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.reader.StreamReader;

/**
 * Resources of one kind that the gateway writes and people edit, one file each: what an API server
 * keeps in a cluster. Files are replaced as a whole, so that a reader never sees half of one.
 *
 * <p>{@link #locked} keeps the commands and the gateway from overwriting each other's changes. An
 * editor knows nothing of the lock; its change is seen when the file is read again.
 *
 * @param <S> the type of the spec
 * @param <T> the type of the status
 */
public final class StatusFiles<S, T> {
  private static final String API_VERSION = "chaperone.dev/v1alpha1";
  private static final String SUFFIX = ".yaml";

  /** Threads of one process cannot share a file lock; they wait for each other here. */
  private static final Object THIS_PROCESS = new Object();

  /**
   * One resource.
   *
   * @param namespace the namespace
   * @param name the name
   * @param created the time of its creation, as RFC 3339
   * @param status null where there is none yet
   */
  public record Entry<S, T>(String namespace, String name, String created, S spec, T status) {

    /** The same resource with another status. */
    public Entry<S, T> withStatus(T other) {
      return new Entry<>(namespace, name, created, spec, other);
    }

    /** The same resource with another spec. */
    public Entry<S, T> withSpec(S other) {
      return new Entry<>(namespace, name, created, other, status);
    }
  }

  /** What is done while nobody else changes these files. */
  public interface Change<R> {
    R run() throws IOException, InvalidConfigurationException;
  }

  private final Path directory;
  private final String kind;
  private final Class<S> specType;
  private final Class<T> statusType;
  private final Schema schema;
  private final Yaml yaml;

  private StatusFiles(
      Path directory, String kind, String plural, Class<S> specType, Class<T> statusType) {
    this.directory = directory;
    this.kind = kind;
    this.specType = specType;
    this.statusType = statusType;
    this.schema = Schema.ofCrd(plural);
    DumperOptions options = new DumperOptions();
    options.setDefaultFlowStyle(DumperOptions.FlowStyle.BLOCK);
    options.setSplitLines(false);
    this.yaml = new Yaml(options);
  }

  /** The ApprovalRequests of a status directory. */
  public static StatusFiles<ApprovalRequestSpec, ApprovalRequestStatus> approvalRequests(
      Path directory) {
    return new StatusFiles<>(
        directory,
        "ApprovalRequest",
        "approvalrequests",
        ApprovalRequestSpec.class,
        ApprovalRequestStatus.class);
  }

  /** The AgentSessions of a status directory. */
  public static StatusFiles<AgentSessionSpec, AgentSessionStatus> agentSessions(Path directory) {
    return new StatusFiles<>(
        directory,
        "AgentSession",
        "agentsessions",
        AgentSessionSpec.class,
        AgentSessionStatus.class);
  }

  /** The directory. */
  public Path directory() {
    return directory;
  }

  /** The file of a resource. */
  public Path file(String name) {
    if (!ResourceReader.NAME.matcher(name).matches()) {
      throw new IllegalArgumentException("not a resource name: " + Quoted.safe(name));
    }
    return directory.resolve(prefix() + name + SUFFIX);
  }

  /** The name of the resource that a file holds; empty where it is none of these. */
  public Optional<String> nameOf(Path file) {
    String name = file.getFileName().toString();
    if (!name.startsWith(prefix()) || !name.endsWith(SUFFIX)) {
      return Optional.empty();
    }
    String middle = name.substring(prefix().length(), name.length() - SUFFIX.length());
    return ResourceReader.NAME.matcher(middle).matches() ? Optional.of(middle) : Optional.empty();
  }

  /** The names of all that are there, in order. */
  public List<String> names() throws IOException {
    TreeSet<String> names = new TreeSet<>();
    try (DirectoryStream<Path> files = Files.newDirectoryStream(directory)) {
      for (Path file : files) {
        nameOf(file).ifPresent(names::add);
      }
    }
    return List.copyOf(names);
  }

  /**
   * Reads a resource.
   *
   * @return empty where there is no such file
   * @throws InvalidConfigurationException when it is not a valid resource of this kind
   */
  public Optional<Entry<S, T>> read(String name) throws IOException, InvalidConfigurationException {
    byte[] bytes;
    try (InputStream in = Files.newInputStream(file(name))) {
      bytes = in.readNBytes(YamlReader.MAX_BYTES + 1);
    } catch (NoSuchFileException e) {
      return Optional.empty();
    }
    String file = prefix() + name + SUFFIX;
    List<Problem> problems = new ArrayList<>();
    List<Tree> documents = YamlReader.read(file, bytes, problems);
    if (problems.isEmpty() && documents.size() != 1) {
      problems.add(new Problem(file, 0, 0, "", "must hold exactly one resource"));
    }
    Optional<Entry<S, T>> entry =
        problems.isEmpty() ? read(file, name, documents.get(0), problems) : Optional.empty();
    if (!problems.isEmpty()) {
      throw new InvalidConfigurationException(problems);
    }
    return entry;
  }

  private Optional<Entry<S, T>> read(
      String file, String name, Tree document, List<Problem> problems) {
    Source source = new Source(file, document);
    if (!(document instanceof Tree.Mapping root)
        || !isText(root.get("apiVersion"), API_VERSION)
        || !isText(root.get("kind"), kind)
        || !(root.get("metadata") instanceof Tree.Mapping metadata)) {
      problems.add(source.problem("", "must be a " + kind + " of " + API_VERSION));
      return Optional.empty();
    }
    if (!isText(metadata.get("name"), name)) {
      problems.add(source.problem("metadata.name", "must be \"" + name + "\", as the file says"));
    }
    for (Map.Entry<String, Tree.Field> field : root.fields().entrySet()) {
      if (!List.of("apiVersion", "kind", "metadata", "spec", "status").contains(field.getKey())) {
        problems.add(source.problem(field.getKey(), "is not a field of a resource"));
      }
    }
    Tree spec = root.get("spec");
    if (spec == null) {
      problems.add(source.problem("", "missing required field \"spec\""));
      return Optional.empty();
    }
    SchemaValidator validator = new SchemaValidator(file, problems);
    Object specValue = validator.validate(spec, schema.properties().get("spec"), "spec");
    Tree status = root.get("status");
    Object statusValue =
        status == null
            ? null
            : validator.validate(status, schema.properties().get("status"), "status");
    if (!problems.isEmpty()) {
      return Optional.empty();
    }
    return Optional.of(
        new Entry<>(
            text(metadata.get("namespace")),
            name,
            text(metadata.get("creationTimestamp")),
            RecordBinder.bind(specValue, specType),
            statusValue == null ? null : RecordBinder.bind(statusValue, statusType)));
  }

  private static boolean isText(Tree tree, String expected) {
    return tree instanceof Tree.Scalar scalar && expected.equals(scalar.value());
  }

  private static String text(Tree tree) {
    return tree instanceof Tree.Scalar scalar && scalar.value() != null ? scalar.text() : "";
  }

  /** What the file of a resource is like now; empty where there is none. */
  public Optional<FileStamp> stamp(String name) throws IOException {
    try {
      return Optional.of(FileStamp.of(file(name)));
    } catch (NoSuchFileException e) {
      return Optional.empty();
    }
  }

  /**
   * Writes a resource, or replaces it; readable by its owner alone.
   *
   * @return what its file is like until somebody else changes it
   */
  public FileStamp write(Entry<S, T> entry) throws IOException {
    return write(entry, false);
  }

  /**
   * Writes a resource, or replaces it.
   *
   * @param durably whether it is on disk when this returns
   * @return what its file is like until somebody else changes it
   */
  public FileStamp write(Entry<S, T> entry, boolean durably) throws IOException {
    Map<String, Object> metadata = new LinkedHashMap<>();
    metadata.put("name", entry.name());
    metadata.put("namespace", entry.namespace());
    metadata.put("creationTimestamp", entry.created());
    Map<String, Object> resource = new LinkedHashMap<>();
    resource.put("apiVersion", API_VERSION);
    resource.put("kind", kind);
    resource.put("metadata", metadata);
    resource.put("spec", plain(entry.spec()));
    if (entry.status() != null) {
      resource.put("status", plain(entry.status()));
    }
    Path target = file(entry.name());
    Path temporary =
        Files.createTempFile(
            directory,
            "." + prefix(),
            ".tmp",
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
    try {
      Files.write(temporary, text(resource).getBytes(StandardCharsets.UTF_8));
      if (durably) {
        force(temporary, StandardOpenOption.WRITE);
      }
      // Before it has its name: nobody can have changed it yet.
      FileStamp stamp = FileStamp.of(temporary);
      Files.move(
          temporary, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
      if (durably) {
        force(directory, StandardOpenOption.READ);
      }
      return stamp;
    } finally {
      Files.deleteIfExists(temporary);
    }
  }

  private static void force(Path path, StandardOpenOption option) throws IOException {
    try (FileChannel channel = FileChannel.open(path, option)) {
      channel.force(true);
    }
  }

  /** A Yaml is used by one thread at a time. */
  private String text(Object resource) {
    synchronized (yaml) {
      return yaml.dump(resource);
    }
  }

  /** Removes a resource. */
  public void delete(String name) throws IOException {
    Files.deleteIfExists(file(name));
  }

  /**
   * Runs a change while neither a command nor the gateway makes another one. Waits for the one that
   * is being made.
   */
  public <R> R locked(Change<R> change) throws IOException, InvalidConfigurationException {
    synchronized (THIS_PROCESS) {
      try (FileChannel channel =
              FileChannel.open(
                  directory.resolve("." + prefix() + "lock"),
                  StandardOpenOption.CREATE,
                  StandardOpenOption.WRITE);
          FileLock lock = channel.lock()) {
        if (!lock.isValid()) {
          throw new IOException("the lock of " + directory + " was lost");
        }
        return change.run();
      }
    }
  }

  private String prefix() {
    return kind.toLowerCase(Locale.ROOT) + "-";
  }

  /** Records as maps, without what is null. */
  private static Object plain(Object value) {
    if (value instanceof List<?> list) {
      // A list of its own each time: what is the same object twice would be written as an alias.
      List<Object> items = new ArrayList<>(list.size());
      list.forEach(item -> items.add(plain(item)));
      return items;
    }
    if (value instanceof Enum<?> constant) {
      return label(constant);
    }
    if (value instanceof String text) {
      // What cannot be printed would be written in base64, which nobody can read.
      return StreamReader.isPrintable(text) ? text : VisibleText.of(text);
    }
    if (!(value instanceof Record)) {
      return value;
    }
    Map<String, Object> map = new LinkedHashMap<>();
    for (RecordComponent component : value.getClass().getRecordComponents()) {
      try {
        Object field = component.getAccessor().invoke(value);
        if (field != null) {
          map.put(component.getName(), plain(field));
        }
      } catch (IllegalAccessException | InvocationTargetException e) {
        throw new IllegalStateException(value.getClass() + " cannot be read", e);
      }
    }
    return map;
  }

  private static String label(Enum<?> constant) {
    try {
      return constant
          .getDeclaringClass()
          .getField(constant.name())
          .getAnnotation(JsonProperty.class)
          .value();
    } catch (NoSuchFieldException e) {
      throw new IllegalStateException(e);
    }
  }
}
