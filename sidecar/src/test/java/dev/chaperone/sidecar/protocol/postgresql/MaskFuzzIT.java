package dev.chaperone.sidecar.protocol.postgresql;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chaperone.sidecar.testing.GatewayUnderTest;
import dev.chaperone.sidecar.testing.TestPostgres;
import dev.chaperone.sidecar.testing.WireClient;
import dev.chaperone.sidecar.testing.WireClient.Message;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/**
 * Statements about a table with masked columns, changed at random token by token and sent through
 * the gateway to a real server. Whatever the gateway lets pass and the server runs, no masked value
 * comes back.
 */
class MaskFuzzIT {
  private static final String POLICY =
      """
        rules:
        - name: reads-and-writes
          effects: [Read, Write]
          action: Allow
        masking:
        - {columns: [public.customers.ssn, public.customers.salary, public.users.name], with: Hash}
        - {columns: [public.customers.doc], with: "Null"}
      """;

  /** The same columns, of which expressions may be returned and which may be compared. */
  private static final String LENIENT_POLICY =
      POLICY.replace("with: ", "usage: Taint, predicates: Allow, with: ");

  private static final List<String> SEEDS =
      List.of(
          "SELECT ssn FROM customers",
          "SELECT c.ssn AS x, c.id FROM customers c WHERE c.id = 1 ORDER BY c.id LIMIT 1",
          "SELECT * FROM customers",
          "SELECT c.*, o.* FROM customers c JOIN orders o ON o.customer_id = c.id",
          "SELECT x FROM (SELECT ssn AS x FROM customers) s",
          "WITH s AS (SELECT ssn, id FROM customers) SELECT ssn FROM s WHERE id = 1",
          "SELECT tax_id, shown FROM v_customers",
          "SELECT x.* FROM customers c, LATERAL (SELECT c.*) x",
          "SELECT count(*), name FROM customers GROUP BY name",
          "SELECT id FROM customers UNION SELECT id FROM orders",
          "SELECT u.name, c.name FROM users u LEFT JOIN customers c USING (id)",
          "SELECT o.note FROM orders o WHERE EXISTS (SELECT 1 FROM customers c WHERE c.id = o.id)",
          "SELECT CASE WHEN c.id > 1 THEN c.name ELSE 'x' END AS n, c.salary FROM customers c",
          "SELECT upper(name), ssn FROM customers WHERE name LIKE 'n%'",
          "SELECT id, row_number() OVER (PARTITION BY name ORDER BY id) FROM customers",
          "SELECT (SELECT name FROM customers LIMIT 1), array_agg(c.id) FROM customers c",
          "SELECT name::text, CAST(id AS text) AS t, ssn FROM customers",
          "SELECT s.a FROM (SELECT name FROM customers) s (a)",
          "SELECT id IS DISTINCT FROM 2 AS d, extract(year FROM now()) FROM customers",
          "SELECT g.i, c.ssn FROM generate_series(1, 2) AS g (i) CROSS JOIN customers c",
          "UPDATE customers SET name = upper(name) WHERE id = 1 RETURNING ssn, name",
          "INSERT INTO orders (id, note) SELECT id, name FROM customers RETURNING note",
          "INSERT INTO customers (id, name, ssn) VALUES (9, 'n', 's') ON CONFLICT (id) DO UPDATE SET"
              + " ssn = EXCLUDED.ssn RETURNING id, ssn",
          "DELETE FROM orders USING customers c WHERE c.id = orders.id RETURNING c.ssn, orders.note",
          "TABLE customers",
          "VALUES (1, 'a'), (2, 'b')",
          "SELECT DISTINCT name FROM customers ORDER BY name",
          "SELECT max(id) FILTER (WHERE name = 'n1') FROM customers HAVING count(*) > 0",
          "SELECT p.ssn FROM part p",
          "SELECT to_json(o), o.note FROM orders o",
          "SELECT id, ssn FROM customers WHERE ssn = 's' AND (name > 'n' OR NOT salary = 7)",
          "SELECT c.id, c.doc FROM customers c JOIN users u ON c.ssn = u.name ORDER BY c.ssn",
          "SELECT ssn, count(*) FROM customers GROUP BY ssn HAVING ssn IS NOT NULL");

  private static final List<String> WORDS =
      List.of(
          "ssn",
          "c",
          "customers",
          "c.ssn",
          "s",
          "x",
          "o",
          "salary",
          "name",
          "id",
          "users",
          "doc",
          "*",
          "c.*",
          "(",
          ")",
          ",",
          ".",
          "AS",
          "FROM",
          "WHERE",
          "SELECT",
          "lower",
          "(c)",
          "(ssn)",
          "row_to_json(c)",
          "to_jsonb(customers)",
          "|| ssn",
          "::text",
          "= ssn",
          "ORDER BY ssn",
          "UNION SELECT ssn",
          "AND",
          "OR",
          "NOT",
          "NULL",
          "1",
          "'a'",
          "ARRAY[ssn]",
          "DISTINCT",
          "LATERAL",
          "NATURAL JOIN",
          "USING (ssn)",
          "JOIN",
          "ON true",
          "ROW(c.*)",
          "max(ssn)",
          "(SELECT ssn FROM customers LIMIT 1)",
          "OPERATOR(pg_catalog.||)",
          "COLLATE \"C\"",
          "RETURNING",
          "EXCLUDED.ssn",
          "LIMIT",
          "OVER",
          "v_customers",
          "tax_id",
          "\"ssn\"",
          "public.customers",
          "customers.ssn",
          "U&\"\\0073sn\"",
          "IS DISTINCT FROM",
          "BETWEEN",
          "IN",
          "EXISTS",
          "ALL",
          "ANY",
          "string_agg(ssn, ',')",
          "c.name",
          "(c).ssn",
          "ssn(c)",
          "coalesce(ssn, 'x')",
          "GROUP BY",
          "HAVING",
          "WINDOW w AS (ORDER BY ssn)",
          "TABLE",
          "VALUES",
          "(TABLE customers)",
          "format('%s', c)",
          "quote_literal(ssn)",
          "c.to_json",
          "json_agg(s)");

  private static final int ROUNDS = Integer.getInteger("mask.fuzz.rounds", 12_000);

  private static final Pattern TOKEN =
      Pattern.compile("'[^']*'|\"[^\"]*\"|\\w+(?:\\.\\w+|\\.\\*)?|::|\\S");

  /** In any case, and written backwards. */
  private static final Pattern SECRET =
      Pattern.compile("(?i)secret|terces|770000[0-9]|documentary", Pattern.CASE_INSENSITIVE);

  @Test
  void nothingThatPassesShowsAMaskedValue() throws Exception {
    Map<String, Integer> outcomes = outcomes(POLICY, ROUNDS);
    assertThat(outcomes.get("rows")).isGreaterThan(ROUNDS / 50);
    assertThat(outcomes.get("refused for a mask")).isGreaterThan(ROUNDS / 20);
  }

  @Test
  void nothingThatPassesShowsAMaskedValueThatMayBeCompared() throws Exception {
    int rounds = ROUNDS / 2;
    Map<String, Integer> outcomes = outcomes(LENIENT_POLICY, rounds);
    assertThat(outcomes.get("rows")).isGreaterThan(rounds / 50);
    assertThat(outcomes.get("refused for a mask")).isGreaterThan(rounds / 20);
  }

  private static Map<String, Integer> outcomes(String policy, int rounds) throws Exception {
    long seed = Long.getLong("mask.fuzz.seed", 20261121L);
    TestPostgres server = TestPostgres.shared(TestPostgres.Kind.EMBEDDED);
    server.reset();
    server.execute(
        "CREATE TABLE customers (id int PRIMARY KEY, name text, ssn text, salary int, doc text)",
        "INSERT INTO customers SELECT g, 'n' || g, 'SECRET' || g, 7700000 + g, 'documentary'"
            + " FROM generate_series(1, 3) g",
        "CREATE TABLE orders (id int, customer_id int, note text)",
        "INSERT INTO orders SELECT g, g, 'note' FROM generate_series(1, 3) g",
        "CREATE TABLE users (id int, name text)",
        "INSERT INTO users VALUES (1, 'SECRETuser')",
        "CREATE VIEW v_customers AS SELECT id, ssn AS tax_id, lower(name) AS shown FROM customers",
        "CREATE TABLE part (id int, ssn text) PARTITION BY RANGE (id)",
        "CREATE TABLE part1 PARTITION OF part DEFAULT",
        "GRANT ALL ON ALL TABLES IN SCHEMA public TO " + TestPostgres.USER);
    Random random = new Random(seed);
    Map<String, Integer> outcomes = new TreeMap<>();
    List<String> leaks = new ArrayList<>();
    try (GatewayUnderTest gateway = GatewayUnderTest.start(server)) {
      gateway.policy(policy);
      try (WireClient client = gateway.wire()) {
        for (int i = 0; i < rounds; i++) {
          String sql = mutant(random);
          client.send(WireClient.query("BEGIN"));
          client.readToReady();
          client.send(WireClient.query(sql));
          List<Message> answer = client.readToReady();
          outcomes.merge(outcome(answer), 1, Integer::sum);
          for (Message message : answer) {
            String body = new String(message.body(), StandardCharsets.ISO_8859_1);
            // Names of result columns are the statement's own words.
            if (message.type() != 'T' && SECRET.matcher(body).find()) {
              leaks.add(sql + " -> " + message.type() + " " + body);
            }
          }
          client.send(WireClient.query("ROLLBACK"));
          client.readToReady();
        }
      }
    }
    System.out.println(
        "== masks, " + rounds + " random statements, seed " + seed + ": " + outcomes);
    assertThat(leaks).isEmpty();
    return outcomes;
  }

  private static String outcome(List<Message> answer) {
    for (Message message : answer) {
      if (message.type() == 'E') {
        if (message.field('M').startsWith("the result is withheld")) {
          return "withheld";
        }
        return message.field('D').contains("Decision ")
            ? message.field('M').toLowerCase(Locale.ROOT).contains("mask")
                    || message.field('M').contains("it is not known what")
                ? "refused for a mask"
                : "refused"
            : "failed";
      }
    }
    return answer.stream().anyMatch(m -> m.type() == 'D') ? "rows" : "no rows";
  }

  private static String mutant(Random random) {
    List<String> tokens = new ArrayList<>();
    Matcher matcher = TOKEN.matcher(SEEDS.get(random.nextInt(SEEDS.size())));
    while (matcher.find()) {
      tokens.add(matcher.group());
    }
    for (int i = 1 + random.nextInt(3); i > 0; i--) {
      int at = random.nextInt(tokens.size());
      switch (random.nextInt(6)) {
        case 0 -> tokens.remove(at);
        case 1 -> tokens.add(at, tokens.get(random.nextInt(tokens.size())));
        case 2 -> tokens.set(at, tokens.get(random.nextInt(tokens.size())));
        case 3 -> tokens.add(at, WORDS.get(random.nextInt(WORDS.size())));
        default -> tokens.set(at, WORDS.get(random.nextInt(WORDS.size())));
      }
      if (tokens.isEmpty()) {
        tokens.add("SELECT");
      }
    }
    return String.join(" ", tokens);
  }
}
