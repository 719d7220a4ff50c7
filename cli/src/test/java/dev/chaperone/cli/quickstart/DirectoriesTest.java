package dev.chaperone.cli.quickstart;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.chaperone.cli.CommandException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DirectoriesTest {
  @TempDir private Path temporary;

  @Test
  void takesNewAndEmptyDirectoriesOnly() throws IOException {
    Path fresh = Directories.kept(temporary.resolve("fresh"));
    assertThat(fresh).isDirectory();
    assertThat(Directories.kept(fresh)).isEqualTo(fresh);
    Files.writeString(fresh.resolve("mine"), "precious");
    assertThatThrownBy(() -> Directories.kept(fresh))
        .isInstanceOf(CommandException.class)
        .hasMessageContaining("not empty");
    assertThatThrownBy(() -> Directories.kept(fresh.resolve("mine")))
        .isInstanceOf(CommandException.class)
        .hasMessageContaining("not a directory");
    assertThatThrownBy(() -> Directories.kept(temporary.resolve("no/such")))
        .isInstanceOf(CommandException.class)
        .hasMessageContaining("does not exist");
  }

  @Test
  void removesEverythingButWhatLinksLeadTo() throws IOException {
    Path outside = Files.createDirectory(temporary.resolve("outside"));
    Files.writeString(outside.resolve("mine"), "precious");
    Path run = Files.createDirectories(temporary.resolve("run/data/base"));
    Files.writeString(run.resolve("1"), "x");
    Files.createSymbolicLink(run.resolve("link"), outside);
    Directories.remove(temporary.resolve("run"));
    assertThat(temporary.resolve("run")).doesNotExist();
    assertThat(outside.resolve("mine")).exists();
    Directories.remove(temporary.resolve("run"));
  }

  @Test
  void onlyTheOwnerEntersPrivateDirectories() throws IOException {
    Path directory = Directories.createPrivate(temporary.resolve("private"));
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(directory)))
        .isEqualTo("rwx------");
  }
}
