package dev.chaperone.sidecar.testing;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;

/**
 * A proxy to a real server that answers by itself what holds the word {@code poison}, and hangs up.
 * So a target may say anything at a moment when the gateway trusts it.
 */
public final class LyingTarget implements AutoCloseable {
  private static final String POISON = "poison";

  private final ServerSocket listener;
  private final int serverPort;
  private final int pieceBytes;
  private volatile byte[] answer;

  /**
   * In front of a real server.
   *
   * @param answer what it says; {@link #answer} changes it
   * @param pieceBytes how much of it at a time
   */
  public LyingTarget(TestPostgres server, byte[] answer, int pieceBytes) {
    this.serverPort = server.port();
    this.answer = answer;
    this.pieceBytes = pieceBytes;
    try {
      this.listener = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    daemon(this::accept);
  }

  public int port() {
    return listener.getLocalPort();
  }

  /** What is said from now on. */
  public void answer(byte[] other) {
    answer = other;
  }

  private void accept() {
    try {
      while (true) {
        Socket gateway = listener.accept();
        gateway.setTcpNoDelay(true);
        Socket server = new Socket(InetAddress.getLoopbackAddress(), serverPort);
        daemon(() -> honest(server, gateway));
        daemon(() -> lying(gateway, server));
      }
    } catch (IOException e) {
      // The test is over.
    }
  }

  private static void honest(Socket server, Socket gateway) {
    try (server) {
      server.getInputStream().transferTo(gateway.getOutputStream());
    } catch (IOException e) {
      // One side hung up.
    }
  }

  private void lying(Socket gateway, Socket server) {
    try (gateway;
        server) {
      InputStream in = gateway.getInputStream();
      byte[] bytes = new byte[1 << 16];
      for (int n = in.read(bytes); n > 0; n = in.read(bytes)) {
        if (new String(bytes, 0, n, StandardCharsets.ISO_8859_1).contains(POISON)) {
          lie(gateway.getOutputStream());
          gateway.shutdownOutput();
          in.transferTo(OutputStream.nullOutputStream());
          return;
        }
        server.getOutputStream().write(bytes, 0, n);
      }
    } catch (IOException e) {
      // One side hung up.
    }
  }

  private void lie(OutputStream out) throws IOException {
    byte[] said = answer;
    for (int i = 0; i < said.length; i += pieceBytes) {
      out.write(said, i, Math.min(pieceBytes, said.length - i));
    }
  }

  private static void daemon(Runnable work) {
    Thread thread = new Thread(work, "lying-target");
    thread.setDaemon(true);
    thread.start();
  }

  @Override
  public void close() {
    try {
      listener.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
