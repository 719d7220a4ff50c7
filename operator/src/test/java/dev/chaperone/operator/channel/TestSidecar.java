package dev.chaperone.operator.channel;

import dev.chaperone.control.channel.Bytes;
import dev.chaperone.control.channel.ChannelMessage;
import dev.chaperone.control.channel.ChannelMessage.Challenge;
import dev.chaperone.control.channel.ChannelMessage.Hello;
import dev.chaperone.control.channel.FrameReader;
import dev.chaperone.control.channel.KeyProof;
import dev.chaperone.control.channel.MessageCodec;
import dev.chaperone.control.channel.ProtocolVersions;
import dev.chaperone.control.translation.SecretBytes;
import java.io.DataInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyStore;
import java.security.cert.X509Certificate;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;

/** A sidecar that does what a test says, well or badly, over a real socket. */
public final class TestSidecar implements AutoCloseable {
  private static final int PATIENCE_MILLIS = 10_000;

  private final SSLSocket socket;
  private final DataInputStream in;
  private Bytes nonce;

  private TestSidecar(SSLSocket socket) throws IOException {
    this.socket = socket;
    this.in = new DataInputStream(socket.getInputStream());
  }

  /** Connects, up to TLS. */
  public static TestSidecar connect(int port, TestAuthority authority) throws Exception {
    return connect(port, authority.certificate());
  }

  /** The same, where a certificate is all there is of the authority. */
  public static TestSidecar connect(int port, X509Certificate authority) throws Exception {
    SSLContext context = SSLContext.getInstance("TLSv1.3");
    context.init(null, trust(authority).getTrustManagers(), null);
    SSLSocket socket = (SSLSocket) context.getSocketFactory().createSocket("127.0.0.1", port);
    socket.setSoTimeout(PATIENCE_MILLIS);
    socket.startHandshake();
    return new TestSidecar(socket);
  }

  private static TrustManagerFactory trust(X509Certificate authority)
      throws GeneralSecurityException, IOException {
    KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
    store.load(null, null);
    store.setCertificateEntry("authority", authority);
    TrustManagerFactory trust =
        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trust.init(store);
    return trust;
  }

  /** Connects and is let in. */
  public static TestSidecar letIn(int port, TestAuthority authority, KeyPair key) throws Exception {
    return letIn(port, authority, key, FakeCluster.TOKEN, FakeCluster.POD.uid());
  }

  /** Connects as the sidecar of a pod and is let in. */
  public static TestSidecar letIn(
      int port, TestAuthority authority, KeyPair key, String token, String podUid)
      throws Exception {
    TestSidecar sidecar = connect(port, authority);
    sidecar.send(sidecar.hello(token, podUid, key));
    ChannelMessage answer = sidecar.receive();
    if (!(answer instanceof ChannelMessage.Welcome)) {
      throw new IOException("not let in: " + answer);
    }
    return sidecar;
  }

  /** Waits for the challenge and says what answers it. */
  public Hello hello(String token, String podUid, KeyPair key) throws Exception {
    if (nonce == null) {
      nonce = ((Challenge) receive()).nonce();
    }
    SecretBytes bytes = new SecretBytes(token.getBytes(StandardCharsets.UTF_8));
    KeyProof proof =
        KeyProof.of(nonce, serverCertificate(), bytes, podUid, ProtocolVersions.SPOKEN);
    return new Hello(
        1, 1, bytes, new Bytes(key.getPublic().getEncoded()), proof.sign(key.getPrivate()));
  }

  X509Certificate serverCertificate() throws IOException {
    return (X509Certificate) socket.getSession().getPeerCertificates()[0];
  }

  public void send(ChannelMessage message) throws IOException {
    sendFrame(MessageCodec.encode(message));
  }

  void sendFrame(byte[] content) throws IOException {
    byte[] frame = new byte[FrameReader.HEADER + content.length];
    System.arraycopy(FrameReader.header(content.length), 0, frame, 0, FrameReader.HEADER);
    System.arraycopy(content, 0, frame, FrameReader.HEADER, content.length);
    sendRaw(frame);
  }

  void sendRaw(byte[] bytes) throws IOException {
    socket.getOutputStream().write(bytes);
    socket.getOutputStream().flush();
  }

  /** The next message that is no heartbeat. */
  public ChannelMessage receive() throws Exception {
    while (true) {
      ChannelMessage message = receiveAny();
      if (!(message instanceof ChannelMessage.Heartbeat)) {
        return message;
      }
    }
  }

  public ChannelMessage receiveAny() throws Exception {
    byte[] content = new byte[in.readInt()];
    in.readFully(content);
    return ((MessageCodec.Decoded.Message) MessageCodec.decode(content)).message();
  }

  /** Whether the server closes the connection, whatever it says before. */
  public boolean isClosedByServer() {
    try {
      while (in.read() >= 0) {
        // Heartbeats and last words.
      }
      return true;
    } catch (java.net.SocketTimeoutException e) {
      return false;
    } catch (IOException e) {
      return true;
    }
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
