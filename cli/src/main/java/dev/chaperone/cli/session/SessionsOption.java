package dev.chaperone.cli.session;

import java.io.IOException;

/** Options that say where sessions are. */
public interface SessionsOption {

  /** The sessions they name. */
  Sessions open() throws IOException;
}
