package dev.chaperone.operator.store;

import java.io.IOException;

/** There is no room in the store, or none for this pod; there may be later. */
public final class StoreFullException extends IOException {
  private static final long serialVersionUID = 1L;

  StoreFullException(String message) {
    super(message);
  }
}
