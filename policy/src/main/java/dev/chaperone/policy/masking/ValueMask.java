package dev.chaperone.policy.masking;

/**
 * Replaces values of one column: one mask for one type in one format (PostgreSQL documentation,
 * "Formats and Format Codes"). What it writes is valid for the type, so that a driver can read it;
 * a type that cannot carry the mask gets no value (NULL), and so does a value that is not what its
 * type promises. Text and binary format of one value are replaced by text and binary format of one
 * other. Not thread-safe.
 */
public abstract sealed class ValueMask
    permits RedactingMask, NullingMask, HashingMask, FormPreservingMask, PartialMask {

  /** The length that stands for NULL, as in DataRow. */
  public static final int NULL_LENGTH = -1;

  /**
   * Replaces a value.
   *
   * @param length bytes of the value, or {@link #NULL_LENGTH}
   * @param out takes the replacement behind what it holds
   * @return whether there is a value; if not, what is written to {@code out} counts for nothing
   */
  public abstract boolean write(byte[] value, int offset, int length, ByteOutput out);

  /** Whether values are hashed as they stand, and so may be hashed together. */
  public boolean isPrepared() {
    return false;
  }

  /**
   * Says that a value is going to be replaced ({@link KeyedHash#begin}); where {@link #isPrepared}.
   */
  public void prepare(int offset, int length) {}

  /** The mask for the values of one column. */
  public static ValueMask of(Mask mask, ValueType type, boolean binary, KeyedHash hash) {
    return switch (mask) {
      case REDACT -> new RedactingMask(type, binary);
      case NULL -> NullingMask.INSTANCE;
      case HASH ->
          HashingMask.supports(type) ? new HashingMask(type, binary, hash) : NullingMask.INSTANCE;
      case FORMAT_PRESERVING ->
          FormPreservingMask.supports(type)
              ? new FormPreservingMask(type, binary, hash)
              : NullingMask.INSTANCE;
      case PARTIAL -> type == ValueType.TEXT ? PartialMask.INSTANCE : NullingMask.INSTANCE;
    };
  }
}
