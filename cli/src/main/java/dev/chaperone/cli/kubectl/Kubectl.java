package dev.chaperone.cli.kubectl;

import dev.chaperone.cli.CommandException;
import dev.chaperone.policy.VisibleText;
import java.io.IOException;
import java.io.InputStream;
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

  /** Longer than its own deadline; a login may ask the user something. */
  private static final long SECONDS = 120;

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
    List<String> command = new ArrayList<>(List.of("kubectl"));
    command.addAll(List.of(arguments));
    command.addAll(options);
    command.add(REQUEST_TIMEOUT);
    Process process = start(command);
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

  private static Process start(List<String> command) throws IOException {
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
