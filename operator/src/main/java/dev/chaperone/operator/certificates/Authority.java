package dev.chaperone.operator.certificates;

import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * What the replicas share: the authority that signs, and the one before it while others may still
 * know only that one. The key of the one before is gone: it has signed {@link Overlap#bridge} and
 * has nothing more to do.
 */
public record Authority(CertificateAuthority current, Optional<Overlap> overlap)
    implements SigningAuthority {
  public Authority {
    Objects.requireNonNull(current, "current");
    Objects.requireNonNull(overlap, "overlap");
  }

  /**
   * The one before.
   *
   * @param previous its certificate
   * @param bridge the current authority's key, certified by the one before
   */
  public record Overlap(X509Certificate previous, X509Certificate bridge) {
    public Overlap {
      Objects.requireNonNull(previous, "previous");
      Objects.requireNonNull(bridge, "bridge");
    }
  }

  /** A first one. */
  static Authority create(Instant now, Duration life) {
    return new Authority(CertificateAuthority.create(now, life), Optional.empty());
  }

  /** The next one, which this one vouches for. */
  Authority renewed(Instant now, Duration life) {
    CertificateAuthority next = CertificateAuthority.create(now, life);
    return new Authority(
        next, Optional.of(new Overlap(current.certificate(), current.certify(next, now))));
  }

  /** When the next one is made: at two thirds of its life. */
  Instant renewal(Duration life) {
    return current.certificate().getNotAfter().toInstant().minus(life.dividedBy(3));
  }

  /** The current one first. */
  @Override
  public List<X509Certificate> trusted(Instant now) {
    return overlap
        .filter(o -> isValid(o.previous(), now))
        .map(o -> List.of(current.certificate(), o.previous()))
        .orElse(List.of(current.certificate()));
  }

  /** For those who know only the one before. */
  @Override
  public List<X509Certificate> between(Instant now) {
    return overlap
        .map(Overlap::bridge)
        .filter(bridge -> isValid(bridge, now))
        .map(List::of)
        .orElse(List.of());
  }

  static boolean isValid(X509Certificate certificate, Instant now) {
    return now.isBefore(certificate.getNotAfter().toInstant());
  }
}
