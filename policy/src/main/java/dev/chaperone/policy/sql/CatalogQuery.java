package dev.chaperone.policy.sql;

/**
 * What is asked of a target to build its {@link Catalog}, in the order in which to ask. All columns
 * are read as text; the queries need no privilege beyond those of any role and run on PostgreSQL 13
 * to 18.
 */
public enum CatalogQuery {

  /**
   * Ask it first on each connection. Statistics do not say how few objects are not the server's
   * own: without this the server compiles the queries below for seconds, and the fingerprint each
   * time.
   */
  WITHOUT_COMPILING("SELECT pg_catalog.set_config('jit', 'off', false)"),

  /**
   * One value that changes whenever another query's result may have changed: ask it alone every
   * while, and load the catalog anew when it differs from {@link Catalog#fingerprint()}.
   */
  FINGERPRINT(
      """
      SELECT pg_catalog.concat_ws('.',
        pg_catalog.current_setting('server_version_num'),
        (SELECT pg_catalog.sum(pg_catalog.hashtext(pg_catalog.concat(oid, ' ', xmin))::pg_catalog.int8)
           FROM pg_catalog.pg_class
          WHERE relpersistence <> 't' AND relkind IN ('r', 'p', 'v', 'm', 'f', 'S', 'c')
            AND oid >= ${firstUserOid}),
        (SELECT pg_catalog.sum(pg_catalog.hashtext(
                  pg_catalog.concat(a.attrelid, ' ', a.attnum, ' ', a.attname))::pg_catalog.int8)
           FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
          WHERE c.relpersistence <> 't' AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
            AND c.oid >= ${firstUserOid} AND a.attnum > 0),
        (SELECT pg_catalog.sum(pg_catalog.hashtext(pg_catalog.concat(oid, ' ', xmin))::pg_catalog.int8)
           FROM pg_catalog.pg_proc WHERE oid >= ${firstUserOid}),
        (SELECT pg_catalog.sum(pg_catalog.hashtext(pg_catalog.concat(oid, ' ', xmin))::pg_catalog.int8)
           FROM pg_catalog.pg_operator WHERE oid >= ${firstUserOid}),
        (SELECT pg_catalog.sum(pg_catalog.hashtext(pg_catalog.concat(oid, ' ', xmin))::pg_catalog.int8)
           FROM pg_catalog.pg_cast WHERE oid >= ${firstUserOid}),
        (SELECT pg_catalog.sum(pg_catalog.hashtext(pg_catalog.concat(oid, ' ', xmin))::pg_catalog.int8)
           FROM pg_catalog.pg_type WHERE typtype IN ('d', 'r', 'm')),
        (SELECT pg_catalog.sum(pg_catalog.hashtext(pg_catalog.concat(oid, ' ', xmin))::pg_catalog.int8)
           FROM pg_catalog.pg_constraint WHERE contypid <> 0),
        (SELECT pg_catalog.sum(pg_catalog.hashtext(pg_catalog.concat(oid, ' ', xmin))::pg_catalog.int8)
           FROM pg_catalog.pg_rewrite WHERE oid >= ${firstUserOid}),
        (SELECT pg_catalog.sum(pg_catalog.hashtext(pg_catalog.concat(oid, ' ', xmin))::pg_catalog.int8)
           FROM pg_catalog.pg_policy),
        (SELECT pg_catalog.sum(pg_catalog.hashtext(pg_catalog.concat(oid, ' ', xmin))::pg_catalog.int8)
           FROM pg_catalog.pg_namespace WHERE nspname !~ '^pg_(toast_)?temp_'),
        (SELECT pg_catalog.sum(pg_catalog.hashtext(pg_catalog.concat(amprocfamily, ' ', amproc::pg_catalog.oid, ' ', xmin))::pg_catalog.int8)
           FROM pg_catalog.pg_amproc WHERE oid >= ${firstUserOid}),
        (SELECT pg_catalog.sum(pg_catalog.hashtext(pg_catalog.concat(indexrelid, ' ', indrelid))::pg_catalog.int8)
           FROM pg_catalog.pg_index WHERE indpred IS NOT NULL OR indexprs IS NOT NULL),
        (SELECT pg_catalog.sum(pg_catalog.hashtext(pg_catalog.concat(oid, ' ', xmin))::pg_catalog.int8)
           FROM pg_catalog.pg_constraint WHERE contype = 'c' AND oid >= ${firstUserOid}),
        (SELECT pg_catalog.sum(pg_catalog.hashtext(pg_catalog.concat(oid, ' ', xmin))::pg_catalog.int8)
           FROM pg_catalog.pg_statistic_ext),
        (SELECT pg_catalog.sum(pg_catalog.hashtext(pg_catalog.concat(ftrelid, ' ', xmin))::pg_catalog.int8)
           FROM pg_catalog.pg_foreign_table),
        (SELECT pg_catalog.sum(pg_catalog.hashtext(pg_catalog.concat(inhrelid, ' ', inhparent))::pg_catalog.int8)
           FROM pg_catalog.pg_inherits))
      """),

  /** From here on every name that is printed is printed with its schema. */
  EMPTY_SEARCH_PATH("SELECT pg_catalog.set_config('search_path', '', false)"),

  /** Version number. */
  VERSION("SELECT pg_catalog.current_setting('server_version_num')"),

  /** Schema name. */
  SCHEMAS(
      """
      SELECT nspname FROM pg_catalog.pg_namespace
       WHERE nspname !~ '^pg_(toast|temp_|toast_temp_)'
      """),

  /** Oid, schema, name, kind. */
  RELATIONS(
      """
      SELECT c.oid, n.nspname, c.relname, c.relkind
        FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
       WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
         AND n.nspname !~ '^pg_(toast|temp_|toast_temp_)'
      """),

  /** Oid of a partition or child, oid of an ancestor. */
  ANCESTORS(
      """
      WITH RECURSIVE ancestor(child, parent) AS (
        SELECT inhrelid, inhparent FROM pg_catalog.pg_inherits
        UNION
        SELECT a.child, i.inhparent
          FROM ancestor a JOIN pg_catalog.pg_inherits i ON i.inhrelid = a.parent)
      SELECT a.child, a.parent FROM ancestor a JOIN pg_catalog.pg_class c ON c.oid = a.child
       WHERE c.relkind IN ('r', 'p', 'f')
      """),

  /** Name, t where one of that name is volatile. */
  BUILTIN_FUNCTIONS(
      """
      SELECT proname, pg_catalog.bool_or(provolatile = 'v')
        FROM pg_catalog.pg_proc WHERE oid < ${firstUserOid} GROUP BY proname
      """),

  /**
   * Schema, name, t where volatile, extension or null, t where it can be called as an attribute of
   * a row.
   */
  USER_FUNCTIONS(
      """
      SELECT n.nspname, p.proname, pg_catalog.bool_or(p.provolatile = 'v'), e.extname,
             pg_catalog.bool_or(p.pronargs >= 1 AND p.pronargs - p.pronargdefaults <= 1
               AND (p.provariadic <> 0
                    OR EXISTS (SELECT FROM pg_catalog.pg_type t
                                WHERE t.oid = p.proargtypes[0]
                                  AND (t.typtype IN ('c', 'p')
                                       OR t.typtype = 'd' AND t.typbasetype >= ${firstUserOid}))))
        FROM pg_catalog.pg_proc p
        JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
        LEFT JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
             AND d.objid = p.oid AND d.deptype = 'e'
             AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
        LEFT JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid
       WHERE p.oid >= ${firstUserOid}
       GROUP BY n.nspname, p.proname, e.extname
      """),

  /** Schema, name, t where its function is volatile, extension or null. */
  OPERATORS(
      """
      SELECT n.nspname, o.oprname, pg_catalog.bool_or(p.provolatile = 'v'), e.extname
        FROM pg_catalog.pg_operator o
        JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace
        JOIN pg_catalog.pg_proc p ON p.oid = o.oprcode
        LEFT JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_operator'::pg_catalog.regclass
             AND d.objid = o.oid AND d.deptype = 'e'
             AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
        LEFT JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid
       WHERE o.oid >= ${firstUserOid}
       GROUP BY n.nspname, o.oprname, e.extname
      """),

  /**
   * Schema and name of a type, and a constraint of a domain that it is, or is made of. The row
   * types of relations are left out: {@link #COLUMN_TYPES} has what is in them.
   */
  DOMAINS(
      """
      WITH RECURSIVE inside(whole, part) AS (
        SELECT oid, typbasetype FROM pg_catalog.pg_type WHERE typtype = 'd'
        UNION ALL
        SELECT oid, typelem FROM pg_catalog.pg_type WHERE typelem <> 0 AND typlen = -1
        UNION ALL
        SELECT rngtypid, rngsubtype FROM pg_catalog.pg_range
        UNION ALL
        SELECT t.oid, a.atttypid
          FROM pg_catalog.pg_type t JOIN pg_catalog.pg_attribute a ON a.attrelid = t.typrelid
         WHERE t.typtype = 'c' AND a.attnum > 0 AND NOT a.attisdropped AND a.atttypid >= ${firstUserOid}),
      made(type, of) AS (
        SELECT oid, oid FROM pg_catalog.pg_type WHERE oid >= ${firstUserOid}
        UNION
        SELECT m.type, i.part FROM made m JOIN inside i ON i.whole = m.of WHERE i.part >= ${firstUserOid})
      SELECT n.nspname, t.typname, pg_catalog.pg_get_constraintdef(c.oid)
        FROM made m
        JOIN pg_catalog.pg_type t ON t.oid = m.type
        JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
        JOIN pg_catalog.pg_constraint c ON c.contypid = m.of
        LEFT JOIN pg_catalog.pg_class r ON r.oid = t.typrelid
       WHERE r.oid IS NULL OR r.relkind = 'c'
      """),

  /**
   * Oid of a type that is not built in, name of a domain, or of a type with casts of users, that
   * its values hold: itself, its element, a column, a bound. A client names parameter types by oid
   * (Parse, PostgreSQL documentation "Message Formats"); reading a value of a domain runs its
   * checks, and a value of such a type may be cast.
   */
  DOMAIN_HOLDERS(
      """
      WITH RECURSIVE part(holder, held) AS (
        SELECT oid, typelem FROM pg_catalog.pg_type WHERE typelem <> 0 AND typlen = -1
        UNION ALL
        SELECT oid, typbasetype FROM pg_catalog.pg_type WHERE typtype = 'd'
        UNION ALL
        SELECT c.reltype, a.atttypid
          FROM pg_catalog.pg_class c JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid
         WHERE c.reltype <> 0 AND a.attnum > 0 AND NOT a.attisdropped AND a.atttypid >= ${firstUserOid}
        UNION ALL
        SELECT rngtypid, rngsubtype FROM pg_catalog.pg_range),
      holder(type, domain) AS (
        SELECT oid, oid FROM pg_catalog.pg_type
         WHERE oid >= ${firstUserOid}
           AND (typtype = 'd' OR oid IN (SELECT castsource FROM pg_catalog.pg_cast
                                          WHERE oid >= ${firstUserOid} AND castfunc <> 0))
        UNION
        SELECT p.holder, h.domain FROM holder h JOIN part p ON p.held = h.type)
      SELECT h.type, t.typname
        FROM holder h JOIN pg_catalog.pg_type t ON t.oid = h.domain
       WHERE t.typtype <> 'd'
          OR EXISTS (SELECT 1 FROM pg_catalog.pg_constraint c WHERE c.contypid = h.domain)
      """),

  /**
   * Source type, target type, function's schema and name, t where volatile, extension or null, t
   * where the server may apply it unasked, t where the source type is built in, t where the target
   * type is.
   */
  CASTS(
      """
      SELECT s.typname, t.typname, n.nspname, p.proname, p.provolatile = 'v', e.extname,
             c.castcontext <> 'e', s.oid < ${firstUserOid}, t.oid < ${firstUserOid}
        FROM pg_catalog.pg_cast c
        JOIN pg_catalog.pg_type s ON s.oid = c.castsource
        JOIN pg_catalog.pg_type t ON t.oid = c.casttarget
        JOIN pg_catalog.pg_proc p ON p.oid = c.castfunc
        JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
        LEFT JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_cast'::pg_catalog.regclass
             AND d.objid = c.oid AND d.deptype = 'e'
             AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
        LEFT JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid
       WHERE c.oid >= ${firstUserOid}
      """),

  /** Oid of a relation, name of a type that is not built in and that one of its columns holds. */
  COLUMN_TYPES(
      """
      WITH RECURSIVE inside(whole, part) AS (
        SELECT oid, typbasetype FROM pg_catalog.pg_type WHERE typtype = 'd'
        UNION ALL
        SELECT oid, typelem FROM pg_catalog.pg_type WHERE typelem <> 0 AND typlen = -1
        UNION ALL
        SELECT rngtypid, rngsubtype FROM pg_catalog.pg_range
        UNION ALL
        SELECT t.oid, a.atttypid
          FROM pg_catalog.pg_type t JOIN pg_catalog.pg_attribute a ON a.attrelid = t.typrelid
         WHERE t.typtype = 'c' AND a.attnum > 0 AND NOT a.attisdropped AND a.atttypid >= ${firstUserOid}),
      made(type, of) AS (
        SELECT oid, oid FROM pg_catalog.pg_type WHERE oid >= ${firstUserOid}
        UNION
        SELECT m.type, i.part FROM made m JOIN inside i ON i.whole = m.of WHERE i.part >= ${firstUserOid})
      SELECT DISTINCT a.attrelid, t.typname
        FROM pg_catalog.pg_attribute a
        JOIN made m ON m.type = a.atttypid
        JOIN pg_catalog.pg_type t ON t.oid = m.of
       WHERE a.attnum > 0 AND NOT a.attisdropped AND a.atttypid >= ${firstUserOid}
      """),

  /** Name of a type that is not built in, name of another one that its values hold. */
  TYPE_PARTS(
      """
      WITH RECURSIVE inside(whole, part) AS (
        SELECT oid, typbasetype FROM pg_catalog.pg_type WHERE typtype = 'd'
        UNION ALL
        SELECT oid, typelem FROM pg_catalog.pg_type WHERE typelem <> 0 AND typlen = -1
        UNION ALL
        SELECT rngtypid, rngsubtype FROM pg_catalog.pg_range
        UNION ALL
        SELECT t.oid, a.atttypid
          FROM pg_catalog.pg_type t JOIN pg_catalog.pg_attribute a ON a.attrelid = t.typrelid
         WHERE t.typtype = 'c' AND a.attnum > 0 AND NOT a.attisdropped AND a.atttypid >= ${firstUserOid}),
      made(type, of) AS (
        SELECT whole, part FROM inside WHERE part >= ${firstUserOid}
        UNION
        SELECT m.type, i.part FROM made m JOIN inside i ON i.whole = m.of WHERE i.part >= ${firstUserOid})
      SELECT DISTINCT t.typname, h.typname
        FROM made m
        JOIN pg_catalog.pg_type t ON t.oid = m.type
        JOIN pg_catalog.pg_type h ON h.oid = m.of
      """),

  /**
   * Schema and name of a type whose values are ordered, compared or hashed by functions of users in
   * a language of users; schema and name of such a function, t where volatile, extension or null.
   * Sorting, grouping and joining name none of them.
   */
  COMPARISONS(
      """
      SELECT DISTINCT tn.nspname, t.typname, n.nspname, p.proname, p.provolatile = 'v', e.extname
        FROM pg_catalog.pg_opclass o
        JOIN pg_catalog.pg_amproc s ON s.amprocfamily = o.opcfamily
        JOIN pg_catalog.pg_proc p ON p.oid = s.amproc
        JOIN pg_catalog.pg_language l ON l.oid = p.prolang AND l.lanname NOT IN ('internal', 'c')
        JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
        LEFT JOIN pg_catalog.pg_range r ON r.rngsubopc = o.oid
        JOIN pg_catalog.pg_type t
          ON t.oid = r.rngtypid OR (t.oid = o.opcintype AND o.opcdefault)
        JOIN pg_catalog.pg_namespace tn ON tn.oid = t.typnamespace
        LEFT JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
             AND d.objid = p.oid AND d.deptype = 'e'
             AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
        LEFT JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid
       WHERE p.oid >= ${firstUserOid} AND t.oid >= ${firstUserOid}
      """),

  /**
   * Oid of a partitioned table, schema and name of a function of users, in a language of users,
   * that finds the partition of a value, t where volatile, extension or null.
   */
  PARTITION_SUPPORT(
      """
      SELECT DISTINCT k.partrelid, n.nspname, p.proname, p.provolatile = 'v', e.extname
        FROM pg_catalog.pg_partitioned_table k
        JOIN pg_catalog.pg_opclass o ON o.oid = ANY (k.partclass)
        JOIN pg_catalog.pg_amproc s ON s.amprocfamily = o.opcfamily
        JOIN pg_catalog.pg_proc p ON p.oid = s.amproc
        JOIN pg_catalog.pg_language l ON l.oid = p.prolang AND l.lanname NOT IN ('internal', 'c')
        JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
        LEFT JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
             AND d.objid = p.oid AND d.deptype = 'e'
             AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
        LEFT JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid
       WHERE p.oid >= ${firstUserOid}
      """),

  /** Oid of a foreign table that is the output of a program on the target's machine. */
  FOREIGN_PROGRAMS(
      """
      SELECT ftrelid FROM pg_catalog.pg_foreign_table f
       WHERE EXISTS (SELECT FROM pg_catalog.unnest(f.ftoptions) AS o WHERE o LIKE 'program=%')
      """),

  /**
   * Oid of a relation, number, name and oid of the type of one of its columns, in their order; of
   * the system's relations only those that show statements.
   */
  COLUMNS(
      """
      SELECT a.attrelid, a.attnum, a.attname, a.atttypid
        FROM pg_catalog.pg_attribute a
        JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
        JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
       WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND a.attnum > 0 AND NOT a.attisdropped
         AND n.nspname !~ '^pg_(toast|temp_|toast_temp_)'
         AND (c.oid >= ${firstUserOid}
              OR c.relname IN ('pg_stat_activity', 'pg_prepared_statements', 'pg_cursors'))
         AND n.nspname <> 'information_schema'
       ORDER BY a.attrelid, a.attnum
      """),

  /** Oid of a relation, number of a column that is generated, the expression it is made by. */
  GENERATED_COLUMNS(
      """
      SELECT a.attrelid, a.attnum, pg_catalog.pg_get_expr(d.adbin, d.adrelid)
        FROM pg_catalog.pg_attribute a
        JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
       WHERE a.attgenerated <> '' AND NOT a.attisdropped
      """),

  /** Oid of a type of users or extensions whose values are text in either format. */
  TEXT_TYPES(
      """
      SELECT oid FROM pg_catalog.pg_type
       WHERE oid >= ${firstUserOid} AND typtype = 'b' AND typcategory = 'S'
      """),

  /** Oid of a relation, a rule on writes to it. */
  RULES(
      """
      SELECT ev_class, pg_catalog.pg_get_ruledef(oid)
        FROM pg_catalog.pg_rewrite WHERE ev_type <> '1' AND oid >= ${firstUserOid}
      """),

  /** Oid of a materialized view, its definition. */
  MATERIALIZED_VIEWS(
      """
      SELECT c.oid, pg_catalog.pg_get_viewdef(c.oid)
        FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
       WHERE c.relkind = 'm' AND c.oid >= ${firstUserOid}
         AND n.nspname !~ '^pg_(toast|temp_|toast_temp_)'
       ORDER BY c.oid
      """),

  /** Oid of a view, its definition. */
  VIEWS(
      """
      SELECT c.oid, pg_catalog.pg_get_viewdef(c.oid)
        FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
       WHERE c.relkind = 'v' AND c.oid >= ${firstUserOid}
         AND n.nspname !~ '^pg_(toast|temp_|toast_temp_)'
       ORDER BY c.oid
      """),

  /**
   * Oid of a table, an expression that uses functions or operators of users and that the server
   * simplifies whenever it plans a query on the table: of an index, a check, a partition key or
   * extended statistics.
   */
  PLANNED_EXPRESSIONS(
      """
      WITH planned(relation, class, object, expression) AS (
        SELECT i.indrelid, 'pg_catalog.pg_class'::pg_catalog.regclass, i.indexrelid, x.expression
          FROM pg_catalog.pg_index i
         CROSS JOIN LATERAL (VALUES
           (pg_catalog.pg_get_expr(i.indexprs, i.indrelid)),
           (pg_catalog.pg_get_expr(i.indpred, i.indrelid))) AS x(expression)
         WHERE i.indexprs IS NOT NULL OR i.indpred IS NOT NULL
        UNION ALL
        SELECT c.conrelid, 'pg_catalog.pg_constraint'::pg_catalog.regclass, c.oid,
               pg_catalog.pg_get_expr(c.conbin, c.conrelid)
          FROM pg_catalog.pg_constraint c WHERE c.contype = 'c' AND c.conrelid <> 0
        UNION ALL
        SELECT k.partrelid, 'pg_catalog.pg_class'::pg_catalog.regclass, k.partrelid,
               pg_catalog.pg_get_expr(k.partexprs, k.partrelid)
          FROM pg_catalog.pg_partitioned_table k
        UNION ALL
        SELECT s.stxrelid, 'pg_catalog.pg_statistic_ext'::pg_catalog.regclass, s.oid,
               pg_catalog.pg_get_statisticsobjdef(s.oid)
          FROM pg_catalog.pg_statistic_ext s)
      SELECT DISTINCT p.relation, p.expression
        FROM planned p
       WHERE p.expression IS NOT NULL AND EXISTS (
         SELECT FROM pg_catalog.pg_depend d
          WHERE d.classid = p.class AND d.objid = p.object AND d.refobjid >= ${firstUserOid}
            AND d.refclassid IN ('pg_catalog.pg_proc'::pg_catalog.regclass,
                                 'pg_catalog.pg_operator'::pg_catalog.regclass))
      """),

  /** Oid of a table with row security, an expression of one of its policies. */
  POLICIES(
      """
      SELECT p.polrelid, x.expression
        FROM pg_catalog.pg_policy p
        JOIN pg_catalog.pg_class c ON c.oid = p.polrelid AND c.relrowsecurity
        CROSS JOIN LATERAL (VALUES
          (pg_catalog.pg_get_expr(p.polqual, p.polrelid)),
          (pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid))) AS x(expression)
       WHERE x.expression IS NOT NULL
      """);

  /**
   * What stands for the lowest oid of an object that is not the server's own. FirstNormalObjectId
   * in the server's transam.h, 16384, is that only of objects made by a running server: what is
   * made in single-user mode has lower ones, right behind those of initdb. The last things that
   * initdb makes are information_schema and plpgsql.
   */
  private static final String FIRST_USER_OID =
      """
      (SELECT 1 + GREATEST(11999,
        (SELECT pg_catalog.max(x.oid::pg_catalog.int8) FROM pg_catalog.pg_class x
           JOIN pg_catalog.pg_namespace y ON y.oid = x.relnamespace
          WHERE y.nspname = 'information_schema' AND x.oid::pg_catalog.int8 < 16384),
        (SELECT pg_catalog.max(x.oid::pg_catalog.int8) FROM pg_catalog.pg_type x
           JOIN pg_catalog.pg_namespace y ON y.oid = x.typnamespace
          WHERE y.nspname = 'information_schema' AND x.oid::pg_catalog.int8 < 16384),
        (SELECT pg_catalog.max(x.oid::pg_catalog.int8) FROM pg_catalog.pg_proc x
           JOIN pg_catalog.pg_namespace y ON y.oid = x.pronamespace
          WHERE y.nspname = 'pg_catalog' AND x.oid::pg_catalog.int8 < 16384),
        (SELECT pg_catalog.max(x.oid::pg_catalog.int8) FROM pg_catalog.pg_language x
          WHERE x.oid::pg_catalog.int8 < 16384),
        (SELECT pg_catalog.max(x.oid::pg_catalog.int8) FROM pg_catalog.pg_extension x
          WHERE x.oid::pg_catalog.int8 < 16384)))"""
          .replaceAll("\\s+", " ");

  private final String sql;

  CatalogQuery(String sql) {
    this.sql = sql;
  }

  /** The text to send; a single statement without parameters. */
  public String sql() {
    return sql.replace("${firstUserOid}", FIRST_USER_OID);
  }
}
