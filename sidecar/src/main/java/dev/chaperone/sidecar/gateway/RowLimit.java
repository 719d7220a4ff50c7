package dev.chaperone.sidecar.gateway;

import dev.chaperone.policy.Limits;

/**
 * How much of a result one operation may bring.
 *
 * @param rows at most; {@link Long#MAX_VALUE} for no limit
 * @param bytes at most, as sent on the wire; {@link Long#MAX_VALUE} for no limit
 */
public record RowLimit(long rows, long bytes) {
  static RowLimit of(Limits limits) {
    return new RowLimit(
        limits.rowsPerOperation().orElse(Long.MAX_VALUE),
        limits.bytesPerOperation().orElse(Long.MAX_VALUE));
  }
}
