package dev.chaperone.policy.masking;

/** Whether a masked column may be compared, sorted and grouped by. */
public enum MaskPredicates {
  /** It may not. */
  REFUSE,
  /** It may, which tells who asks often enough what its values are. */
  ALLOW
}
