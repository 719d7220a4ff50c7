package dev.chaperone.sidecar.control;

import dev.chaperone.control.resource.FileStamp;
import dev.chaperone.control.resource.InvalidConfigurationException;
import dev.chaperone.control.resource.Problem;
import dev.chaperone.control.translation.Configuration;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Follows a configuration directory. A change is read once two looks in a row have seen the same
 * files, so that a file that is still being written is not taken for its whole: a policy cut off
 * above its Deny rules would allow too much.
 *
 * <p>It looks ten times a second; notifications of the file system are not used because they miss
 * changes on network and overlay file systems.
 */
public final class DirectoryWatch implements AutoCloseable {
  private static final System.Logger LOGGER = System.getLogger(DirectoryWatch.class.getName());
  private static final long LOOK_MILLIS = 100;

  /** Told of what was read. Calls come from one thread. */
  public interface Listener {
    /**
     * A valid configuration was read.
     *
     * @throws IOException when it cannot be put in force; the previous one then stays
     */
    void changed(Configuration configuration) throws IOException;

    /** What was read is not valid; the last good configuration stays in force. */
    void invalid(List<Problem> problems);
  }

  /** Reads the directory. */
  public interface Loader {
    Configuration load(long generation) throws InvalidConfigurationException;
  }

  private final Path directory;
  private final Loader loader;
  private final Listener listener;
  private final Thread thread;
  private long generation;
  private Map<Path, FileStamp> inForce;
  private volatile boolean closed;

  /** What a directory looked like. */
  public static final class Look {
    private final Map<Path, FileStamp> stamps;

    private Look(Map<Path, FileStamp> stamps) {
      this.stamps = stamps;
    }

    @Override
    public boolean equals(Object other) {
      return other instanceof Look that && stamps.equals(that.stamps);
    }

    @Override
    public int hashCode() {
      return stamps.hashCode();
    }
  }

  /**
   * Looks at a directory. To be called before it is read, so that no edit falls in between.
   *
   * @throws IOException when it cannot be looked at
   */
  public static Look lookAt(Path directory) throws IOException {
    try {
      return new Look(look(directory));
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
  }

  /**
   * Watches a directory.
   *
   * @param inForce what it looked like before it was read into the configuration in force
   * @param generation of that configuration
   */
  public DirectoryWatch(
      Path directory, Look inForce, long generation, Loader loader, Listener listener) {
    this.directory = directory;
    this.generation = generation;
    this.loader = loader;
    this.listener = listener;
    this.inForce = inForce.stamps;
    this.thread = new Thread(this::run, "configuration");
    this.thread.setDaemon(true);
  }

  /** Begins to look. */
  public void start() {
    thread.start();
  }

  private void run() {
    Map<Path, FileStamp> previous = inForce;
    while (!closed) {
      try {
        Thread.sleep(LOOK_MILLIS);
        Map<Path, FileStamp> now = look(directory);
        if (now.equals(previous) && !now.equals(inForce)) {
          inForce = now;
          read();
        }
        previous = now;
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return;
      } catch (UncheckedIOException e) {
        // What vanishes between two steps of a look is looked at again, then reported.
        if (previous.isEmpty() && !inForce.isEmpty()) {
          inForce = Map.of();
          listener.invalid(List.of(problem("the directory cannot be read")));
        }
        previous = Map.of();
      } catch (RuntimeException e) {
        LOGGER.log(System.Logger.Level.ERROR, "configuration could not be applied", e);
        listener.invalid(List.of(problem("internal error: " + e.getClass().getSimpleName())));
      }
    }
  }

  private void read() {
    try {
      Configuration configuration = loader.load(generation + 1);
      listener.changed(configuration);
      generation++;
    } catch (InvalidConfigurationException e) {
      listener.invalid(e.problems());
    } catch (IOException e) {
      listener.invalid(List.of(problem(e.getMessage())));
    }
  }

  private Problem problem(String message) {
    return new Problem(directory.toString(), 0, 0, "", message);
  }

  private static Map<Path, FileStamp> look(Path directory) {
    Map<Path, FileStamp> stamps = new TreeMap<>();
    try {
      Files.walkFileTree(
          directory,
          new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes own)
                throws IOException {
              // A link counts as what it leads to.
              BasicFileAttributes attributes =
                  own.isSymbolicLink()
                      ? Files.readAttributes(file, BasicFileAttributes.class)
                      : own;
              if (attributes.isRegularFile()) {
                stamps.put(file, FileStamp.of(attributes));
              }
              return FileVisitResult.CONTINUE;
            }
          });
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return stamps;
  }

  @Override
  public void close() {
    closed = true;
    thread.interrupt();
  }
}
