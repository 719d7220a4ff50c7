package dev.chaperone.sidecar.protocol.postgresql;

/**
 * The SQLSTATE codes the gateway answers with; PostgreSQL documentation, appendix "Error Codes".
 */
final class SqlState {
  static final String SUCCESSFUL_COMPLETION = "00000";
  static final String CANNOT_CONNECT = "08001";
  static final String CONNECTION_FAILURE = "08006";
  static final String PROTOCOL_VIOLATION = "08P01";
  static final String FEATURE_NOT_SUPPORTED = "0A000";
  static final String INVALID_PARAMETER_VALUE = "22023";
  static final String CHARACTER_NOT_IN_REPERTOIRE = "22021";
  static final String INVALID_AUTHORIZATION = "28000";
  static final String INVALID_PASSWORD = "28P01";
  static final String IN_FAILED_TRANSACTION = "25P02";
  static final String INVALID_STATEMENT_NAME = "26000";
  static final String INVALID_CURSOR_NAME = "34000";
  static final String INVALID_CATALOG_NAME = "3D000";
  static final String INSUFFICIENT_PRIVILEGE = "42501";
  static final String NAME_TOO_LONG = "42622";
  static final String TOO_MANY_CONNECTIONS = "53300";
  static final String CONFIGURATION_LIMIT_EXCEEDED = "53400";
  static final String DISK_FULL = "53100";
  static final String PROGRAM_LIMIT_EXCEEDED = "54000";
  static final String OBJECT_NOT_IN_PREREQUISITE_STATE = "55000";
  static final String QUERY_CANCELED = "57014";
  static final String ADMIN_SHUTDOWN = "57P01";
  static final String CANNOT_CONNECT_NOW = "57P03";
  static final String IO_ERROR = "58030";
  static final String INTERNAL_ERROR = "XX000";

  private SqlState() {}
}
