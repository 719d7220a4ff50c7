package dev.chaperone.cli.session;

import dev.chaperone.cli.CommandException;
import dev.chaperone.cli.ExitCode;
import dev.chaperone.recording.JsonLines;
import dev.chaperone.recording.MalformedRecordingException;
import dev.chaperone.recording.RecordedEvent;
import dev.chaperone.recording.SessionReader;
import dev.chaperone.recording.Timeline;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.Function;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Shows what happened in a session. */
@Command(
    name = "replay",
    description = "Show what happened in a session, a line for each event; times are UTC.",
    mixinStandardHelpOptions = true,
    exitCodeListHeading = "%nExit codes:%n",
    exitCodeList = {"0:all of it was shown", "1:the recording is broken or not there"})
public final class ReplayCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;
  @Mixin private final RecordingsOption where;

  @Parameters(paramLabel = "SESSION", description = "The session's name.")
  private String name;

  @Option(names = "--json", description = "A JSON object for each event, with all there is of it.")
  private boolean json;

  @Option(names = "--follow", description = "Go on while the session does.")
  private boolean follow;

  @Option(
      names = "--width",
      paramLabel = "N",
      defaultValue = "160",
      description = "Characters shown of a statement (default: ${DEFAULT-VALUE}).")
  private int width;

  /** About the recordings that an option names. */
  public ReplayCommand(RecordingsOption where) {
    this.where = where;
  }

  @Override
  public Integer call() throws IOException, InterruptedException {
    if (width < 1) {
      throw CommandException.usage("--width must be at least 1");
    }
    Function<RecordedEvent, String> line = json ? new JsonLines()::line : new Timeline(width)::line;
    PrintWriter out = spec.commandLine().getOut();
    try (OpenedRecording recording = where.open(name, spec.commandLine().getErr());
        SessionReader reader = new SessionReader(recording.directory())) {
      while (!reader.isSealed() && !out.checkError()) {
        Optional<RecordedEvent> event = reader.next();
        if (event.isPresent()) {
          out.println(line.apply(event.get()));
          continue;
        }
        out.flush();
        if (!follow || !recording.awaitMore()) {
          break;
        }
      }
    } catch (MalformedRecordingException e) {
      out.flush();
      throw CommandException.failed(name + ": " + e.getMessage());
    }
    out.flush();
    return ExitCode.OK;
  }
}
