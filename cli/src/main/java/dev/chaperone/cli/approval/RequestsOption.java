package dev.chaperone.cli.approval;

import java.io.IOException;

/** Options that say where requests are. */
public interface RequestsOption {

  /** The requests they name. */
  Requests open() throws IOException;
}
