package dev.chaperone.sidecar.testing;

import java.io.DataInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.SecureRandom;
import java.security.cert.Certificate;
import java.security.cert.X509Certificate;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509TrustManager;

/** Stands between gateway and server, ends TLS with a certificate of its own, and reads along. */
public final class TlsRelay implements AutoCloseable {
  private static final int SSL_REQUEST_BYTES = 8;

  /** How it goes on to the server. */
  public enum Onward {
    /** With TLS of its own. */
    TLS,
    /** With TLS of its own; what the server offers for binding to it is struck out. */
    TLS_WITHOUT_BINDING,
    /** Without TLS, as a proxy on the server's own machine may. */
    PLAIN
  }

  private final ServerSocket listener;
  private final SSLContext toGateway;
  private final int serverPort;
  private final Onward onward;

  /** Relays to a server on this machine. */
  public TlsRelay(TestAuthority.Server shown, int serverPort, Onward onward)
      throws IOException, GeneralSecurityException {
    this.listener = new ServerSocket(0, 10, InetAddress.getLoopbackAddress());
    this.toGateway = server(shown);
    this.serverPort = serverPort;
    this.onward = onward;
    start(
        () -> {
          while (true) {
            Socket accepted = listener.accept();
            start(() -> serve(accepted));
          }
        });
  }

  public int port() {
    return listener.getLocalPort();
  }

  /** A context of a server that shows that certificate. */
  public static SSLContext server(TestAuthority.Server shown)
      throws IOException, GeneralSecurityException {
    KeyStore keys = KeyStore.getInstance("PKCS12");
    keys.load(null, null);
    keys.setKeyEntry("server", shown.key(), new char[0], new Certificate[] {shown.certificate()});
    KeyManagerFactory factory = KeyManagerFactory.getInstance("PKIX");
    factory.init(keys, new char[0]);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(factory.getKeyManagers(), null, null);
    return context;
  }

  private void serve(Socket accepted) throws IOException, GeneralSecurityException {
    try (accepted;
        Socket connected = new Socket(InetAddress.getLoopbackAddress(), serverPort)) {
      accepted.getInputStream().skipNBytes(SSL_REQUEST_BYTES);
      accepted.getOutputStream().write('S');
      SSLSocket gateway =
          (SSLSocket) toGateway.getSocketFactory().createSocket(accepted, null, 0, true);
      gateway.setUseClientMode(false);
      Socket server = onward == Onward.PLAIN ? connected : secured(connected);
      start(() -> gateway.getInputStream().transferTo(server.getOutputStream()));
      InputStream answers = server.getInputStream();
      if (onward == Onward.TLS_WITHOUT_BINDING) {
        strikeOut(new DataInputStream(answers), gateway.getOutputStream());
      }
      answers.transferTo(gateway.getOutputStream());
    }
  }

  /** In place of the first AuthenticationSASL: one that offers SCRAM-SHA-256 alone. */
  private static void strikeOut(DataInputStream in, OutputStream out) throws IOException {
    in.readByte();
    in.skipNBytes(in.readInt() - 4L);
    out.write(
        WireClient.message(
            'R', WireClient.int32(10), WireClient.cString("SCRAM-SHA-256"), new byte[1]));
    out.flush();
  }

  private static Socket secured(Socket connected) throws IOException, GeneralSecurityException {
    connected.getOutputStream().write(WireClient.sslRequest());
    if (connected.getInputStream().read() != 'S') {
      throw new IOException("the server does no TLS");
    }
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(null, new TrustManager[] {new TrustingManager()}, new SecureRandom());
    return context.getSocketFactory().createSocket(connected, "server", connected.getPort(), true);
  }

  private interface Work {
    void run() throws IOException, GeneralSecurityException;
  }

  private static void start(Work work) {
    Thread thread =
        new Thread(
            () -> {
              try {
                work.run();
              } catch (IOException | GeneralSecurityException e) {
                // One of both has hung up: that is for the test to notice.
              }
            });
    thread.setDaemon(true);
    thread.start();
  }

  @Override
  public void close() throws IOException {
    listener.close();
  }

  /** An attacker needs no proof of whom it talks to. */
  private static final class TrustingManager implements X509TrustManager {
    @Override
    public void checkClientTrusted(X509Certificate[] chain, String authType) {
      throw new UnsupportedOperationException();
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String authType) {
      // Whoever it is.
    }

    @Override
    public X509Certificate[] getAcceptedIssuers() {
      return new X509Certificate[0];
    }
  }
}
