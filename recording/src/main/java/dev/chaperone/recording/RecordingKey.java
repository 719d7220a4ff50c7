package dev.chaperone.recording;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.SecureRandom;
import java.security.Signature;
import java.security.interfaces.EdECPrivateKey;
import java.security.spec.NamedParameterSpec;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Arrays;
import java.util.Base64;
import java.util.EnumSet;
import java.util.Set;
import java.util.UUID;

/**
 * The key that signs recordings: Ed25519 (RFC 8032). The private half is a PKCS#8 file in PEM that
 * only its owner may read; it is never shown.
 */
public final class RecordingKey {
  private static final int MAX_FILE_BYTES = 4 << 10;
  private static final byte[] BEGIN =
      "-----BEGIN PRIVATE KEY-----\n".getBytes(StandardCharsets.US_ASCII);
  private static final byte[] END =
      "\n-----END PRIVATE KEY-----\n".getBytes(StandardCharsets.US_ASCII);

  private static final Set<PosixFilePermission> OWNER_ONLY =
      PosixFilePermissions.fromString("rw-------");

  private final PrivateKey privateKey;
  private final PublicKeyFile publicKey;

  private RecordingKey(PrivateKey privateKey, PublicKey publicKey) {
    this.privateKey = privateKey;
    this.publicKey = new PublicKeyFile(publicKey);
  }

  /** A new key that is in memory alone. */
  public static RecordingKey generate() {
    try {
      var pair = KeyPairGenerator.getInstance(PublicKeyFile.ALGORITHM).generateKeyPair();
      return new RecordingKey(pair.getPrivate(), pair.getPublic());
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("every Java runtime has Ed25519", e);
    }
  }

  /**
   * Reads the key, or makes one where there is none.
   *
   * @param privateFile PKCS#8 in PEM, readable by its owner alone; made with mode 0600
   * @param publicFile written beside it, for those who verify
   * @throws IOException when a file cannot be read or made, is no such key, or others may read the
   *     private one
   */
  public static RecordingKey readOrCreate(Path privateFile, Path publicFile) throws IOException {
    RecordingKey key;
    try {
      key = read(privateFile);
    } catch (NoSuchFileException e) {
      create(privateFile);
      key = read(privateFile);
    }
    String pem = key.publicKey.pem();
    if (!Files.exists(publicFile) || !Files.readString(publicFile).equals(pem)) {
      Path temporary = sibling(publicFile);
      Files.writeString(temporary, pem, StandardOpenOption.CREATE_NEW);
      Files.move(temporary, publicFile, java.nio.file.StandardCopyOption.ATOMIC_MOVE);
    }
    return key;
  }

  public PublicKeyFile publicKey() {
    return publicKey;
  }

  /** Signs; takes about a tenth of a millisecond. */
  public Bytes sign(Checkpoint checkpoint) {
    try {
      Signature signer = Signature.getInstance(PublicKeyFile.ALGORITHM);
      signer.initSign(privateKey);
      signer.update(checkpoint.message());
      return Bytes.of(signer.sign());
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("an Ed25519 key signs", e);
    }
  }

  /** Signs what a store has seen. */
  public Bytes sign(CountersignedHead head) {
    try {
      Signature signer = Signature.getInstance(PublicKeyFile.ALGORITHM);
      signer.initSign(privateKey);
      signer.update(head.message());
      return Bytes.of(signer.sign());
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("an Ed25519 key signs", e);
    }
  }

  /**
   * Takes a key that is kept elsewhere than in a file.
   *
   * @param pem PKCS#8 in PEM, as {@link #pem()} gives it; left to the caller to wipe
   * @throws IOException when it is no such key; says nothing of the content
   */
  public static RecordingKey of(byte[] pem) throws IOException {
    return parse("what was given", pem);
  }

  /** The private half, PKCS#8 in PEM; left to the caller to keep secret and to wipe. */
  public byte[] pem() {
    byte[] der = privateKey.getEncoded();
    byte[] text = Base64.getEncoder().encode(der);
    try {
      byte[] pem = Arrays.copyOf(BEGIN, BEGIN.length + text.length + END.length);
      System.arraycopy(text, 0, pem, BEGIN.length, text.length);
      System.arraycopy(END, 0, pem, BEGIN.length + text.length, END.length);
      return pem;
    } finally {
      wipe(der);
      wipe(text);
    }
  }

  private static void create(Path file) throws IOException {
    byte[] pem = generate().pem();
    Path temporary = sibling(file);
    try (FileChannel channel =
        FileChannel.open(
            temporary,
            EnumSet.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE),
            PosixFilePermissions.asFileAttribute(OWNER_ONLY))) {
      ByteBuffer rest = ByteBuffer.wrap(pem);
      while (rest.hasRemaining()) {
        channel.write(rest);
      }
      channel.force(true);
      // A link is not made over a file that is there: of two first runs one makes the key.
      Files.createLink(file, temporary);
    } catch (FileAlreadyExistsException e) {
      if (!Files.exists(file)) {
        throw e;
      }
    } finally {
      wipe(pem);
      Files.deleteIfExists(temporary);
    }
  }

  private static RecordingKey read(Path file) throws IOException {
    byte[] content = null;
    try (FileChannel channel =
            FileChannel.open(file, StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS);
        InputStream in = java.nio.channels.Channels.newInputStream(channel)) {
      Set<PosixFilePermission> permissions =
          Files.getPosixFilePermissions(file, LinkOption.NOFOLLOW_LINKS);
      if (!OWNER_ONLY.containsAll(permissions)) {
        throw new IOException(
            file
                + ": others may read this private key (mode "
                + PosixFilePermissions.toString(permissions)
                + "); it must be rw-------");
      }
      content = in.readNBytes(MAX_FILE_BYTES + 1);
      return parse(file.toString(), content);
    } finally {
      wipe(content);
    }
  }

  /**
   * @param where names it in errors
   */
  private static RecordingKey parse(String where, byte[] content) throws IOException {
    byte[] der = null;
    try {
      der = decode(where, content);
      PrivateKey key =
          KeyFactory.getInstance(PublicKeyFile.ALGORITHM)
              .generatePrivate(new PKCS8EncodedKeySpec(der));
      return new RecordingKey(key, publicKeyOf(key));
    } catch (GeneralSecurityException e) {
      throw new IOException(where + ": is no private key of kind " + PublicKeyFile.ALGORITHM);
    } finally {
      wipe(der);
    }
  }

  private static byte[] decode(String where, byte[] content) throws IOException {
    int start = BEGIN.length;
    int end = content.length - END.length;
    if (content.length > MAX_FILE_BYTES
        || end < start
        || !Arrays.equals(content, 0, start, BEGIN, 0, BEGIN.length)
        || !Arrays.equals(content, end, content.length, END, 0, END.length)) {
      throw new IOException(where + ": is no private key as this program writes it");
    }
    byte[] text = Arrays.copyOfRange(content, start, end);
    try {
      return Base64.getDecoder().decode(text);
    } catch (IllegalArgumentException e) {
      throw new IOException(where + ": is no private key as this program writes it");
    } finally {
      wipe(text);
    }
  }

  /** The private key is the seed the pair is made from; made from it again it is the same pair. */
  private static PublicKey publicKeyOf(PrivateKey key) throws GeneralSecurityException {
    byte[] seed =
        ((EdECPrivateKey) key)
            .getBytes()
            .orElseThrow(() -> new GeneralSecurityException("the key has no bytes"));
    try {
      KeyPairGenerator generator = KeyPairGenerator.getInstance(PublicKeyFile.ALGORITHM);
      generator.initialize(NamedParameterSpec.ED25519, new FixedBytes(seed));
      return generator.generateKeyPair().getPublic();
    } finally {
      wipe(seed);
    }
  }

  private static void wipe(byte[] bytes) {
    if (bytes != null) {
      Arrays.fill(bytes, (byte) 0);
    }
  }

  private static Path sibling(Path file) {
    return file.resolveSibling("." + file.getFileName() + "." + UUID.randomUUID() + ".tmp");
  }

  /** Gives out bytes that are known. */
  private static final class FixedBytes extends SecureRandom {
    private static final long serialVersionUID = 1L;

    private final transient byte[] bytes;

    FixedBytes(byte[] bytes) {
      super(null, null);
      this.bytes = bytes;
    }

    @Override
    public void nextBytes(byte[] out) {
      System.arraycopy(bytes, 0, out, 0, out.length);
    }
  }
}
