package dev.chaperone.cli.kubectl;

import dev.chaperone.cli.CommandException;
import dev.chaperone.policy.VisibleText;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.PushbackInputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/**
 * The user's kubectl. It knows the cluster, who the user is, and every way to log in; so nothing of
 * that is done here once more.
 */
public final class Kubectl {
  /** A list of some thousand requests. */
  private static final int MAX_OUTPUT = 64 << 20;

  private static final int MAX_ERROR = 64 << 10;
  private static final int MAX_ERROR_SHOWN = 2_000;
  private static final String REQUEST_TIMEOUT = "--request-timeout=30s";

  /** Longer than the API server lets a request take. */
  private static final String STREAM_TIMEOUT = "--request-timeout=70s";

  /** Longer than its own deadline; a login may ask the user something. */
  private static final long SECONDS = 120;

  private static final long GRACE_SECONDS = 2;

  private final List<String> options;

  /**
   * Makes one.
   *
   * @param options say which cluster, which namespace and as whom, as kubectl has them
   */
  public Kubectl(List<String> options) {
    this.options = List.copyOf(options);
  }

  /**
   * Runs a command.
   *
   * @return what it prints, at most 64 MiB
   * @throws CommandException when it fails, with what kubectl says
   */
  public byte[] run(String... arguments) throws IOException, InterruptedException {
    Process process = start(REQUEST_TIMEOUT, arguments);
    try {
      CompletableFuture<byte[]> error =
          CompletableFuture.supplyAsync(() -> read(process.getErrorStream(), MAX_ERROR));
      CompletableFuture<byte[]> output =
          CompletableFuture.supplyAsync(() -> read(process.getInputStream(), MAX_OUTPUT));
      if (!process.waitFor(SECONDS, TimeUnit.SECONDS)) {
        throw CommandException.failed("kubectl did not answer within " + SECONDS + " s");
      }
      if (process.exitValue() != 0) {
        throw CommandException.failed(said(error.join()));
      }
      if (output.join().length > MAX_OUTPUT) {
        throw CommandException.failed("the cluster's answer is too long");
      }
      return output.join();
    } finally {
      process.destroyForcibly();
    }
  }

  /** Reads what a command prints. */
  public interface Reading<T> {
    /**
     * Reads it to its end.
     *
     * @throws IOException when it is not what it should be
     */
    T read(InputStream output) throws IOException;
  }

  /**
   * Runs a command whose output is read while it comes, however long that is.
   *
   * @throws CommandException when it fails, with what kubectl says; but where its output ends too
   *     early for who reads it, and the API server did not refuse, that is told
   * @throws IOException what the reading throws
   */
  public <T> T stream(Reading<T> reading, String... arguments)
      throws IOException, InterruptedException {
    Process process = start(STREAM_TIMEOUT, arguments);
    try {
      CompletableFuture<byte[]> error =
          CompletableFuture.supplyAsync(() -> read(process.getErrorStream(), MAX_ERROR));
      CompletableFuture<Boolean> watchdog =
          new CompletableFuture<Boolean>().completeOnTimeout(true, SECONDS, TimeUnit.SECONDS);
      watchdog.thenRun(process::destroyForcibly);
      boolean begun = false;
      try (PushbackInputStream output = new PushbackInputStream(process.getInputStream())) {
        int first = output.read();
        begun = first >= 0;
        if (begun) {
          output.unread(first);
          T read = reading.read(output);
          // It has no more to say, and may say so to the API server.
          process.waitFor(GRACE_SECONDS, TimeUnit.SECONDS);
          return read;
        }
      } finally {
        watchdog.cancel(false);
      }
      if (process.waitFor(SECONDS, TimeUnit.SECONDS) && process.exitValue() != 0) {
        throw CommandException.failed(said(error.join()));
      }
      throw new EOFException("kubectl printed nothing");
    } finally {
      process.destroyForcibly();
    }
  }

  private Process start(String timeout, String... arguments) {
    List<String> command = new ArrayList<>(List.of("kubectl"));
    command.addAll(List.of(arguments));
    command.addAll(options);
    command.add(timeout);
    try {
      return new ProcessBuilder(command).redirectInput(ProcessBuilder.Redirect.INHERIT).start();
    } catch (IOException e) {
      throw CommandException.failed("kubectl cannot be run: " + e.getMessage());
    }
  }

  /** Reads up to one byte more than is wanted, and drains the rest. */
  private static byte[] read(InputStream in, int most) {
    try (in) {
      byte[] bytes = in.readNBytes(most + 1);
      in.transferTo(java.io.OutputStream.nullOutputStream());
      return bytes;
    } catch (IOException e) {
      return new byte[0];
    }
  }

  private static String said(byte[] error) {
    String text = new String(error, StandardCharsets.UTF_8).strip();
    if (text.isEmpty()) {
      return "kubectl failed and did not say why";
    }
    String shown = VisibleText.of(text.replace('\n', ' '));
    return shown.length() > MAX_ERROR_SHOWN ? shown.substring(0, MAX_ERROR_SHOWN) : shown;
  }
}
