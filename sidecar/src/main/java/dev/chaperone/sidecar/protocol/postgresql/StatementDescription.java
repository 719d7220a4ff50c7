package dev.chaperone.sidecar.protocol.postgresql;

/** A Describe of a prepared statement: what it is of, and in which context it was sent. */
record StatementDescription(PreparedStatement statement, JudgementContext context) {}
