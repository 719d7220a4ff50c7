package dev.chaperone.sidecar.protocol.postgresql;

import java.util.HashMap;
import java.util.Map;

/**
 * What an SQLSTATE code stands for, in PostgreSQL's own words; PostgreSQL documentation, appendix
 * "Error Codes". For rarer codes the name of their class.
 */
final class ConditionNames {
  private static final Map<String, String> NAMES =
      names(
          """
          00000 successful_completion
          01000 warning
          02000 no_data
          0A000 feature_not_supported
          21000 cardinality_violation
          22000 data_exception
          22001 string_data_right_truncation
          22003 numeric_value_out_of_range
          22004 null_value_not_allowed
          22007 invalid_datetime_format
          22008 datetime_field_overflow
          22012 division_by_zero
          22021 character_not_in_repertoire
          22023 invalid_parameter_value
          22025 invalid_escape_sequence
          2201B invalid_regular_expression
          22P02 invalid_text_representation
          22P03 invalid_binary_representation
          22P05 untranslatable_character
          23000 integrity_constraint_violation
          23001 restrict_violation
          23502 not_null_violation
          23503 foreign_key_violation
          23505 unique_violation
          23514 check_violation
          23P01 exclusion_violation
          25001 active_sql_transaction
          25006 read_only_sql_transaction
          25P02 in_failed_sql_transaction
          25P03 idle_in_transaction_session_timeout
          26000 invalid_sql_statement_name
          34000 invalid_cursor_name
          3D000 invalid_catalog_name
          3F000 invalid_schema_name
          40001 serialization_failure
          40P01 deadlock_detected
          42501 insufficient_privilege
          42601 syntax_error
          42701 duplicate_column
          42702 ambiguous_column
          42703 undefined_column
          42704 undefined_object
          42710 duplicate_object
          42725 ambiguous_function
          42803 grouping_error
          42804 datatype_mismatch
          42809 wrong_object_type
          42846 cannot_coerce
          42883 undefined_function
          42P01 undefined_table
          42P02 undefined_parameter
          42P03 duplicate_cursor
          42P05 duplicate_prepared_statement
          42P07 duplicate_table
          42P10 invalid_column_reference
          42P18 indeterminate_datatype
          44000 with_check_option_violation
          53100 disk_full
          53200 out_of_memory
          53300 too_many_connections
          54001 statement_too_complex
          55000 object_not_in_prerequisite_state
          55006 object_in_use
          55P03 lock_not_available
          57014 query_canceled
          57P01 admin_shutdown
          57P02 crash_shutdown
          57P03 cannot_connect_now
          57P05 idle_session_timeout
          58030 io_error
          P0001 raise_exception
          XX000 internal_error
          XX001 data_corrupted
          XX002 index_corrupted
          """);

  private static final Map<String, String> CLASSES =
      names(
          """
          01 warning
          02 no_data
          08 connection_exception
          09 triggered_action_exception
          0A feature_not_supported
          0B invalid_transaction_initiation
          21 cardinality_violation
          22 data_exception
          23 integrity_constraint_violation
          24 invalid_cursor_state
          25 invalid_transaction_state
          26 invalid_sql_statement_name
          27 triggered_data_change_violation
          28 invalid_authorization_specification
          2B dependent_privilege_descriptors_still_exist
          2D invalid_transaction_termination
          2F sql_routine_exception
          34 invalid_cursor_name
          38 external_routine_exception
          39 external_routine_invocation_exception
          3B savepoint_exception
          3D invalid_catalog_name
          3F invalid_schema_name
          40 transaction_rollback
          42 syntax_error_or_access_rule_violation
          44 with_check_option_violation
          53 insufficient_resources
          54 program_limit_exceeded
          55 object_not_in_prerequisite_state
          57 operator_intervention
          58 system_error
          F0 config_file_error
          HV fdw_error
          P0 plpgsql_error
          XX internal_error
          """);

  private ConditionNames() {}

  /** The name of a condition. */
  static String of(String sqlState) {
    String name = NAMES.get(sqlState);
    if (name != null) {
      return name;
    }
    return CLASSES.getOrDefault(
        sqlState.substring(0, Math.min(2, sqlState.length())), "error_of_the_target");
  }

  /**
   * The code that may be shown where a target's own words are not: one that PostgreSQL defines.
   * Functions raise errors with any five letters and digits, such as part of a value.
   */
  static String shown(String sqlState) {
    if (NAMES.containsKey(sqlState)) {
      return sqlState;
    }
    String category = sqlState.substring(0, Math.min(2, sqlState.length()));
    return CLASSES.containsKey(category) ? category + "000" : "P0001";
  }

  private static Map<String, String> names(String list) {
    Map<String, String> names = new HashMap<>();
    for (String line : list.strip().split("\n", -1)) {
      int blank = line.indexOf(' ');
      names.put(line.substring(0, blank), line.substring(blank + 1));
    }
    return Map.copyOf(names);
  }
}
