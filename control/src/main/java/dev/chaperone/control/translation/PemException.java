package dev.chaperone.control.translation;

/** A text in PEM cannot be used. Its message says why and holds nothing of the text. */
final class PemException extends Exception {
  private static final long serialVersionUID = 1L;

  /**
   * @param message goes on from the name of what cannot be used, such as {@code is encrypted}
   */
  PemException(String message) {
    super(message, null, false, false);
  }
}
