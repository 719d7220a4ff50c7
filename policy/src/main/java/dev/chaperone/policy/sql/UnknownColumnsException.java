package dev.chaperone.policy.sql;

/**
 * It is not known which columns a statement mentions. A condition that asks has failed then: it
 * neither allows nor keeps from denying.
 */
final class UnknownColumnsException extends RuntimeException {
  private static final long serialVersionUID = 1;

  UnknownColumnsException() {
    super("the columns of the statement are not known");
  }
}
