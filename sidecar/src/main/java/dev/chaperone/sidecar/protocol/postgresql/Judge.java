package dev.chaperone.sidecar.protocol.postgresql;

import dev.chaperone.policy.Decision;
import dev.chaperone.policy.sql.Catalog;
import dev.chaperone.policy.sql.NamedStatements;
import dev.chaperone.policy.sql.SqlAnalysis;
import dev.chaperone.policy.sql.SqlAnalyzer;
import dev.chaperone.policy.sql.SqlSession;
import dev.chaperone.policy.sql.SqlStatement;
import dev.chaperone.sidecar.gateway.GuardedConnection;
import dev.chaperone.sidecar.gateway.Ruling;
import dev.chaperone.sidecar.protocol.postgresql.BodyReader.MalformedMessage;
import io.netty.buffer.ByteBuf;
import io.netty.util.concurrent.EventExecutor;
import java.nio.ByteBuffer;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Supplier;

/**
 * Reads and decides the texts of one client: from the cache on the event loop, else on an analysis
 * thread. Used by the client's event loop.
 */
final class Judge {
  private static final System.Logger LOGGER = System.getLogger(Judge.class.getName());

  /** Oids from here on may be the users'; FirstUnpinnedObjectId in the server's transam.h. */
  private static final long FIRST_USER_OID = 12_000;

  /** Told, on the event loop, what came of a text. */
  interface Listener {
    void judged(Judgement judgement);

    void unreadable(ErrorReply reply);
  }

  private final GuardedConnection connection;
  private final Supplier<Catalog> catalog;
  private final JudgementContexts contexts;
  private final MaskBinding masks;
  private final SqlAnalyzer analyzer;
  private final Executor analysisThreads;
  private final EventExecutor loop;
  private final Clock clock;

  private JudgementContext context;
  private String role = "";
  private List<List<String>> searchPaths = List.of(List.of());
  private Set<String> temporaryRelations = Set.of();

  Judge(
      GuardedConnection connection,
      Supplier<Catalog> catalog,
      JudgementContexts contexts,
      MaskBinding masks,
      SqlAnalyzer analyzer,
      Executor analysisThreads,
      EventExecutor loop,
      Clock clock) {
    this.connection = connection;
    this.catalog = catalog;
    this.contexts = contexts;
    this.masks = masks;
    this.analyzer = analyzer;
    this.analysisThreads = analysisThreads;
    this.loop = loop;
    this.clock = clock;
  }

  /** What judgements are made in at this moment. */
  JudgementContext context() {
    Ruling ruling = connection.ruling();
    Catalog current = catalog.get();
    if (context == null || context.ruling() != ruling || context.session().catalog() != current) {
      context =
          contexts.context(
              ruling,
              new SqlSession(
                  current,
                  role,
                  searchPaths,
                  temporaryRelations,
                  masks.columns(ruling.masks(), current)));
    }
    return context;
  }

  /**
   * The target said what role and search path are in force.
   *
   * @param mayRevert whether the path may go back to an earlier one when the open transaction ends;
   *     then both count until it has
   */
  void sessionIs(String currentRole, List<String> searchPath, boolean mayRevert) {
    role = currentRole;
    if (mayRevert) {
      addSearchPath(searchPath);
    } else {
      searchPaths = List.of(searchPath);
    }
    context = null;
  }

  /** A change of the search path is on its way: until it is settled, either may be in force. */
  void searchPathMayBe(List<String> candidate) {
    addSearchPath(candidate);
    context = null;
  }

  private void addSearchPath(List<String> searchPath) {
    if (!searchPaths.contains(searchPath)) {
      List<List<String>> more = new ArrayList<>(searchPaths);
      more.add(searchPath);
      searchPaths = more;
    }
  }

  /** A temporary relation of that name may exist from now on. */
  void mayHaveTemporary(String relation) {
    if (!temporaryRelations.contains(relation)) {
      Set<String> more = new HashSet<>(temporaryRelations);
      more.add(relation);
      temporaryRelations = more;
      context = null;
    }
  }

  /** Whether anything is masked for this client. */
  boolean isMasking() {
    return !connection.ruling().masks().isEmpty();
  }

  /** Whether reading a value of that type runs functions; types of the server's own never do. */
  boolean runsChecks(long typeOid) {
    return typeOid >= FIRST_USER_OID && context().session().catalog().runsChecks(typeOid);
  }

  /** The judgement of these bytes in the present context, where it is known; else null. */
  Judgement find(ByteBuf buffer, int start, int length) {
    return current(context().cache().find(buffer, start, length));
  }

  /** The judgement itself where it holds at this moment, anew where only the clock matters. */
  Judgement current(Judgement judgement) {
    if (judgement == null || judgement.context() != context() || !judgement.isReusable()) {
      return null;
    }
    return judgement.dependsOnTime()
        ? decide(judgement.context(), judgement.analysis())
        : judgement;
  }

  /** Judges a text on an analysis thread, where the cache has nothing. */
  void judge(byte[] text, StatementNames names, Listener listener) {
    JudgementContext at = context();
    Map<String, List<byte[]>> statements = names.statementTexts();
    Map<String, List<byte[]>> cursors = names.portalTexts();
    try {
      analysisThreads.execute(() -> analyze(at, text, statements, cursors, listener));
    } catch (RejectedExecutionException e) {
      listener.unreadable(
          ErrorReply.error(SqlState.CANNOT_CONNECT_NOW, "the gateway is shutting down"));
    }
  }

  private void analyze(
      JudgementContext at,
      byte[] text,
      Map<String, List<byte[]>> statements,
      Map<String, List<byte[]>> cursors,
      Listener listener) {
    long begin = System.nanoTime();
    Judgement judgement;
    try {
      String sql = BodyReader.utf8(ByteBuffer.wrap(text));
      NamedStatements names = new TextNames(at, statements, cursors);
      judgement = decide(at, analyzer.analyze(sql, at.session(), names));
    } catch (MalformedMessage e) {
      loop.execute(() -> listener.unreadable(e.reply()));
      return;
    } catch (RuntimeException | Error e) {
      // Whatever goes wrong here, the text was not understood and is not forwarded. The exception's
      // own message may hold parts of the statement and is not logged.
      LOGGER.log(
          System.Logger.Level.ERROR,
          "analysis failed connection={0} error={1}",
          connection.name(),
          e.getClass().getName());
      loop.execute(
          () ->
              listener.unreadable(
                  ErrorReply.error(
                      SqlState.INTERNAL_ERROR,
                      "the statement could not be analysed and was not forwarded")));
      return;
    }
    connection.metrics().analyzed(Duration.ofNanos(System.nanoTime() - begin));
    loop.execute(
        () -> {
          at.cache().put(text, judgement);
          listener.judged(judgement);
        });
  }

  private Judgement decide(JudgementContext at, SqlAnalysis analysis) {
    Optional<Decision> decision =
        analysis instanceof SqlAnalysis.Understood understood
            ? Optional.of(
                at.ruling()
                    .policies()
                    .decide(understood.operation(), at.ruling().requester(), clock.instant()))
            : Optional.empty();
    return Judgement.of(at, analysis, decision);
  }

  /** Reads what stands behind a name at the moment it is asked for. */
  private final class TextNames implements NamedStatements {
    private final JudgementContext at;
    private final Map<String, List<byte[]>> statements;
    private final Map<String, List<byte[]>> cursors;

    TextNames(
        JudgementContext at,
        Map<String, List<byte[]>> statements,
        Map<String, List<byte[]>> cursors) {
      this.at = at;
      this.statements = statements;
      this.cursors = cursors;
    }

    @Override
    public List<SqlStatement> prepared(String name) {
      return read(statements.get(name));
    }

    @Override
    public List<SqlStatement> cursor(String name) {
      return read(cursors.get(name));
    }

    private List<SqlStatement> read(List<byte[]> texts) {
      if (texts == null) {
        return List.of();
      }
      List<SqlStatement> read = new ArrayList<>();
      for (byte[] text : texts) {
        try {
          SqlAnalysis analysis =
              analyzer.analyze(
                  BodyReader.utf8(ByteBuffer.wrap(text)), at.session(), NamedStatements.NONE);
          if (!(analysis instanceof SqlAnalysis.Understood understood)) {
            return List.of();
          }
          read.addAll(understood.statements());
        } catch (MalformedMessage e) {
          return List.of();
        }
      }
      return read;
    }
  }
}
