package dev.chaperone.control.translation;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chaperone.policy.Access;
import dev.chaperone.policy.Effect;
import dev.chaperone.policy.Glob;
import dev.chaperone.policy.Operation;
import dev.chaperone.policy.sql.Catalog;
import dev.chaperone.policy.sql.NamedStatements;
import dev.chaperone.policy.sql.SqlAnalysis;
import dev.chaperone.policy.sql.SqlAnalyzer;
import dev.chaperone.policy.sql.SqlLimits;
import dev.chaperone.policy.sql.SqlSession;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/**
 * What the analysis says, a rule must be able to name: otherwise a rule that is right is refused
 * when it is loaded.
 */
class PostgresVocabularyTest {

  /** Every kind of object that CREATE, ALTER and DROP know, with a name to go with it. */
  private static final List<String> OBJECTS =
      List.of(
          "ACCESS METHOD x",
          "AGGREGATE x(int)",
          "CAST (int AS text)",
          "COLLATION x",
          "CONVERSION x",
          "DATABASE x",
          "DOMAIN x",
          "EVENT TRIGGER x",
          "EXTENSION x",
          "FOREIGN DATA WRAPPER x",
          "FOREIGN TABLE x",
          "FUNCTION x(int)",
          "GROUP x",
          "INDEX x ON y (a)",
          "LANGUAGE x",
          "LARGE OBJECT 1",
          "MATERIALIZED VIEW x AS SELECT 1",
          "OPERATOR + (int, int)",
          "OPERATOR CLASS x USING btree",
          "OPERATOR FAMILY x USING btree",
          "POLICY x ON y",
          "PROCEDURE x(int)",
          "PUBLICATION x",
          "ROLE x",
          "ROUTINE x(int)",
          "RULE x AS ON UPDATE TO y DO NOTHING",
          "SCHEMA x",
          "SEQUENCE x",
          "SERVER x",
          "STATISTICS x",
          "SUBSCRIPTION x",
          "TABLE x",
          "TABLESPACE x",
          "TEXT SEARCH CONFIGURATION x",
          "TEXT SEARCH DICTIONARY x",
          "TEXT SEARCH PARSER x",
          "TEXT SEARCH TEMPLATE x",
          "TRANSFORM FOR int LANGUAGE x",
          "TRIGGER x ON y",
          "TYPE x",
          "USER x",
          "USER MAPPING FOR x SERVER y",
          "VIEW x AS SELECT 1");

  private static final List<String> OTHERS =
      List.of(
          "SELECT 1",
          "SELECT * FROM x",
          "SELECT * INTO y FROM x",
          "SELECT * FROM x FOR UPDATE",
          "SELECT nextval('x')",
          "SELECT f(1), lo_unlink(1), pg_notify('a', 'b'), pg_stat_get_activity(1)",
          "SELECT set_config('role', 'x', false)",
          "SELECT set_config('row_security', $1, false)",
          "VALUES (1)",
          "TABLE x",
          "INSERT INTO x VALUES (1) ON CONFLICT (a) DO UPDATE SET a = 1",
          "UPDATE x SET a = 1",
          "UPDATE pg_class SET relname = 'x'",
          "DELETE FROM x",
          "MERGE INTO x USING y ON true WHEN MATCHED THEN DELETE",
          "TRUNCATE x",
          "COPY x FROM STDIN",
          "COPY x TO PROGRAM 'y'",
          "COPY x TO 'y'",
          "EXPLAIN SELECT * FROM x",
          "EXPLAIN ANALYZE DELETE FROM x",
          "SHOW x",
          "SET row_security = off",
          "SET ROLE x",
          "SET SESSION AUTHORIZATION x",
          "SET CONSTRAINTS ALL DEFERRED",
          "SET XML OPTION DOCUMENT",
          "SET TRANSACTION SNAPSHOT 'x'",
          "RESET ALL",
          "DISCARD ALL",
          "DISCARD PLANS",
          "BEGIN",
          "START TRANSACTION",
          "COMMIT",
          "END",
          "ROLLBACK",
          "ABORT",
          "SAVEPOINT x",
          "RELEASE x",
          "PREPARE TRANSACTION 'x'",
          "COMMIT PREPARED 'x'",
          "ROLLBACK PREPARED 'x'",
          "PREPARE x AS SELECT 1",
          "EXECUTE x",
          "DEALLOCATE x",
          "DEALLOCATE ALL",
          "DECLARE x CURSOR FOR SELECT 1",
          "FETCH x",
          "MOVE x",
          "CLOSE x",
          "CLOSE ALL",
          "LOCK x",
          "LISTEN x",
          "UNLISTEN *",
          "NOTIFY x",
          "CALL x()",
          "DO 'x'",
          "CHECKPOINT",
          "LOAD 'x'",
          "VACUUM",
          "VACUUM x",
          "ANALYZE x",
          "REINDEX TABLE x",
          "REINDEX DATABASE x",
          "REINDEX SCHEMA x",
          "CLUSTER",
          "CLUSTER x",
          "REFRESH MATERIALIZED VIEW x",
          "CREATE TABLE x AS SELECT 1",
          "CREATE TEMP TABLE x (a int)",
          "CREATE FOREIGN TABLE x (a int) SERVER y OPTIONS (program 'z')",
          "ALTER SYSTEM SET x = 1",
          "ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO x",
          "ALTER TABLE x OWNER TO y",
          "ALTER TABLE ALL IN TABLESPACE x SET TABLESPACE y",
          "DROP OWNED BY x",
          "REASSIGN OWNED BY x TO y",
          "COMMENT ON TABLE x IS 'y'",
          "COMMENT ON COLUMN x.y IS 'z'",
          "SECURITY LABEL ON TABLE x IS 'y'",
          "IMPORT FOREIGN SCHEMA x FROM SERVER y INTO z",
          "GRANT SELECT ON x TO y",
          "GRANT ALL ON ALL TABLES IN SCHEMA x TO y",
          "GRANT USAGE ON FOREIGN SERVER x TO y",
          "GRANT SELECT ON LARGE OBJECT 1 TO y",
          "GRANT SET ON PARAMETER x TO y",
          "GRANT x TO y",
          "REVOKE x FROM y",
          "REVOKE SELECT ON x FROM y");

  private final Set<String> said = new TreeSet<>();

  @Test
  void aRuleCanNameEveryCommandAndResource() {
    List<String> texts = new ArrayList<>(OTHERS);
    for (String object : OBJECTS) {
      for (String verb : List.of("CREATE ", "ALTER ", "DROP ")) {
        texts.add(verb + object);
      }
      texts.add("COMMENT ON " + object);
      texts.add("GRANT ALL ON " + object + " TO y");
    }
    Set<String> problems = new TreeSet<>();
    try (SqlAnalyzer analyzer = new SqlAnalyzer(SqlLimits.DEFAULT)) {
      for (String text : texts) {
        check(analyzer, text, problems);
      }
    }
    assertThat(problems).isEmpty();
    // The other way round: a rule that names what is never said would never match.
    assertThat(said).containsAll(PostgresCommands.ALL);
  }

  private void check(SqlAnalyzer analyzer, String text, Set<String> problems) {
    SqlAnalysis analysis =
        analyzer.analyze(
            text,
            new SqlSession(Catalog.builtIn(), "agent", List.of(List.of("public")), Set.of()),
            NamedStatements.NONE);
    assertThat(analysis).as(text).isInstanceOf(SqlAnalysis.Understood.class);
    for (Operation.Part part : ((SqlAnalysis.Understood) analysis).operation().parts()) {
      command(part.command(), text, problems);
      for (Access access : part.accesses()) {
        said.add(access.command());
        // No rule names what is not understood but by its effect.
        if (access.effect() != Effect.UNKNOWN) {
          command(access.command(), text, problems);
          if (!RuleChecks.isResource(access.resource())) {
            problems.add("resource " + access.resource() + " of " + text);
          }
        }
      }
    }
  }

  private void command(String command, String text, Set<String> problems) {
    said.add(command);
    if (!PostgresCommands.any(Glob.command(command))) {
      problems.add("command " + command + " of " + text);
    }
  }
}
