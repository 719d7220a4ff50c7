package dev.chaperone.sidecar.protocol.postgresql;

/** The status byte of ReadyForQuery. PostgreSQL documentation, "Message Formats". */
enum TransactionStatus {
  IDLE('I'),
  IN_TRANSACTION('T'),
  FAILED('E');

  private final byte code;

  TransactionStatus(char code) {
    this.code = (byte) code;
  }

  byte code() {
    return code;
  }

  static TransactionStatus of(byte code) {
    switch (code) {
      case 'I':
        return IDLE;
      case 'T':
        return IN_TRANSACTION;
      case 'E':
        return FAILED;
      default:
        throw new ProtocolViolation("unknown transaction status");
    }
  }
}
