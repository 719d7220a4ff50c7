package dev.chaperone.policy.masking;

/** No value for any value. */
final class NullingMask extends ValueMask {
  static final NullingMask INSTANCE = new NullingMask();

  private NullingMask() {}

  @Override
  public boolean write(byte[] value, int offset, int length, ByteOutput out) {
    return false;
  }
}
