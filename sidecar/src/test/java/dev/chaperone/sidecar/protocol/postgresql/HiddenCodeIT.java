package dev.chaperone.sidecar.protocol.postgresql;

import static dev.chaperone.sidecar.testing.WireClient.bind;
import static dev.chaperone.sidecar.testing.WireClient.cString;
import static dev.chaperone.sidecar.testing.WireClient.copyData;
import static dev.chaperone.sidecar.testing.WireClient.execute;
import static dev.chaperone.sidecar.testing.WireClient.flush;
import static dev.chaperone.sidecar.testing.WireClient.int16;
import static dev.chaperone.sidecar.testing.WireClient.int32;
import static dev.chaperone.sidecar.testing.WireClient.join;
import static dev.chaperone.sidecar.testing.WireClient.message;
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
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Code that runs on the target without a statement that says so, and what may follow it. */
class HiddenCodeIT {
  private TestPostgres server;
  private GatewayUnderTest gateway;

  @BeforeEach
  void start() {
    server = TestPostgres.shared(TestPostgres.Kind.EMBEDDED);
    server.reset();
    server.execute(
        "INSERT INTO a.t VALUES (1, 'of the denied table')",
        "CREATE FUNCTION public.f() RETURNS text LANGUAGE sql"
            + " AS $$ SELECT set_config('search_path', 'a', false) $$",
        "CREATE FUNCTION public.writes(int) RETURNS bool LANGUAGE plpgsql"
            + " AS $$ BEGIN INSERT INTO public.log VALUES ($1, 'check'); RETURN true; END $$",
        "CREATE DOMAIN public.checked AS int CHECK (public.writes(VALUE))",
        "CREATE TYPE public.holder AS (inner_value public.checked)",
        "CREATE TYPE public.mood AS ENUM ('a')",
        "CREATE FUNCTION public.as_int(public.mood) RETURNS int LANGUAGE plpgsql"
            + " AS $$ BEGIN INSERT INTO public.log VALUES (1, 'cast'); RETURN 1; END $$",
        "CREATE CAST (public.mood AS int) WITH FUNCTION public.as_int(public.mood) AS IMPLICIT",
        "GRANT ALL ON ALL TABLES IN SCHEMA public, a TO " + TestPostgres.USER);
    gateway = GatewayUnderTest.start(server);
  }

  @AfterEach
  void stop() {
    gateway.close();
  }

  @Test
  void refusesParameterTypesWhoseValuesRunChecksOrCasts() throws IOException {
    for (String type : List.of("checked", "checked[]", "holder", "holder[]", "mood", "mood[]")) {
      int oid =
          Integer.parseInt(
              server.query("SELECT 'public." + type + "'::regtype::oid::int::text").get(0));
      try (WireClient client = gateway.wire()) {
        byte[] parse = message('P', cString(""), cString("SELECT $1"), int16(1), int32(oid));
        List<Message> answers =
            client
                .send(
                    parse,
                    bind("", "", type.startsWith("mood") ? "a" : "5"),
                    execute("", 0),
                    sync())
                .readToReady();
        assertThat(answers.get(0).field('C')).as(type).isEqualTo("42501");
        assertThat(client.send(query("SELECT 1")).readToReady()).hasSize(4);
      }
    }
    assertThat(server.query("SELECT count(*)::text FROM log")).containsExactly("0");
  }

  @Test
  void refusesWhatFollowsAFunctionThatMayChangeTheSearchPath() throws IOException {
    byte[][] attacks = {
      query("SELECT public.f(); SELECT v FROM t"),
      join(run("SELECT public.f()"), run("SELECT v FROM t"), sync()),
      join(run("SELECT public.f()"), query("SELECT v FROM t")),
    };
    for (byte[] attack : attacks) {
      try (WireClient client = gateway.wire()) {
        List<Message> answers = client.send(attack).readToReady();
        assertThat(WireClient.texts(answers)).noneMatch(text -> text.contains("of the denied"));
        assertThat(answers).anyMatch(m -> m.type() == 'E');
        assertThat(client.send(query("SELECT v FROM t")).readToReady())
            .as("in a message of its own the name is read as the target reads it")
            .anyMatch(m -> m.type() == 'E' || m.type() == 'D')
            .noneMatch(m -> m.toString().contains("of the denied"));
      }
    }
  }

  @Test
  void answersTheSyncBehindRowsThatFailed() throws IOException {
    try (WireClient client = gateway.wire()) {
      client.send(parse("", "COPY log FROM STDIN"), bind("", ""), execute("", 0), flush());
      client.readTo('G');
      List<Message> answers = client.send(copyData("no number\tx\n"), sync()).readToReady();
      assertThat(WireClient.types(answers)).isEqualTo("EZ");
      assertThat(WireClient.types(client.send(query("SELECT 1")).readToReady())).isEqualTo("TDCZ");
    }
  }

  @Test
  void keepsANamePreparedBehindItsOwnDeallocate() throws IOException {
    try (WireClient client = gateway.wire()) {
      client.send(query("PREPARE s AS SELECT 1")).readToReady();
      client.send(query("DEALLOCATE s; PREPARE s AS SELECT 2")).readToReady();
      List<Message> answers = client.send(bind("", "s"), execute("", 0), sync()).readToReady();
      assertThat(WireClient.types(answers)).isEqualTo("2DCZ");
    }
  }

  @Test
  void saysThatAChangeMayHaveBeenMadeWhenItsResultIsCutOff() throws IOException {
    gateway.policy(GatewayUnderTest.ALL_BUT_DENIED + "  limits: {rowsPerOperation: 3}\n");
    try (WireClient client = gateway.wire()) {
      List<Message> answers =
          client
              .send(query("INSERT INTO log SELECT g, 'x' FROM generate_series(1, 9) g RETURNING n"))
              .readToReady();
      Message error = answers.stream().filter(m -> m.type() == 'E').findFirst().orElseThrow();
      assertThat(error.field('C')).isEqualTo("53400");
      assertThat(error.field('D')).contains("changes may have been made");
    }
  }
}
