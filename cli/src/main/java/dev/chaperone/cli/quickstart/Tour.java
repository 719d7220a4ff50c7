package dev.chaperone.cli.quickstart;

import dev.chaperone.cli.quickstart.OtherProcess.Result;
import dev.chaperone.recording.SessionSummary;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Shows what the gateway does, on a real PostgreSQL over the real protocol: an agent that connects
 * with an ordinary driver, and people at commands of their own. Every step checks what it says,
 * with a look at the database past the gateway where that is what counts.
 */
final class Tour {
  private static final String HELD = "DELETE FROM orders WHERE id = 1";
  private static final int WAIT_SECONDS = 10;

  /** A step that did not do what it says. */
  private static final class StepFailed extends Exception {
    private static final long serialVersionUID = 1L;

    StepFailed(String message) {
      super(message);
    }
  }

  /** What a step does. */
  private interface Step {
    void run()
        throws StepFailed, SQLException, IOException, InterruptedException, ExecutionException;
  }

  private final int gatewayPort;
  private final int databasePort;
  private final String password;
  private final Path run;
  private final OtherProcess people;
  private final TourPrinter printer;
  private final ExecutorService agentThread = Executors.newSingleThreadExecutor(Tour::daemon);

  private Connection agent;
  private int passed;
  private String usedRequest = "";
  private String session = "";

  Tour(
      int gatewayPort,
      int databasePort,
      String password,
      Path run,
      OtherProcess people,
      TourPrinter printer) {
    this.gatewayPort = gatewayPort;
    this.databasePort = databasePort;
    this.password = password;
    this.run = run;
    this.people = people;
    this.printer = printer;
  }

  private static Thread daemon(Runnable task) {
    Thread thread = new Thread(task, "agent");
    thread.setDaemon(true);
    return thread;
  }

  /** Goes through all steps; returns whether each did what it says. */
  boolean run() throws InterruptedException {
    boolean all =
        step("What policy allows passes", this::allowedRead)
            && step("Protected columns come masked", this::maskedRead)
            && step("A DROP hidden behind a comment is refused", this::hiddenDrop)
            && step("A write waits until a person approves it", this::heldAndApproved)
            && step("The same approval is no approval twice", this::approvalTriedAgain)
            && step("A person ends the session", this::revoked)
            && step("The recording tells what happened", this::replayed)
            && step("The recording proves itself", this::verified)
            && step("A changed copy of it is found out", this::tampered);
    agentThread.shutdownNow();
    printer.end(passed, all);
    return all;
  }

  private boolean step(String title, Step step) throws InterruptedException {
    printer.step(title);
    try {
      step.run();
      printer.passed();
      passed++;
      return true;
    } catch (StepFailed | SQLException | IOException e) {
      printer.failed(e.getMessage());
    } catch (ExecutionException e) {
      printer.failed(String.valueOf(e.getCause().getMessage()));
    }
    return false;
  }

  private void allowedRead() throws SQLException, StepFailed {
    agent = connect(gatewayPort, "agent", "");
    List<String> rows = query("SELECT status, count(*) FROM orders GROUP BY status ORDER BY 1");
    check(rows.size() == 4, "four kinds of orders were expected");
  }

  private void maskedRead() throws SQLException, StepFailed {
    String sql = "SELECT name, email, ssn FROM customers WHERE id = 1";
    List<String> rows = query(sql);
    check(rows.size() == 1, "one customer was expected");
    try (Connection owner = owner();
        Statement statement = owner.createStatement();
        ResultSet real = statement.executeQuery(sql)) {
      real.next();
      check(rows.get(0).contains(real.getString("name")), "the name is not protected");
      for (String column : List.of("email", "ssn")) {
        check(!rows.get(0).contains(real.getString(column)), column + " was not masked");
      }
    }
  }

  private void hiddenDrop() throws SQLException, StepFailed {
    // A comment to many parsers; to PostgreSQL, a division and a second statement.
    refused("SELECT 4 //**/ 2; DROP TABLE customers", "42501");
    check(query("SELECT count(*) FROM customers").contains("40"), "the customers are gone");
  }

  private void heldAndApproved()
      throws SQLException, StepFailed, IOException, InterruptedException, ExecutionException {
    Future<Integer> deleted = inBackground(HELD);
    usedRequest = awaitRequest();
    check(orders() == 400, "the order was deleted before anybody approved");
    people("chaperone show " + usedRequest, people.onGateway("show", usedRequest), 0);
    check(!deleted.isDone(), "the agent did not wait");
    people(
        "chaperone approve " + usedRequest + " -m fine",
        people.onGateway("approve", usedRequest, "-m", "fine"),
        0);
    int count = get(deleted);
    printer.seen("agent: " + count + " row deleted");
    check(count == 1 && orders() == 399, "one order was to be deleted");
  }

  private void approvalTriedAgain()
      throws SQLException, StepFailed, IOException, InterruptedException, ExecutionException {
    people(
        "chaperone approve " + usedRequest,
        people.onGateway("approve", usedRequest, "--as", "bob"),
        1);
    Future<Integer> again = inBackground(HELD);
    String second = awaitRequest();
    check(!second.equals(usedRequest), "the used request was opened again");
    people(
        "chaperone deny " + second + " -m \"once is enough\"",
        people.onGateway("deny", second, "-m", "once is enough"),
        0);
    try {
      get(again);
      throw new StepFailed("it was deleted a second time");
    } catch (ExecutionException e) {
      printer.seen("agent: " + firstLine(e.getCause()));
      check(e.getCause().getMessage().contains("once is enough"), "the agent was not told why");
    }
    check(orders() == 399, "one order was to be deleted, not two");
  }

  private void revoked() throws SQLException, StepFailed, IOException, InterruptedException {
    Result sessions = people.onGateway("sessions");
    people("chaperone sessions", sessions, 0);
    Matcher name = Pattern.compile("(?m)^(\\S+-\\S+)\\s+Active").matcher(sessions.output());
    check(name.find(), "no active session is listed");
    session = name.group(1);
    people("chaperone revoke " + session, people.onGateway("revoke", session), 0);
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(2);
    while (agent.isValid(1) && System.nanoTime() < deadline) {
      Thread.sleep(20);
    }
    check(!agent.isValid(1), "the agent's connection lives on");
    try (Connection another = connect(gatewayPort, "agent", "")) {
      throw new StepFailed("the agent can connect again: " + another);
    } catch (SQLException e) {
      printer.seen("agent: " + firstLine(e));
    }
  }

  private void replayed() throws StepFailed, IOException, InterruptedException {
    awaitSeal();
    Result replay = people.onGateway("replay", session);
    people("chaperone replay " + session, replay, 0);
    for (String expected :
        List.of("SELECT status, count(*)", "DROP TABLE customers", HELD, "once is enough")) {
      check(replay.output().contains(expected), "the replay lacks: " + expected);
    }
  }

  /** The end of a session takes a moment to get to the disk. */
  private void awaitSeal() throws StepFailed, IOException, InterruptedException {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(5);
    while (!SessionSummary.read(recording()).map(SessionSummary::sealed).orElse(false)) {
      check(System.nanoTime() < deadline, "the recording of the session is not sealed");
      Thread.sleep(20);
    }
  }

  private void verified() throws StepFailed, IOException, InterruptedException {
    Path recording = recording();
    people("chaperone verify " + recording, people.run("verify", recording.toString()), 0);
  }

  private void tampered() throws StepFailed, IOException, InterruptedException {
    Path copy = copyOfRecording();
    Path segment;
    try (Stream<Path> files = Files.list(copy)) {
      segment =
          files
              .filter(file -> file.getFileName().toString().endsWith(".seg"))
              .sorted()
              .findFirst()
              .orElseThrow(() -> new StepFailed("there is no recording"));
    }
    byte[] bytes = Files.readAllBytes(segment);
    bytes[bytes.length / 2] ^= 1;
    Files.write(segment, bytes);
    people(
        "chaperone verify a-copy-with-one-bit-changed", people.run("verify", copy.toString()), 1);
  }

  private Path recording() {
    return run.resolve("status").resolve("recordings").resolve(session);
  }

  private Path copyOfRecording() throws IOException {
    Path copy = Directories.createPrivate(run.resolve("copy"));
    try (Stream<Path> files = Files.list(recording())) {
      for (Path file : files.toList()) {
        Files.copy(file, copy.resolve(file.getFileName()));
      }
    }
    return copy;
  }

  private Connection owner() throws SQLException {
    return connect(databasePort, SampleDatabase.ROLE, password);
  }

  private static Connection connect(int port, String user, String password) throws SQLException {
    Properties properties = new Properties();
    properties.setProperty("user", user);
    properties.setProperty("password", password);
    properties.setProperty("connectTimeout", "10");
    properties.setProperty("socketTimeout", "30");
    // As psql does it: what is typed is one message, and the driver does not take it apart.
    properties.setProperty("preferQueryMode", "simple");
    return DriverManager.getConnection(
        "jdbc:postgresql://127.0.0.1:" + port + "/" + SampleDatabase.NAME, properties);
  }

  private int orders() throws SQLException {
    try (Connection owner = owner();
        Statement statement = owner.createStatement();
        ResultSet rows = statement.executeQuery("SELECT count(*) FROM orders")) {
      rows.next();
      return rows.getInt(1);
    }
  }

  private List<String> query(String sql) throws SQLException {
    printer.typed("agent", sql);
    List<String> lines = new ArrayList<>();
    try (Statement statement = agent.createStatement();
        ResultSet rows = statement.executeQuery(sql)) {
      int columns = rows.getMetaData().getColumnCount();
      while (rows.next()) {
        List<String> values = new ArrayList<>();
        for (int i = 1; i <= columns; i++) {
          values.add(rows.getString(i));
        }
        lines.add(String.join(" | ", values));
      }
    }
    lines.forEach(printer::seen);
    return lines;
  }

  private void refused(String sql, String sqlState) throws StepFailed {
    printer.typed("agent", sql);
    try (Statement statement = agent.createStatement()) {
      statement.execute(sql);
    } catch (SQLException e) {
      printer.seen(firstLine(e));
      check(sqlState.equals(e.getSQLState()), "refused with SQLSTATE " + e.getSQLState());
      return;
    }
    throw new StepFailed("it was not refused");
  }

  private Future<Integer> inBackground(String sql) {
    printer.typed("agent", sql);
    return agentThread.submit(
        () -> {
          try (Statement statement = agent.createStatement()) {
            return statement.executeUpdate(sql);
          }
        });
  }

  private int get(Future<Integer> future)
      throws StepFailed, InterruptedException, ExecutionException {
    try {
      return future.get(WAIT_SECONDS, TimeUnit.SECONDS);
    } catch (TimeoutException e) {
      throw new StepFailed("the agent still waits");
    }
  }

  /** The name of the request that waits; the gateway writes it to a file. */
  private String awaitRequest() throws StepFailed, IOException, InterruptedException {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(WAIT_SECONDS);
    Pattern pending = Pattern.compile("(?m)^(\\S+)\\s+Pending");
    while (System.nanoTime() < deadline) {
      Result requests = people.onGateway("requests");
      Matcher line = pending.matcher(requests.output());
      if (line.find()) {
        printer.typed("person", "chaperone requests");
        printer.seen(requests.output());
        return line.group(1);
      }
    }
    throw new StepFailed("no request was opened");
  }

  private void people(String typed, Result result, int expected) throws StepFailed {
    printer.typed("person", typed);
    printer.seen(result.output());
    check(
        result.exitCode() == expected,
        "exit code " + result.exitCode() + " where " + expected + " was expected");
  }

  private static void check(boolean condition, String otherwise) throws StepFailed {
    if (!condition) {
      throw new StepFailed(otherwise);
    }
  }

  private static String firstLine(Throwable failure) {
    String message = String.valueOf(failure.getMessage());
    return message.lines().findFirst().orElse("");
  }
}
