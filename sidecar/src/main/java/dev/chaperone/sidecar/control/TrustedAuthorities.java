package dev.chaperone.sidecar.control;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.util.Objects;

/** The certificates by which the operator is known, in PEM; nobody else's are trusted. */
public sealed interface TrustedAuthorities {

  /**
   * What they are now.
   *
   * @throws IOException when they cannot be read, or are too large
   */
  byte[] read() throws IOException;

  /** In a file, read anew for each connection: it may be renewed while the sidecar runs. */
  record InFile(Path file) implements TrustedAuthorities {
    private static final int MAX_FILE = 1024 * 1024;

    public InFile {
      Objects.requireNonNull(file, "file");
    }

    @Override
    public byte[] read() throws IOException {
      try (InputStream in = Files.newInputStream(file)) {
        byte[] bytes = in.readNBytes(MAX_FILE + 1);
        if (bytes.length == 0 || bytes.length > MAX_FILE) {
          throw new IOException(file + " is empty or larger than " + MAX_FILE + " bytes");
        }
        return bytes;
      }
    }
  }

  /**
   * Said at start; they hold as long as the sidecar runs.
   *
   * @param pem at most 64 KiB of certificates
   */
  record Inline(String pem) implements TrustedAuthorities {
    private static final int MAX_PEM = 64 * 1024;

    public Inline {
      if (pem.length() > MAX_PEM) {
        throw new IllegalArgumentException(
            "the operator's certificate authority is larger than " + MAX_PEM + " characters");
      }
      if (!holdsCertificates(pem)) {
        throw new IllegalArgumentException(
            "the operator's certificate authority is no certificate in PEM:"
                + " -----BEGIN CERTIFICATE----- and what follows, with its line breaks");
      }
    }

    private static boolean holdsCertificates(String pem) {
      try {
        return !CertificateFactory.getInstance("X.509")
            .generateCertificates(new ByteArrayInputStream(pem.getBytes(StandardCharsets.US_ASCII)))
            .isEmpty();
      } catch (CertificateException e) {
        return false;
      }
    }

    @Override
    public byte[] read() {
      return pem.getBytes(StandardCharsets.US_ASCII);
    }
  }
}
