package dev.chaperone.cli.policy;

import dev.chaperone.cli.CommandException;
import dev.chaperone.cli.ExitCode;
import dev.chaperone.control.resource.InvalidConfigurationException;
import dev.chaperone.control.resource.PolicyTests;
import dev.chaperone.control.resource.PolicyTests.Expectation;
import dev.chaperone.control.resource.Problem;
import dev.chaperone.control.translation.Configuration;
import dev.chaperone.policy.VisibleText;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Says whether policies decide what is expected of them. */
@Command(
    name = "test",
    description = {
      "Test policies: each file holds statements and what is to be decided of them.",
      "Exit code: 0 all as expected, 1 not so, each with file:line:column; 2 cannot be run."
    },
    mixinStandardHelpOptions = true)
final class TestCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Option(
      names = "--catalog",
      paramLabel = "FILE",
      description = "What the database holds, instead of what the files name.")
  private Path catalogFile;

  @Option(names = "--verbose", description = "Name what is as expected, too.")
  private boolean verbose;

  @Parameters(paramLabel = "FILE", arity = "1..*", description = "Expectations, as YAML.")
  private List<Path> files;

  private int passed;
  private int failed;

  @Override
  public Integer call() {
    // All that they name is read before any is run: a mistake in the last file is not hidden
    // behind results.
    List<Prepared> all = new ArrayList<>();
    try {
      for (PolicyTests tests : files.stream().map(TestCommand::read).toList()) {
        all.add(prepare(tests));
      }
      for (Prepared prepared : all) {
        for (int i = 0; i < prepared.tests().expectations().size(); i++) {
          run(prepared.tests(), i, prepared.judge());
        }
      }
    } finally {
      all.forEach(prepared -> prepared.judge().close());
    }
    PrintWriter out = spec.commandLine().getOut();
    out.println(passed + " as expected, " + failed + " not");
    out.flush();
    return failed == 0 ? ExitCode.OK : ExitCode.FAILED;
  }

  private static PolicyTests read(Path file) {
    try {
      return PolicyTests.read(file);
    } catch (InvalidConfigurationException e) {
      throw CommandException.usage(e.getMessage());
    } catch (NoSuchFileException e) {
      throw CommandException.usage(file + " does not exist");
    } catch (IOException e) {
      throw CommandException.usage(file + " cannot be read: " + e.getMessage());
    }
  }

  private record Prepared(PolicyTests tests, OfflineJudge judge) {}

  private Prepared prepare(PolicyTests tests) {
    Configuration configuration = load(tests.directory());
    Optional<Path> catalog = Optional.ofNullable(catalogFile).or(tests::catalog);
    OfflineJudge judge =
        new OfflineJudge(
            configuration,
            Resources.connection(configuration, tests.connection()).requester(),
            catalog);
    if (catalog.isEmpty() && !judge.masks().columns().isEmpty()) {
      judge.close();
      throw CommandException.usage(
          "the policies mask columns, which cannot be looked up without a catalog: "
              + "have 'policy catalog' write one");
    }
    return new Prepared(tests, judge);
  }

  private static Configuration load(Path directory) {
    try {
      return Resources.load(directory);
    } catch (InvalidConfigurationException e) {
      throw CommandException.usage(e.getMessage());
    }
  }

  private void run(PolicyTests tests, int index, OfflineJudge judge) {
    Expectation expected = tests.expectations().get(index);
    Outcome outcome = Outcome.of(judge, expected.sql(), expected.time());
    Optional<Problem> problem =
        outcome.against(expected).map(m -> tests.problem(index, m.field(), m.message()));
    PrintWriter out = spec.commandLine().getOut();
    if (problem.isPresent()) {
      failed++;
      Problem at = problem.get();
      out.println(
          "%s:%d:%d: FAILED %s: %s"
              .formatted(
                  at.file(),
                  at.line(),
                  at.column(),
                  VisibleText.of(expected.title()),
                  VisibleText.of(at.message())));
    } else {
      passed++;
      if (verbose) {
        out.println("ok " + VisibleText.of(expected.title()));
      }
    }
  }
}
