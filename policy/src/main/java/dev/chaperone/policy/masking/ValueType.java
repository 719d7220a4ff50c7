package dev.chaperone.policy.masking;

/**
 * What the masks know of a column's type. Type numbers are those of PostgreSQL's own types
 * (src/include/catalog/pg_type.dat), which never change; RowDescription names the base type of a
 * domain.
 */
public enum ValueType {
  /** Text whose binary format is its text. */
  TEXT,
  JSON,
  /** As JSON, but for a version byte in binary format. */
  JSONB,
  XML,
  INT2,
  INT4,
  INT8,
  /** An unsigned 32-bit number. */
  OID,
  NUMERIC,
  DATE,
  TIMESTAMP,
  TIMESTAMPTZ,
  UUID,
  BYTEA,
  /** An array of any type. */
  ARRAY,
  /** A row. */
  RECORD,
  /** A type of fixed form that can hold no text: numbers, truth values, times, addresses. */
  PLAIN,
  /** Any other: types of the database's users, of extensions, and rare ones. */
  OTHER;

  /** FirstUnpinnedObjectId in the server's transam.h: those below are PostgreSQL's own. */
  private static final int FIRST_USER_OID = 12_000;

  /** The type of that number. */
  public static ValueType of(int typeOid) {
    return switch (typeOid) {
      case 25, 1043, 1042, 19, 18, 705, 2275 -> TEXT;
      case 114 -> JSON;
      case 3802 -> JSONB;
      case 142 -> XML;
      case 21 -> INT2;
      case 23 -> INT4;
      case 20 -> INT8;
      case 26, 28, 2205, 2206, 2202, 24 -> OID;
      case 1700 -> NUMERIC;
      case 1082 -> DATE;
      case 1114 -> TIMESTAMP;
      case 1184 -> TIMESTAMPTZ;
      case 2950 -> UUID;
      case 17 -> BYTEA;
      case 2249 -> RECORD;
      case 16, 700, 701, 790, 1083, 1266, 1186, 869, 650, 829, 774, 3220, 2278 -> PLAIN;
      default -> isArray(typeOid) ? ARRAY : OTHER;
    };
  }

  /** Whether a type number may mean something else in another database. */
  public static boolean isUserDefined(int typeOid) {
    return Integer.compareUnsigned(typeOid, FIRST_USER_OID) >= 0;
  }

  private static boolean isArray(int typeOid) {
    return switch (typeOid) {
      case 1009, 1015, 1014, 1003, 1002, 1263, 199, 3807, 143, 2287 -> true;
      case 1000,
          1001,
          1005,
          1007,
          1016,
          1021,
          1022,
          1028,
          1231,
          1182,
          1115,
          1185,
          1183,
          1270,
          1187,
          2951,
          1041,
          651,
          1040,
          775,
          791 ->
          true;
      default -> false;
    };
  }

  /** Whether detectors look into values of this type. */
  public boolean mayHoldText() {
    return switch (this) {
      case TEXT, JSON, JSONB, XML, ARRAY, RECORD, OTHER -> true;
      default -> false;
    };
  }
}
