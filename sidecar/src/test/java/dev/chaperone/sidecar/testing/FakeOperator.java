package dev.chaperone.sidecar.testing;

import dev.chaperone.control.channel.Bytes;
import dev.chaperone.control.channel.ChannelMessage;
import dev.chaperone.control.channel.ChannelMessage.Challenge;
import dev.chaperone.control.channel.ChannelMessage.Hello;
import dev.chaperone.control.channel.FrameReader;
import dev.chaperone.control.channel.KeyProof;
import dev.chaperone.control.channel.MessageCodec;
import java.io.DataInputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.security.KeyStore;
import java.security.SecureRandom;
import java.security.cert.Certificate;
import java.security.cert.X509Certificate;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.SSLSocket;

/** An operator that does what a test says, well or badly, over real sockets and TLS. */
public final class FakeOperator implements AutoCloseable {
  private static final int PATIENCE_MILLIS = 20_000;

  private final SSLServerSocket server;
  private final TestAuthority.Server identity;

  public FakeOperator(TestAuthority.Server identity) throws Exception {
    this(identity, 0);
  }

  /** On a port that it had before. */
  public FakeOperator(TestAuthority.Server identity, int port) throws Exception {
    this.identity = identity;
    KeyStore store = KeyStore.getInstance("PKCS12");
    store.load(null, null);
    store.setKeyEntry(
        "operator", identity.key(), new char[0], new Certificate[] {identity.certificate()});
    KeyManagerFactory keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    keys.init(store, new char[0]);
    SSLContext context = SSLContext.getInstance("TLSv1.3");
    context.init(keys.getKeyManagers(), null, null);
    server =
        (SSLServerSocket)
            context
                .getServerSocketFactory()
                .createServerSocket(port, 50, InetAddress.getLoopbackAddress());
    server.setSoTimeout(PATIENCE_MILLIS);
  }

  public int port() {
    return server.getLocalPort();
  }

  /** The next connection, up to TLS. */
  public Connection accept() throws IOException {
    SSLSocket socket = (SSLSocket) server.accept();
    socket.setSoTimeout(PATIENCE_MILLIS);
    try {
      socket.startHandshake();
      return new Connection(socket, identity.certificate());
    } catch (IOException e) {
      socket.close();
      throw e;
    }
  }

  /** The next connection, let in. */
  public Connection welcome() throws Exception {
    Connection connection = accept();
    connection.challenge();
    connection.receive();
    connection.send(new ChannelMessage.Welcome(1));
    return connection;
  }

  @Override
  public void close() throws IOException {
    server.close();
  }

  /** One connection of a sidecar. */
  public static final class Connection implements AutoCloseable {
    private final SSLSocket socket;
    private final X509Certificate certificate;
    private final DataInputStream in;
    private Bytes nonce;

    private Connection(SSLSocket socket, X509Certificate certificate) throws IOException {
      this.socket = socket;
      this.certificate = certificate;
      this.in = new DataInputStream(socket.getInputStream());
    }

    public void challenge() throws IOException {
      byte[] random = new byte[Challenge.NONCE_BYTES];
      new SecureRandom().nextBytes(random);
      nonce = new Bytes(random);
      send(new Challenge(nonce));
    }

    /** Whether a Hello proves its key for this connection and that pod. */
    public boolean proves(Hello hello, String podUid) {
      return KeyProof.of(nonce, certificate, hello.token(), podUid, hello.versions())
          .isProvedBy(hello.publicKey(), hello.signature());
    }

    public void send(ChannelMessage message) throws IOException {
      sendFrame(MessageCodec.encode(message));
    }

    public void sendFrame(byte[] content) throws IOException {
      byte[] frame = new byte[FrameReader.HEADER + content.length];
      System.arraycopy(FrameReader.header(content.length), 0, frame, 0, FrameReader.HEADER);
      System.arraycopy(content, 0, frame, FrameReader.HEADER, content.length);
      sendRaw(frame);
    }

    public void sendRaw(byte[] bytes) throws IOException {
      socket.getOutputStream().write(bytes);
      socket.getOutputStream().flush();
    }

    /** The next message that is no heartbeat. */
    public ChannelMessage receive() throws Exception {
      while (true) {
        byte[] content = new byte[in.readInt()];
        in.readFully(content);
        ChannelMessage message =
            ((MessageCodec.Decoded.Message) MessageCodec.decode(content)).message();
        if (!(message instanceof ChannelMessage.Heartbeat)) {
          return message;
        }
      }
    }

    /** Whether the sidecar closes the connection. */
    public boolean isClosedBySidecar() {
      try {
        while (in.read() >= 0) {
          // What it still says.
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
}
