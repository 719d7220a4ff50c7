package dev.chaperone.policy.sql;

import dev.chaperone.policy.Effect;
import java.util.Optional;
import java.util.Set;

/**
 * Which functions do nothing but compute. The server's own volatility marks are the start: a
 * built-in function that is stable or immutable is harmless unless it runs SQL text or reads past
 * the statement; a volatile one is not unless it is named here. Functions of the database's users
 * are never harmless, whatever they are marked as: a STABLE function may call a volatile one.
 */
final class FunctionRules {

  /** Volatile by mark, harmless in fact. */
  private static final Set<String> HARMLESS_VOLATILE =
      words(
          """
          random random_normal gen_random_uuid uuidv4 uuidv7 setseed clock_timestamp timeofday
          currval lastval bernoulli system
          pg_relation_size pg_table_size pg_indexes_size pg_total_relation_size pg_database_size
          pg_tablespace_size pg_column_size
          pg_is_in_recovery pg_is_wal_replay_paused pg_get_wal_replay_pause_state
          pg_last_wal_receive_lsn pg_last_wal_replay_lsn pg_last_xact_replay_timestamp
          pg_current_wal_lsn pg_current_wal_insert_lsn pg_current_wal_flush_lsn pg_walfile_name
          pg_blocking_pids pg_safe_snapshot_blocking_pids pg_lock_status pg_listening_channels
          pg_sequence_last_value pg_timezone_names pg_available_extensions
          pg_available_extension_versions pg_extension_update_paths pg_tablespace_databases
          pg_collation_actual_version pg_prepared_xact pg_notification_queue_usage
          pg_partition_ancestors pg_partition_tree
          pg_jit_available pg_get_multixact_members pg_xact_commit_timestamp
          pg_last_committed_xact pg_get_backend_memory_contexts
          pg_stat_get_archiver pg_stat_get_bgwriter_stat_reset_time pg_stat_get_numscans
          pg_stat_get_tuples_returned pg_stat_get_tuples_fetched pg_stat_get_tuples_inserted
          pg_stat_get_tuples_updated pg_stat_get_tuples_deleted pg_stat_get_live_tuples
          pg_stat_get_dead_tuples pg_stat_get_xact_numscans pg_stat_get_xact_tuples_returned
          pg_stat_get_xact_tuples_fetched pg_stat_get_xact_tuples_inserted
          pg_stat_get_xact_tuples_updated pg_stat_get_xact_tuples_deleted
          pg_stat_get_xact_blocks_fetched pg_stat_get_xact_blocks_hit
          pg_stat_get_xact_function_calls pg_stat_get_xact_function_total_time
          pg_stat_get_xact_function_self_time pg_stat_get_xact_tuples_hot_updated
          pg_stat_get_progress_info pg_stat_get_wal pg_stat_get_slru
          """);

  /** Stable or immutable by mark, yet they run SQL text given as a string, or take an xid. */
  private static final Set<String> HARMFUL_STABLE =
      words(
          """
          query_to_xml query_to_xmlschema query_to_xml_and_xmlschema
          table_to_xml table_to_xmlschema table_to_xml_and_xmlschema
          schema_to_xml schema_to_xmlschema schema_to_xml_and_xmlschema
          database_to_xml database_to_xmlschema database_to_xml_and_xmlschema
          cursor_to_xml cursor_to_xmlschema ts_stat ts_rewrite
          txid_current pg_current_xact_id pg_export_snapshot
          pg_ls_dir pg_stat_file pg_show_all_file_settings pg_hba_file_rules
          pg_ident_file_mappings pg_current_logfile currtid currtid2
          pg_logical_slot_peek_changes pg_logical_slot_peek_binary_changes
          """);

  /** Given a type by name or number they run its input function, and so the checks of a domain. */
  private static final Set<String> TYPE_BY_NAME =
      words(
          """
          domain_in array_in record_in range_in multirange_in pg_input_is_valid
          pg_input_error_info
          """);

  /**
   * Polymorphic functions that make arrays or ranges of elements, or take a value whose type
   * follows from another argument. A value without a type becomes one of the type that they find.
   */
  private static final Set<String> CONTAINERS =
      words(
          """
          any_value_transfn array_agg array_append array_cat array_eq array_fill array_ge array_gt array_larger
          array_le array_lt array_ne array_position array_positions array_prepend array_remove
          array_replace array_smaller arraycontained arraycontains arrayoverlap btarraycmp
          elem_contained_by_multirange elem_contained_by_range enum_cmp enum_eq enum_ge enum_gt
          enum_larger enum_le enum_lt enum_ne enum_range enum_smaller lag lead
          multirange_adjacent_multirange multirange_adjacent_range multirange_after_multirange
          multirange_after_range multirange_before_multirange multirange_before_range
          multirange_cmp multirange_contained_by_multirange multirange_contained_by_range
          multirange_contains_elem multirange_contains_multirange multirange_contains_range
          multirange_eq multirange_ge multirange_gt multirange_intersect
          multirange_intersect_agg_transfn multirange_le multirange_lt multirange_minus
          multirange_ne multirange_overlaps_multirange multirange_overlaps_range
          multirange_overleft_multirange multirange_overleft_range
          multirange_overright_multirange multirange_overright_range multirange_union
          percentile_disc range_adjacent range_adjacent_multirange range_after
          range_after_multirange range_before range_before_multirange range_cmp
          range_contained_by range_contained_by_multirange range_contains range_contains_elem
          range_contains_multirange range_eq range_ge range_gt range_intersect
          range_intersect_agg_transfn range_le range_lt range_merge range_minus range_ne
          range_overlaps range_overlaps_multirange range_overleft range_overleft_multirange
          range_overright range_overright_multirange range_union width_bucket
          """);

  private static final Set<String> SEQUENCE = words("nextval setval");

  private static final Set<String> LARGE_OBJECT_WRITE =
      words(
          """
          lo_creat lo_create lo_from_bytea lo_put lo_truncate lo_truncate64 lo_unlink lo_open
          lowrite lo_lseek lo_lseek64 lo_tell lo_tell64 lo_close
          """);

  /** They read what others' statements say, or what a large object holds. */
  private static final Set<String> READS =
      words(
          """
          pg_stat_get_activity pg_stat_get_backend_activity pg_cursor pg_prepared_statement lo_get
          loread
          """);

  /** They read tables that their arguments name, or the pages and files tables are kept in. */
  private static final Set<String> READS_BY_NAME =
      words(
          """
          query_to_xml query_to_xmlschema query_to_xml_and_xmlschema
          table_to_xml table_to_xml_and_xmlschema
          schema_to_xml schema_to_xml_and_xmlschema
          database_to_xml database_to_xml_and_xmlschema
          cursor_to_xml ts_stat ts_rewrite
          crosstab crosstab2 crosstab3 crosstab4 crosstabn connectby xpath_table
          dblink dblink_exec dblink_open dblink_fetch dblink_send_query dblink_get_result
          dblink_connect dblink_connect_u
          pg_read_file pg_read_binary_file lo_import lo_export
          get_raw_page heap_page_items heap_page_item_attrs tuple_data_split
          bt_page_items brin_page_items gin_leafpage_items
          pg_logical_slot_get_changes pg_logical_slot_get_binary_changes
          pg_logical_slot_peek_changes pg_logical_slot_peek_binary_changes
          pg_stat_get_activity pg_stat_get_backend_activity pg_cursor pg_prepared_statement
          pg_stat_statements pg_mcv_list_items
          """);

  /** Extensions whose functions only compute, when they are not volatile. */
  private static final Set<String> PURE_EXTENSIONS =
      Set.of(
          "citext",
          "hstore",
          "pg_trgm",
          "unaccent",
          "fuzzystrmatch",
          "ltree",
          "intarray",
          "cube",
          "earthdistance",
          "isn",
          "seg",
          "btree_gin",
          "btree_gist",
          "vector",
          "uuid-ossp",
          "pgcrypto",
          "dict_int",
          "dict_xsyn",
          "tsm_system_rows",
          "tsm_system_time",
          "bloom");

  /** Of those, the ones whose volatile functions only return random values. */
  private static final Set<String> RANDOM_EXTENSIONS = Set.of("uuid-ossp", "pgcrypto");

  private FunctionRules() {}

  /**
   * What a call of a built-in function does, or empty if nothing beyond computing.
   *
   * @param isVolatile whether a function of that name is marked so
   */
  static Optional<Effect> effectOfBuiltin(String name, boolean isVolatile) {
    if (!isVolatile && !HARMFUL_STABLE.contains(name) && !READS.contains(name)) {
      return Optional.empty();
    }
    if (HARMLESS_VOLATILE.contains(name)) {
      return Optional.empty();
    }
    if (SEQUENCE.contains(name) || LARGE_OBJECT_WRITE.contains(name)) {
      return Optional.of(Effect.WRITE);
    }
    if (READS.contains(name)) {
      return Optional.of(Effect.READ);
    }
    if (name.equals("pg_notify")
        || name.startsWith("pg_advisory_")
        || name.startsWith("pg_try_advisory_")) {
      return Optional.of(Effect.SESSION_STATE);
    }
    return Optional.of(Effect.EXECUTE);
  }

  /** Whether a function, operator or cast that is not built in only computes. */
  static boolean isHarmless(String extension, boolean isVolatile) {
    return extension != null
        && PURE_EXTENSIONS.contains(extension)
        && (!isVolatile || RANDOM_EXTENSIONS.contains(extension));
  }

  /** Whether the first literal argument names a sequence. */
  static boolean namesSequence(String name) {
    return SEQUENCE.contains(name);
  }

  /** Whether a value of a type that only an argument names is read: its checks are run. */
  static boolean readsTypeByName(String name) {
    return TYPE_BY_NAME.contains(name);
  }

  /** Whether a value without a type may become one of an array's or range's element type. */
  static boolean takesTypeOfContainer(String name) {
    return CONTAINERS.contains(name);
  }

  /** Whether the function makes rows of a composite type, and so checks its columns' domains. */
  static boolean populatesRows(String name) {
    return name.endsWith("_populate_record")
        || name.endsWith("_populate_record_valid")
        || name.endsWith("_populate_recordset")
        || name.equals("populate_record");
  }

  /**
   * Whether a function reads tables otherwise than as a statement names them.
   *
   * @param resource {@code schema.name()}
   */
  static boolean readsPastNames(String resource) {
    if (!resource.endsWith("()")) {
      return false;
    }
    return READS_BY_NAME.contains(
        resource.substring(resource.indexOf('.') + 1, resource.length() - 2));
  }

  private static Set<String> words(String list) {
    return Set.of(list.strip().split("\\s+"));
  }
}
