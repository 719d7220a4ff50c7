package dev.chaperone.cli.policy;

import dev.chaperone.cli.ExitCode;
import dev.chaperone.control.translation.Configuration;
import dev.chaperone.policy.Decision;
import dev.chaperone.policy.Explanation;
import dev.chaperone.policy.sql.SqlAnalysis;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Says how a statement is read, which rule decides and why the others do not. */
@Command(
    name = "explain",
    description = {
      "Say how a statement is read, which rule decides, and why the others do not.",
      "Exit code: 0 allowed, 3 denied, 4 needs approval; 2 cannot be explained."
    },
    mixinStandardHelpOptions = true)
final class ExplainCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Mixin private ConnectionOption connection;

  @Option(
      names = "--catalog",
      paramLabel = "FILE",
      description = "What the database holds; without it, PostgreSQL's own objects alone.")
  private Path catalogFile;

  @Parameters(paramLabel = "SQL", description = "The text, as the agent would send it.")
  private String sql;

  @Override
  public Integer call() throws IOException {
    Configuration configuration = connection.configuration();
    PrintWriter out = spec.commandLine().getOut();
    try (OfflineJudge judge =
        new OfflineJudge(
            configuration,
            connection.selected(configuration).requester(),
            Optional.ofNullable(catalogFile))) {
      if (catalogFile == null) {
        out.println(
            "Without --catalog, nothing is known of the database's own objects: every table is"
                + " taken to exist and every function of its own counts as Execute."
                + (judge.masks().columns().isEmpty()
                    ? ""
                    : " Masked columns cannot be looked up."));
        out.println();
      }
      SqlAnalysis analysis = judge.analyze(sql);
      if (!(analysis instanceof SqlAnalysis.Understood understood)) {
        out.print(ExplanationText.unreadable((SqlAnalysis.Unreadable) analysis));
        out.flush();
        return ExitCode.DENIED;
      }
      Explanation explanation = judge.explain(understood, Instant.now());
      out.print(ExplanationText.of(understood, explanation));
      if (!judge.masks().isEmpty()) {
        out.print(MaskingText.of(understood, judge.masks(), judge.columns(), judge.catalog()));
      }
      if (!judge.catalog().isOpen()) {
        out.print(
            LineageText.of(
                understood,
                judge.lineage(sql, understood),
                judge.columns(),
                judge.maskSources(),
                judge.catalog()));
      }
      out.flush();
      return understood.refusal().isPresent() || understood.maskingRefusal().isPresent()
          ? ExitCode.DENIED
          : exitCode(explanation.decision());
    }
  }

  private static int exitCode(Decision decision) {
    if (decision instanceof Decision.Allow) {
      return ExitCode.OK;
    }
    return decision instanceof Decision.RequireApproval ? ExitCode.NEEDS_APPROVAL : ExitCode.DENIED;
  }
}
