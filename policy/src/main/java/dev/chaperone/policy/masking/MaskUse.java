package dev.chaperone.policy.masking;

/** What a statement may do with a masked column. */
public enum MaskUse {
  /** Return it by itself. */
  STRICT,
  /** Besides, return a few expressions over it; what they make is replaced as a whole. */
  TAINT
}
