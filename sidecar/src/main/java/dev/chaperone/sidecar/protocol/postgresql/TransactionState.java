package dev.chaperone.sidecar.protocol.postgresql;

/** What an operation would be part of, once everything before it was answered. */
enum TransactionState {
  /** Nothing: it is a transaction of its own. */
  NONE,
  /** A transaction that has not changed anything. */
  OPEN,
  /** A transaction that may have changed something. */
  WRITTEN,
  /** A transaction that has failed. */
  FAILED
}
