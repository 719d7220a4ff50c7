package dev.chaperone.operator.node;

import dev.chaperone.operator.testing.TestCluster;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/**
 * A client program in an agent's container, with one connection that stays open: commands are given
 * to it over {@code kubectl exec}, and what it prints is read until it says that it is done.
 */
final class AgentClient implements AutoCloseable {
  /** Long enough for a machine that stands still for a while. */
  static final Duration PATIENCE = Duration.ofMinutes(6);

  private static final String ENDED = "the program has ended";

  private final Process process;
  private final Writer input;
  private final String after;
  private final LinkedBlockingQueue<String> lines = new LinkedBlockingQueue<>();

  private AgentClient(ProcessBuilder builder, String after) {
    try {
      process = builder.redirectErrorStream(true).start();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    input = process.outputWriter();
    this.after = after;
    Thread reader = new Thread(this::read, "agent-client");
    reader.setDaemon(true);
    reader.start();
  }

  /**
   * psql as it comes; errors with their SQLSTATE, among what it prints. Its first standard error
   * stays open: {@code kubectl exec} ends the input of a program that has closed it.
   */
  static AgentClient psql(TestCluster cluster, String namespace, String pod) {
    AgentClient client =
        new AgentClient(
            exec(cluster, namespace, pod, "psql -X -A -t -v VERBOSITY=verbose 3>&2 2>&1"),
            ";\n\\echo " + JdbcAgent.DONE + "\n");
    client.send("SELECT 1");
    return client;
  }

  /** {@link JdbcAgent}. */
  static AgentClient jdbc(TestCluster cluster, String namespace, String pod) {
    return jdbc(cluster, namespace, pod, "");
  }

  /**
   * The same for one of several connections.
   *
   * @param prefix of its variables, such as {@code ORDERS_}
   */
  static AgentClient jdbc(TestCluster cluster, String namespace, String pod, String prefix) {
    return new AgentClient(
        exec(
            cluster,
            namespace,
            pod,
            "java -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -cp '/opt/java-agent:/opt/java-agent/*' "
                + JdbcAgent.class.getName()
                + " "
                + prefix),
        "\n");
  }

  private static ProcessBuilder exec(
      TestCluster cluster, String namespace, String pod, String command) {
    return cluster.kubectlProcess(
        "--namespace",
        namespace,
        "exec",
        "-i",
        "--container=agent",
        pod,
        "--",
        "sh",
        "-c",
        "exec " + command);
  }

  private void read() {
    try (BufferedReader output = process.inputReader()) {
      for (String line = output.readLine(); line != null; line = output.readLine()) {
        lines.add(line);
      }
    } catch (IOException e) {
      lines.add(e.toString());
    }
    lines.add(ENDED);
    lines.add(JdbcAgent.DONE);
  }

  /** Waits for what its start prints; it must not have ended. */
  AgentClient connected() {
    List<String> said = answer();
    if (said.contains(ENDED) || said.stream().anyMatch(line -> line.contains("ERROR"))) {
      throw new AssertionError("the client did not connect: " + said);
    }
    return this;
  }

  /** Gives it a command and does not wait. */
  void send(String command) {
    try {
      input.write(command + after);
      input.flush();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** What it has printed up to the end of the oldest command that is not answered. */
  List<String> answer() {
    List<String> answer = new ArrayList<>();
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    while (true) {
      String line = next(deadline);
      if (line == null) {
        throw new AssertionError("the client did not answer in time; it said " + answer);
      }
      if (line.equals(JdbcAgent.DONE)) {
        return answer;
      }
      answer.add(line);
    }
  }

  private String next(long deadline) {
    try {
      return lines.poll(deadline - System.nanoTime(), TimeUnit.NANOSECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  /** Gives it a command and waits for what comes of it. */
  List<String> say(String command) {
    send(command);
    return answer();
  }

  /** Whether nothing has come of the command that was given last. */
  boolean waits() {
    return !lines.contains(JdbcAgent.DONE);
  }

  /** Ends the program: it reads the end of its input. */
  @Override
  public void close() {
    try {
      input.close();
    } catch (IOException e) {
      // It has ended before.
    }
    try {
      if (!process.waitFor(10, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
