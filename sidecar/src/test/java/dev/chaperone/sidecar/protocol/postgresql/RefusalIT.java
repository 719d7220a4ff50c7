package dev.chaperone.sidecar.protocol.postgresql;

import static dev.chaperone.sidecar.testing.WireClient.bind;
import static dev.chaperone.sidecar.testing.WireClient.execute;
import static dev.chaperone.sidecar.testing.WireClient.flush;
import static dev.chaperone.sidecar.testing.WireClient.join;
import static dev.chaperone.sidecar.testing.WireClient.parse;
import static dev.chaperone.sidecar.testing.WireClient.query;
import static dev.chaperone.sidecar.testing.WireClient.run;
import static dev.chaperone.sidecar.testing.WireClient.sync;
import static org.assertj.core.api.Assertions.assertThat;

import dev.chaperone.sidecar.testing.GatewayUnderTest;
import dev.chaperone.sidecar.testing.TestPostgres;
import dev.chaperone.sidecar.testing.WireClient;
import dev.chaperone.sidecar.testing.WireClient.Message;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * A refused statement leaves behind what a statement leaves behind that the server itself refuses:
 * the same answers, the same tables. Held against the server by putting a failing statement in the
 * refused one's place.
 */
@ParameterizedClass
@EnumSource(TestPostgres.Kind.class)
class RefusalIT {
  private static final String INSERT = "INSERT INTO log VALUES (1, 'x')";

  /** A conversation with a place for the statement that does not succeed. */
  enum Conversation {
    SIMPLE_IDLE {
      @Override
      byte[] with(String bad) {
        return query(bad);
      }
    },
    SIMPLE_OF_MANY {
      @Override
      byte[] with(String bad) {
        return query(INSERT + "; " + bad + "; " + INSERT);
      }
    },
    SIMPLE_IN_TRANSACTION {
      @Override
      byte[] with(String bad) {
        return join(query("BEGIN"), query(INSERT), query(bad), query(INSERT), query("COMMIT"));
      }
    },
    SIMPLE_PIPELINE {
      @Override
      byte[] with(String bad) {
        return join(query(INSERT), query(bad), query(INSERT));
      }
    },
    EXTENDED_IDLE {
      @Override
      byte[] with(String bad) {
        return join(run(bad), sync());
      }
    },
    EXTENDED_IN_TRANSACTION {
      @Override
      byte[] with(String bad) {
        return join(
            run("BEGIN"),
            sync(),
            run(INSERT),
            sync(),
            run(bad),
            sync(),
            run(INSERT),
            sync(),
            run("COMMIT"),
            sync());
      }
    },
    IMPLICIT_TRANSACTION {
      @Override
      byte[] with(String bad) {
        return join(run(INSERT), run(bad), run(INSERT), sync());
      }
    },
    IMPLICIT_TRANSACTION_WITH_FLUSH {
      @Override
      byte[] with(String bad) {
        return join(run(INSERT), flush(), run(bad), flush(), run(INSERT), flush(), sync());
      }
    },
    SECOND_OF_THREE_GROUPS {
      @Override
      byte[] with(String bad) {
        return join(
            run(INSERT), sync(), run(INSERT), run(bad), run(INSERT), sync(), run(INSERT), sync());
      }
    },
    SIMPLE_IN_AN_OPEN_GROUP {
      @Override
      byte[] with(String bad) {
        return join(run(INSERT), query(bad), run(INSERT), sync());
      }
    },
    SIMPLE_SKIPPED_AFTER_AN_ERROR {
      @Override
      byte[] with(String bad) {
        return join(run(INSERT), run("SELECT 1/0"), query(bad), sync(), query(INSERT));
      }
    },
    BEGIN_INSIDE_ONE_GROUP {
      @Override
      byte[] with(String bad) {
        return join(run("BEGIN"), run(INSERT), run(bad), sync(), run("COMMIT"), sync());
      }
    },
    AFTER_ROLLBACK_TO_SAVEPOINT {
      @Override
      byte[] with(String bad) {
        return join(
            query("BEGIN; SAVEPOINT s"),
            query(INSERT),
            query(bad),
            query("ROLLBACK TO s"),
            query("INSERT INTO log VALUES (2, 'y')"),
            query("COMMIT"));
      }
    },
    IN_A_FAILED_TRANSACTION_WITH_A_PATH_SET {
      @Override
      byte[] with(String bad) {
        return join(
            query("BEGIN"),
            query("SET LOCAL search_path TO public"),
            query("SELECT 1/0"),
            query(bad),
            query("ROLLBACK"),
            query(INSERT));
      }
    };

    abstract byte[] with(String bad);
  }

  @Parameter TestPostgres.Kind kind;

  private TestPostgres server;
  private GatewayUnderTest gateway;

  @BeforeEach
  void start() {
    server = TestPostgres.shared(kind);
    server.reset();
    gateway = GatewayUnderTest.start(server);
  }

  @AfterEach
  void stop() {
    gateway.close();
  }

  private WireClient direct() throws IOException {
    WireClient client = WireClient.connect(server.port());
    client.logIn("postgres", TestPostgres.DATABASE);
    return client;
  }

  @ParameterizedTest
  @EnumSource(Conversation.class)
  void aRefusalUndoesWhatTheServersOwnErrorUndoes(Conversation conversation) throws IOException {
    boolean inFailedTransaction =
        conversation == Conversation.IN_A_FAILED_TRANSACTION_WITH_A_PATH_SET;
    List<String> expected;
    try (WireClient client = direct()) {
      // A statement that cannot be parsed fails where a refusal does: at Parse.
      expected = talk(client, conversation.with("SELECT no_such_column"));
    }
    if (conversation == Conversation.SIMPLE_OF_MANY) {
      // The one difference: such a message is judged whole, before its first statement runs.
      expected.remove("C INSERT 0 1");
    }
    List<String> kept = server.query("SELECT n || who FROM log ORDER BY n");
    server.execute("TRUNCATE log");
    List<String> actual;
    try (WireClient client = gateway.wire()) {
      actual = talk(client, conversation.with("DELETE FROM denied"));
      assertThat(server.query("SELECT n || who FROM log ORDER BY n")).isEqualTo(kept);
      // Once more: now everything is decided without waiting.
      server.execute("TRUNCATE log");
      assertThat(talk(client, conversation.with("DELETE FROM denied"))).isEqualTo(actual);
    }
    String code = inFailedTransaction ? "25P02" : "42703";
    assertThat(actual)
        .isEqualTo(expected.stream().map(text -> text.replace(code, "42501")).toList());
    assertThat(server.query("SELECT n || who FROM log ORDER BY n")).isEqualTo(kept);
  }

  @ParameterizedTest
  @EnumSource(Conversation.class)
  void theAnswersAreTheSameWhenEachMessageIsWaitedFor(Conversation conversation) throws Exception {
    List<String> whole;
    try (WireClient client = gateway.wire()) {
      whole = talk(client, conversation.with("DELETE FROM denied"));
    }
    try (WireClient client = gateway.wire()) {
      byte[] bytes = conversation.with("DELETE FROM denied");
      int at = 0;
      while (at < bytes.length) {
        int length = java.nio.ByteBuffer.wrap(bytes).getInt(at + 1) + 1;
        client.send(java.util.Arrays.copyOfRange(bytes, at, at + length));
        Thread.sleep(15);
        at += length;
      }
      assertThat(talk(client, new byte[0])).isEqualTo(whole);
    }
  }

  @Test
  void aStatementPreparedBeforeAPolicyChangeIsRefusedAtBind() throws IOException {
    try (WireClient client = gateway.wire()) {
      client.exchange(parse("w", "INSERT INTO log VALUES (1, 'late')"), sync());
      assertThat(client.exchange(bind("", "w"), execute("", 0), sync()))
          .containsExactly("2 ", "C INSERT 0 1", "Z I");
      gateway.policy(GatewayUnderTest.READS_ONLY);
      assertThat(client.exchange(bind("", "w"), execute("", 0), sync()))
          .containsExactly("E ERROR 42501", "Z I");
      assertThat(client.exchange(run("SELECT 1"), bind("", "w"), execute("", 0), sync()))
          .contains("E ERROR 42501")
          .endsWith("Z I");
      client.exchange(query("BEGIN"));
      assertThat(client.exchange(bind("", "w"), execute("", 0), sync()))
          .containsExactly("E ERROR 42501", "Z E");
      client.exchange(query("ROLLBACK"));
      gateway.policy(GatewayUnderTest.ALL_BUT_DENIED);
      assertThat(client.exchange(bind("", "w"), execute("", 0), sync())).endsWith("Z I");
      assertThat(server.query("SELECT count(*) FROM log")).containsExactly("2");
    }
  }

  @Test
  void aStatementPreparedInSqlIsJudgedWhenItIsExecuted() throws IOException {
    try (WireClient client = gateway.wire()) {
      client.exchange(query("PREPARE w AS INSERT INTO log VALUES (1, 'late')"));
      assertThat(client.exchange(query("EXECUTE w"))).endsWith("Z I").contains("C INSERT 0 1");
      gateway.policy(GatewayUnderTest.READS_ONLY);
      assertThat(client.exchange(query("EXECUTE w"))).containsExactly("E ERROR 42501", "Z I");
      assertThat(client.exchange(bind("", "w"), execute("", 0), sync()))
          .containsExactly("E ERROR 42501", "Z I");
    }
  }

  @Test
  void executeOfWhatIsNotBoundIsRefusedAsByTheServer() throws IOException {
    for (byte[] messages :
        List.of(
            join(execute("", 0), sync()),
            join(execute("nope", 0), sync()),
            join(bind("", "nope"), sync()),
            join(run(INSERT), execute("nope", 0), sync()))) {
      try (WireClient through = gateway.wire();
          WireClient direct = direct()) {
        assertThat(through.exchange(messages)).isEqualTo(direct.exchange(messages));
      }
    }
    assertThat(server.query("SELECT count(*) FROM log")).containsExactly("0");
  }

  @Test
  void aRefusalNamesRuleAndDecision() throws IOException {
    try (WireClient client = gateway.wire()) {
      Message refusal = client.send(query("SELECT * FROM denied")).readToReady().get(0);
      assertThat(refusal.field('S')).isEqualTo("ERROR");
      assertThat(refusal.field('C')).isEqualTo("42501");
      assertThat(refusal.field('M')).contains("off limits");
      assertThat(refusal.field('D')).contains("never").containsPattern("Decision [a-z2-9]{10}");
      assertThat(refusal.field('H')).isNotEmpty();
    }
    gateway.policy(GatewayUnderTest.READS_ONLY);
    try (WireClient client = gateway.wire()) {
      Message refusal = client.send(query(INSERT)).readToReady().get(0);
      assertThat(refusal.field('C')).isEqualTo("42501");
      assertThat(refusal.field('D')).containsPattern("Decision [a-z2-9]{10}");
      assertThat(refusal.field('H')).isNotEmpty();
    }
  }

  @Test
  void anUnqualifiedNameIsJudgedByTheSearchPathOfThatMoment() throws IOException {
    String[][] ways = {
      {"SET search_path TO a", "SELECT v FROM t"},
      {"SET search_path TO a; SELECT v FROM t"},
      {"BEGIN", "SET LOCAL search_path TO a", "SELECT v FROM t"},
      {"SELECT set_config('search_path', 'a', false)", "SELECT v FROM t"},
      {
        "CREATE FUNCTION public.f() RETURNS text LANGUAGE sql AS"
            + " $$ SELECT set_config('search_path', 'a', false) $$",
        "SELECT public.f()",
        "SELECT v FROM t"
      },
      {"DO $$ BEGIN PERFORM set_config('search_path', 'a', false); END $$", "SELECT v FROM t"},
      {"SET search_path TO a", "DISCARD PLANS", "SELECT v FROM t"},
      {
        "BEGIN; SET LOCAL search_path TO public; SAVEPOINT s; SET LOCAL search_path TO a",
        "ROLLBACK TO s",
        "SET search_path TO a",
        "COMMIT",
        "SELECT v FROM t"
      },
      {
        "SET search_path TO a",
        "BEGIN",
        "SET LOCAL search_path TO public",
        "ROLLBACK",
        "SELECT v FROM t"
      },
      {
        "ALTER ROLE CURRENT_USER SET search_path TO a",
        "SET search_path TO a",
        "RESET ALL",
        "SET search_path TO a",
        "SELECT v FROM t"
      },
    };
    for (String[] way : ways) {
      for (int mode = 0; mode < 3; mode++) {
        List<byte[]> messages = new ArrayList<>();
        for (String sql : way) {
          messages.add(mode == 2 && !sql.contains(";") ? join(run(sql), sync()) : query(sql));
        }
        try (WireClient client = gateway.wire()) {
          List<String> answers = new ArrayList<>();
          if (mode == 0) {
            for (byte[] message : messages) {
              answers.addAll(client.exchange(message));
            }
          } else {
            client.send(messages);
            for (int i = 0; i < messages.size(); i++) {
              answers.addAll(WireClient.texts(client.readToReady()));
            }
          }
          assertThat(answers)
              .as(String.join(" | ", way) + " mode " + mode)
              .noneMatch(answer -> answer.contains("68696464656e"))
              .anyMatch(answer -> answer.startsWith("E ERROR 42501"));
        }
        server.execute("DROP FUNCTION IF EXISTS public.f()", "ALTER ROLE agent RESET search_path");
      }
    }
  }

  @Test
  void theSearchPathThatARollbackBringsBackIsTheOneInForce() throws IOException {
    try (WireClient client = gateway.wire()) {
      client.exchange(query("BEGIN"));
      client.exchange(query("SET LOCAL search_path TO a"));
      client.exchange(query("ROLLBACK"));
      assertThat(client.exchange(query("SELECT count(*) FROM t"))).contains("C SELECT 1");
      client.exchange(query("SET search_path TO a"));
      assertThat(client.exchange(query("SELECT count(*) FROM t"))).contains("E ERROR 42501");
      client.exchange(query("RESET search_path"));
      assertThat(client.exchange(query("SELECT count(*) FROM t"))).contains("C SELECT 1");
      client.exchange(query("SET search_path TO a"));
      client.exchange(query("DISCARD ALL"));
      assertThat(client.exchange(query("SELECT count(*) FROM t"))).contains("C SELECT 1");
    }
  }

  @Test
  void aPreparedStatementIsJudgedAnewUnderAnotherSearchPath() throws IOException {
    try (WireClient client = gateway.wire()) {
      client.exchange(parse("s", "SELECT v FROM t"), sync());
      assertThat(client.exchange(bind("", "s"), execute("", 0), sync())).contains("C SELECT 5");
      client.exchange(query("SET search_path TO a"));
      assertThat(client.exchange(bind("", "s"), execute("", 0), sync()))
          .containsExactly("E ERROR 42501", "Z I");
      // All in one group: nothing is known to be in force before the target has answered.
      client.exchange(query("RESET search_path"));
      assertThat(
              client.exchange(run("SET search_path TO a"), bind("", "s"), execute("", 0), sync()))
          .contains("E ERROR 42501")
          .noneMatch(answer -> answer.contains("68696464656e"));
    }
  }

  /** Messages are sent at once; answers are read up to a mark. */
  private static List<String> talk(WireClient client, byte[] messages) throws IOException {
    client.send(messages, query("SELECT 'mark'"));
    List<String> answers = new ArrayList<>();
    while (true) {
      List<Message> some = client.readToReady();
      answers.addAll(WireClient.texts(some));
      if (some.isEmpty() || answers.contains("D 0001000000046d61726b")) {
        return answers;
      }
    }
  }
}
