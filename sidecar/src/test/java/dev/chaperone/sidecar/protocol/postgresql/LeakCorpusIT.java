package dev.chaperone.sidecar.protocol.postgresql;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.chaperone.sidecar.testing.GatewayUnderTest;
import dev.chaperone.sidecar.testing.TestPostgres;
import dev.chaperone.sidecar.testing.WireClient;
import dev.chaperone.sidecar.testing.WireClient.Message;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.LocalDate;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Statements that once showed protected values on some channel, through the real gateway on a real
 * server, with everything allowed that rules can allow without knowing the code that runs. The
 * gateway logs in as superuser: nothing but the masks protects the values. Every byte that the
 * client receives is searched.
 */
@Tag("long")
class LeakCorpusIT {
  private static final ObjectMapper JSON = new ObjectMapper();

  private static final String POLICY =
      """
        rules:
        - name: all-that-is-known
          effects: [Read, Write, Schema, Privilege, SessionState]
          action: Allow
        masking:
        - {columns: [public.customers.ssn, public.part.ssn], with: Partial}
        - {columns: [public.customers.email], with: FormatPreserving}
        - {columns: [public.customers.credit_card], with: FormatPreserving}
        - {columns: [public.customers.salary, public.salary_hist.salary], with: Hash}
        - {columns: [public.customers.birth, public.customers.photo], with: FormatPreserving}
        - {columns: [public.customers.notes, public.customers.tags, public.secrets.v], with: Redact}
        - {detectors: [UsSsn, CreditCard, Email], with: Redact}
      """;

  private static final Pattern CHANGES =
      Pattern.compile(
          "(?i)\\b(insert|update|delete|merge|truncate|create|alter|drop|setval|select\\b.*\\binto|comment|lo_)\\b");

  private static TestPostgres server;
  private static final Map<String, byte[]> SECRETS = secrets();

  private GatewayUnderTest gateway;

  @BeforeAll
  static void startServer() throws IOException {
    server =
        TestPostgres.start(
            TestPostgres.Kind.INSTALLED, Map.of("shared_preload_libraries", "pg_stat_statements"));
    load();
  }

  @AfterAll
  static void stopServer() {
    if (server != null) {
      server.close();
    }
  }

  @BeforeEach
  void start() {
    gateway = GatewayUnderTest.start(server);
    gateway.secret("postgres", "trusted");
    gateway.policy(POLICY);
  }

  @AfterEach
  void stop() {
    try {
      gateway.endProvingMasks();
    } finally {
      gateway.close();
    }
  }

  /** Everything as it was, and a gateway that knows it. */
  private void reset() throws IOException {
    stop();
    load();
    start();
  }

  private static void load() throws IOException {
    server.execute(
        "DROP SCHEMA IF EXISTS public CASCADE",
        "DROP SCHEMA IF EXISTS s2 CASCADE",
        "DROP SCHEMA IF EXISTS a CASCADE",
        "SELECT lo_unlink(oid) FROM pg_largeobject_metadata",
        "CREATE SCHEMA public");
    for (String sql :
        statements(resource("base.sql").replace("${PGPORT}", Integer.toString(server.port())))) {
      if (sql.contains("EXTENSION") && sql.contains("adminpack")) {
        continue;
      }
      server.execute(sql);
    }
  }

  /** Values of columns that are masked, in the forms in which they could come out. */
  private static Map<String, byte[]> secrets() {
    Map<String, byte[]> secrets = new LinkedHashMap<>();
    for (String value :
        List.of(
            "SSN-111-22-3333",
            "SSN-222-33-4444",
            "SSN-333-44-5555",
            "alice@example.com",
            "bob@example.com",
            "carol@example.com",
            "4111-1111-1111-1111",
            "4222-2222-2222-2222",
            "4333-3333-3333-3333",
            "SECRET-API-KEY-42",
            "1980-01-02",
            "1985-05-06",
            "1990-09-10")) {
      byte[] bytes = value.getBytes(StandardCharsets.UTF_8);
      secrets.put(value, bytes);
      text(secrets, value + " in lower case", value.toLowerCase(Locale.ROOT));
      text(secrets, value + " in upper case", value.toUpperCase(Locale.ROOT));
      text(secrets, value + " reversed", new StringBuilder(value).reverse().toString());
      text(secrets, value + " in hexadecimal", HexFormat.of().formatHex(bytes));
      text(secrets, value + " in base64", Base64.getEncoder().encodeToString(bytes));
      text(secrets, value + " as md5", md5(bytes));
      text(secrets, value + " without dashes", value.replace("-", ""));
    }
    // What the last part of a number of the Partial mask shows is not more than that.
    text(secrets, "111-22-3333", "111-22-3333");
    text(secrets, "222-33-4444", "222-33-4444");
    for (int salary : List.of(100001, 200002, 300003)) {
      text(secrets, "salary " + salary, Integer.toString(salary));
      secrets.put("salary " + salary + " in binary", ByteBuffer.allocate(4).putInt(salary).array());
    }
    for (String date : List.of("1980-01-02", "1985-05-06", "1990-09-10")) {
      int days = (int) ChronoUnit.DAYS.between(LocalDate.of(2000, 1, 1), LocalDate.parse(date));
      secrets.put(date + " in binary", ByteBuffer.allocate(4).putInt(days).array());
    }
    return secrets;
  }

  private static void text(Map<String, byte[]> secrets, String name, String form) {
    secrets.putIfAbsent(name, form.getBytes(StandardCharsets.UTF_8));
  }

  private static String md5(byte[] bytes) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("MD5").digest(bytes));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  /** How a statement is sent. */
  private enum Way {
    SIMPLE,
    EXTENDED_TEXT,
    EXTENDED_BINARY
  }

  @Test
  void noChannelShowsAProtectedValue() throws Exception {
    List<String> leaks = new ArrayList<>();
    for (Way way : Way.values()) {
      Map<String, List<String>> outcomes = new TreeMap<>();
      for (JsonNode entry : corpus("leak-corpus.jsonl")) {
        double masked = gateway.counted("chaperone.masked.values");
        List<Message> received = new ArrayList<>();
        boolean changes;
        try (WireClient client = connect()) {
          changes = send(entry, way, client, received);
        }
        String channel = entry.get("channel").asText();
        leaks(channel, way, entry, received, leaks);
        String outcome = outcome(received, gateway.counted("chaperone.masked.values") - masked);
        outcomes.computeIfAbsent(outcome, o -> new ArrayList<>()).add(channel);
        if (changes && received.stream().anyMatch(message -> message.type() == 'C')) {
          reset();
        }
      }
      System.out.println("== leak corpus, " + way);
      outcomes.forEach(
          (outcome, channels) -> System.out.println("  " + channels.size() + " " + outcome));
      System.out.println("  masked: " + outcomes.get("served masked"));
      System.out.println("  passed: " + outcomes.get("served, nothing to mask"));
      System.out.println("  failed: " + outcomes.get("failed on the server"));
      assertThat(outcomes.get("served masked")).hasSizeGreaterThanOrEqualTo(12);
    }
    assertThat(leaks).isEmpty();
  }

  /** Were nothing masked, the search would find the values: it can fail. */
  @Test
  void withoutMasksTheValuesAreFound() throws Exception {
    gateway.policy(POLICY.substring(0, POLICY.indexOf("masking:")).stripTrailing() + "\n");
    List<String> leaks = new ArrayList<>();
    int entries = 0;
    for (JsonNode entry : corpus("leak-corpus.jsonl")) {
      if (entry.path("sql").asText().isEmpty()
          || CHANGES.matcher(entry.get("sql").asText()).find()) {
        continue;
      }
      List<Message> received = new ArrayList<>();
      try (WireClient client = connect()) {
        send(entry, Way.SIMPLE, client, received);
      }
      int before = leaks.size();
      leaks("", Way.SIMPLE, entry, received, leaks);
      entries += leaks.size() > before ? 1 : 0;
    }
    System.out.println("== leak corpus without masks: " + entries + " entries show values");
    assertThat(entries).isGreaterThan(50);
  }

  private WireClient connect() throws IOException {
    WireClient client = WireClient.connect(gateway.port());
    client.readTimeout(60_000);
    client.logIn("whoever", TestPostgres.DATABASE);
    return client;
  }

  /** Sends an entry; returns whether it may have changed something. */
  private static boolean send(JsonNode entry, Way way, WireClient client, List<Message> received)
      throws IOException {
    boolean changes = false;
    if (entry.has("messages")) {
      List<byte[]> group = new ArrayList<>();
      for (JsonNode message : entry.get("messages")) {
        changes |= CHANGES.matcher(message.path("sql").asText()).find();
        byte[] bytes = message(message, way);
        if (message.get("t").asText().equals("Q")) {
          exchange(client, received, bytes);
        } else {
          group.add(bytes);
          if (message.get("t").asText().equals("S")) {
            exchange(client, received, group.toArray(byte[][]::new));
            group.clear();
          }
        }
      }
      return changes;
    }
    String sql =
        entry
            .get("sql")
            .asText()
            .replace("${PGPORT}", Integer.toString(server.port()))
            .replace("${OUTDIR}", "/nonexistent");
    changes = CHANGES.matcher(sql).find();
    if (way == Way.SIMPLE) {
      exchange(client, received, WireClient.query(sql));
      return changes;
    }
    boolean describe = false;
    for (String statement : statements(sql)) {
      List<byte[]> group = new ArrayList<>();
      group.add(WireClient.parse("", statement));
      group.add(bind("", "", way == Way.EXTENDED_BINARY ? new int[] {1} : new int[0]));
      if (describe) {
        group.add(WireClient.describe('P', ""));
      }
      describe = !describe;
      group.add(WireClient.execute("", 0));
      group.add(WireClient.sync());
      exchange(client, received, group.toArray(byte[][]::new));
    }
    return changes;
  }

  private static byte[] message(JsonNode message, Way way) {
    String name = message.path("name").asText();
    return switch (message.get("t").asText()) {
      case "Q" -> WireClient.query(message.get("sql").asText());
      case "P" -> WireClient.parse(name, message.get("sql").asText());
      case "B" ->
          bind(
              message.path("portal").asText(),
              name,
              way == Way.EXTENDED_BINARY || !message.path("rformats").isEmpty()
                  ? new int[] {1}
                  : new int[0]);
      case "D" -> WireClient.describe(message.get("kind").asText().charAt(0), name);
      case "E" -> WireClient.execute(message.path("portal").asText(), message.path("max").asInt());
      case "S" -> WireClient.sync();
      default -> throw new IllegalArgumentException(message.toString());
    };
  }

  private static byte[] bind(String portal, String statement, int... formats) {
    byte[] codes = WireClient.int16(formats.length);
    for (int format : formats) {
      codes = WireClient.join(codes, WireClient.int16(format));
    }
    return WireClient.message(
        'B',
        WireClient.cString(portal),
        WireClient.cString(statement),
        WireClient.int16(0),
        WireClient.int16(0),
        codes);
  }

  private static void exchange(WireClient client, List<Message> received, byte[]... messages)
      throws IOException {
    client.send(messages);
    received.addAll(client.readToReady());
  }

  /** Searches every byte that was received. */
  private static void leaks(
      String channel, Way way, JsonNode entry, List<Message> received, List<String> leaks) {
    String sent = entry.toString();
    for (Message message : received) {
      for (Map.Entry<String, byte[]> secret : SECRETS.entrySet()) {
        if (contains(message.body(), secret.getValue())) {
          leaks.add(
              way
                  + " "
                  + channel
                  + ": "
                  + secret.getKey()
                  + " in "
                  + message.type()
                  + " | "
                  + sent.substring(0, Math.min(200, sent.length())));
        }
      }
    }
  }

  private static boolean contains(byte[] body, byte[] wanted) {
    for (int i = 0; i + wanted.length <= body.length; i++) {
      if (java.util.Arrays.equals(body, i, i + wanted.length, wanted, 0, wanted.length)) {
        return true;
      }
    }
    return false;
  }

  private static String outcome(List<Message> received, double masked) {
    for (Message message : received) {
      if (message.type() == 'E') {
        return message.field('D').contains("Decision ") || message.field('M').contains("withheld:")
            ? "refused"
            : "failed on the server";
      }
    }
    return masked > 0 ? "served masked" : "served, nothing to mask";
  }

  @Test
  void benignStatementsStillPass() throws Exception {
    Map<String, List<String>> outcomes = new TreeMap<>();
    List<JsonNode> corpus = corpus("benign-corpus.jsonl");
    List<String> leaks = new ArrayList<>();
    for (JsonNode entry : corpus) {
      if (!entry.has("sql") || entry.has("setup")) {
        continue;
      }
      String sql = entry.get("sql").asText();
      double masked = gateway.counted("chaperone.masked.values");
      List<Message> received = new ArrayList<>();
      try (WireClient client = connect()) {
        exchange(client, received, WireClient.query(sql));
      }
      leaks(entry.get("id").asText(), Way.SIMPLE, entry, received, leaks);
      String outcome = outcome(received, gateway.counted("chaperone.masked.values") - masked);
      String note =
          outcome.equals("refused")
              ? received.stream().filter(m -> m.type() == 'E').findFirst().get().field('M')
              : "";
      outcomes
          .computeIfAbsent(outcome, o -> new ArrayList<>())
          .add(entry.get("id").asText() + " " + note + " | " + sql.replaceAll("\\s+", " ").strip());
    }
    System.out.println("== benign corpus with masks");
    outcomes.forEach(
        (outcome, entries) -> System.out.println("  " + entries.size() + " " + outcome));
    for (String outcome : List.of("refused", "served masked")) {
      System.out.println("  " + outcome + ":");
      outcomes
          .getOrDefault(outcome, List.of())
          .forEach(e -> System.out.println("    " + e.substring(0, Math.min(230, e.length()))));
    }
    int all = outcomes.values().stream().mapToInt(List::size).sum();
    int refused = outcomes.getOrDefault("refused", List.of()).size();
    assertThat(leaks).isEmpty();
    assertThat(all).isGreaterThan(200);
    assertThat(refused).isLessThanOrEqualTo(all * 4 / 100);
  }

  /** Cuts a script at semicolons outside of quotes. */
  private static List<String> statements(String script) {
    List<String> statements = new ArrayList<>();
    StringBuilder statement = new StringBuilder();
    String quote = "";
    for (int i = 0; i < script.length(); i++) {
      char c = script.charAt(i);
      if (quote.isEmpty()) {
        if (c == '\'' || c == '"') {
          quote = String.valueOf(c);
        } else if (script.startsWith("$$", i)) {
          quote = "$$";
          statement.append(c);
          i++;
        } else if (c == ';') {
          add(statements, statement);
          continue;
        }
      } else if (script.startsWith(quote, i)) {
        if (quote.length() > 1) {
          statement.append(c);
          i++;
        }
        quote = "";
      }
      statement.append(c);
    }
    add(statements, statement);
    return statements;
  }

  private static void add(List<String> statements, StringBuilder statement) {
    if (!statement.toString().isBlank()) {
      statements.add(statement.toString().strip());
    }
    statement.setLength(0);
  }

  private static String resource(String name) throws IOException {
    try (InputStream in = LeakCorpusIT.class.getResourceAsStream("/corpora/" + name)) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  private static List<JsonNode> corpus(String name) throws IOException {
    List<JsonNode> entries = new ArrayList<>();
    try (InputStream in = LeakCorpusIT.class.getResourceAsStream("/corpora/" + name);
        BufferedReader lines =
            new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8))) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        entries.add(JSON.readTree(line));
      }
    }
    return entries;
  }
}
