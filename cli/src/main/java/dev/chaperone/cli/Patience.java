package dev.chaperone.cli;

import java.io.IOException;
import java.time.Duration;
import java.util.Optional;

/**
 * How long a command waits until what it wrote was taken note of.
 *
 * @param most how long
 * @param interval between two looks
 * @param otherwise what to say when nothing has come by then
 */
public record Patience(Duration most, Duration interval, String otherwise) {

  /** A look that may find an answer. */
  public interface Look<T> {
    Optional<T> look() throws IOException, InterruptedException;
  }

  /**
   * Looks until there is an answer.
   *
   * @throws CommandException when there is none in time
   */
  public <T> T await(Look<T> look) throws IOException, InterruptedException {
    long deadline = System.nanoTime() + most.toNanos();
    while (System.nanoTime() < deadline) {
      Optional<T> answer = look.look();
      if (answer.isPresent()) {
        return answer.get();
      }
      Thread.sleep(interval.toMillis());
    }
    throw CommandException.failed(otherwise);
  }
}
