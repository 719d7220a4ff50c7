package dev.chaperone.sidecar.protocol.postgresql;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chaperone.policy.testing.FuzzTest;
import dev.chaperone.sidecar.testing.TestAuthority;
import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.Base64;
import java.util.List;

/** Certificates that a log-in is bound to: they have a hash, or are refused. */
class TlsServerEndPointFuzzTest extends FuzzTest {

  @Override
  protected List<byte[]> seeds() {
    String pem = new TestAuthority().pem();
    byte[] der = Base64.getMimeDecoder().decode(pem.replaceAll("-----[A-Z ]+-----", ""));
    return List.of(der, pem.getBytes(StandardCharsets.US_ASCII));
  }

  @Override
  protected void fuzz(byte[] input) {
    try {
      X509Certificate certificate =
          (X509Certificate)
              CertificateFactory.getInstance("X.509")
                  .generateCertificate(new ByteArrayInputStream(input));
      assertThat(TlsServerEndPoint.of(certificate)).hasSizeBetween(28, 64);
    } catch (GeneralSecurityException e) {
      // No certificate, or one without a hash: there is nothing to log in with.
    }
  }
}
