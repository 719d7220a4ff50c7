package dev.chaperone.cli.session;

import dev.chaperone.cli.CommandException;
import dev.chaperone.cli.ExitCode;
import dev.chaperone.cli.status.StatusOption;
import dev.chaperone.crds.v1alpha1.SessionPhase;
import dev.chaperone.recording.JsonLines;
import dev.chaperone.recording.MalformedRecordingException;
import dev.chaperone.recording.RecordedEvent;
import dev.chaperone.recording.SessionReader;
import dev.chaperone.recording.Timeline;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
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
  private static final long LOOK_MILLIS = 100;

  /** How often nothing came before it is asked whether the session is over. */
  private static final int LOOKS_BEFORE_ASKING = 10;

  @Spec private CommandSpec spec;
  @Mixin private StatusOption status;

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

  /** Made by picocli. */
  public ReplayCommand() {}

  @Override
  public Integer call() throws IOException, InterruptedException {
    if (width < 1) {
      throw CommandException.usage("--width must be at least 1");
    }
    DirectorySessions sessions = new DirectorySessions(status.locate());
    LeftInMemory.complete(sessions.recordings(), spec.commandLine().getErr());
    Path recording = sessions.recording(name);
    Function<RecordedEvent, String> line = json ? new JsonLines()::line : new Timeline(width)::line;
    PrintWriter out = spec.commandLine().getOut();
    try (SessionReader reader = new SessionReader(recording)) {
      int quiet = 0;
      while (!reader.isSealed() && !out.checkError()) {
        Optional<RecordedEvent> event = reader.next();
        if (event.isPresent()) {
          quiet = 0;
          out.println(line.apply(event.get()));
          continue;
        }
        out.flush();
        quiet++;
        if (!follow || (quiet % LOOKS_BEFORE_ASKING == 0 && isOver(sessions))) {
          break;
        }
        Thread.sleep(LOOK_MILLIS);
      }
    } catch (MalformedRecordingException e) {
      out.flush();
      throw CommandException.failed(recording + ": " + e.getMessage());
    }
    out.flush();
    return ExitCode.OK;
  }

  private boolean isOver(DirectorySessions sessions) throws IOException {
    return Sessions.phase(sessions.read(name)) != SessionPhase.ACTIVE;
  }
}
