package dev.chaperone.cli.policy;

import dev.chaperone.cli.CommandException;
import dev.chaperone.control.translation.Configuration;
import dev.chaperone.policy.Explanation;
import dev.chaperone.policy.Requester;
import dev.chaperone.policy.VisibleText;
import dev.chaperone.policy.masking.MaskSource;
import dev.chaperone.policy.masking.Masks;
import dev.chaperone.policy.sql.Catalog;
import dev.chaperone.policy.sql.NamedStatements;
import dev.chaperone.policy.sql.ProtectedColumns;
import dev.chaperone.policy.sql.ResultLineage;
import dev.chaperone.policy.sql.SqlAnalysis;
import dev.chaperone.policy.sql.SqlAnalyzer;
import dev.chaperone.policy.sql.SqlLimits;
import dev.chaperone.policy.sql.SqlSession;
import java.io.IOException;
import java.io.Reader;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Judges statements as the gateway would, without a target: for an agent that has just connected
 * and whose search path is {@code public}. Columns are found out when somebody asks for them, so
 * that it stays open until all is written.
 */
final class OfflineJudge implements AutoCloseable {
  private final Configuration configuration;
  private final Requester requester;
  private final Catalog catalog;
  private final Masks masks;
  private final ProtectedColumns columns;
  private final SqlAnalyzer analyzer = new SqlAnalyzer(SqlLimits.DEFAULT);

  /**
   * A judge of what one agent sends.
   *
   * @param catalogFile what the database holds; empty for PostgreSQL's own objects alone
   * @throws CommandException when the file is not there, or is none that {@code policy catalog}
   *     wrote
   */
  OfflineJudge(Configuration configuration, Requester requester, Optional<Path> catalogFile) {
    this.configuration = configuration;
    this.requester = requester;
    this.catalog = catalog(catalogFile);
    this.masks = configuration.policies().masks(requester);
    this.columns = ProtectedColumns.resolve(masks, catalog, ProtectedColumns.NONE);
  }

  private static Catalog catalog(Optional<Path> file) {
    if (file.isEmpty()) {
      return Catalog.builtIn();
    }
    try (Reader reader = Files.newBufferedReader(file.get())) {
      return Catalog.read(reader);
    } catch (NoSuchFileException e) {
      throw CommandException.usage("the catalog " + file.get() + " does not exist");
    } catch (CharacterCodingException e) {
      throw unusable(file.get(), "it is not UTF-8");
    } catch (IOException e) {
      throw unusable(file.get(), e.getMessage());
    }
  }

  private static CommandException unusable(Path file, String why) {
    return CommandException.usage(
        "the catalog " + file + " cannot be used: " + VisibleText.of(why));
  }

  SqlAnalysis analyze(String sql) {
    return analyzer.analyze(sql, session(), NamedStatements.NONE);
  }

  /** Where the columns of the results of an analyzed text come from. */
  ResultLineage lineage(String sql, SqlAnalysis.Understood analysis) {
    return ResultLineage.of(sql, analysis, session());
  }

  private SqlSession session() {
    return new SqlSession(catalog, "", List.of(List.of("public")), Set.of(), columns);
  }

  /** The entries of policies that say what is masked. */
  List<MaskSource> maskSources() {
    return configuration.policies().maskSources(requester);
  }

  Explanation explain(SqlAnalysis.Understood analysis, Instant at) {
    return configuration.policies().explain(analysis.operation(), requester, at);
  }

  Catalog catalog() {
    return catalog;
  }

  Masks masks() {
    return masks;
  }

  ProtectedColumns columns() {
    return columns;
  }

  @Override
  public void close() {
    analyzer.close();
  }
}
