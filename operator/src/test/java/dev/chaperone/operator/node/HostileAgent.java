package dev.chaperone.operator.node;

import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.net.HttpURLConnection;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.stream.Stream;
import javax.net.ssl.HttpsURLConnection;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509TrustManager;

/**
 * What a hostile process does in an agent's container: one attempt a run, named by the first
 * argument. It prints what it has found, and {@code tried N} for as much as it could try, so that
 * an attempt that did nothing is none that failed.
 */
final class HostileAgent {
  private static final PrintStream OUT = new PrintStream(System.out, true, StandardCharsets.UTF_8);
  private static final int TIMEOUT_MILLIS = 20_000;
  private static final int PROTOCOL = 3 << 16;
  private static final long MOST_READ = 64 << 20;

  private HostileAgent() {}

  public static void main(String... arguments) throws Exception {
    switch (arguments[0]) {
      case "processes" -> processes(word(arguments[1]));
      case "files" -> files(word(arguments[1]));
      case "mounts" -> mounts();
      case "ports" -> ports(Integer.parseInt(arguments[1]));
      case "capabilities" -> capabilities();
      case "kill" -> kill();
      case "write" -> write(arguments[1], List.of(arguments).subList(2, arguments.length));
      case "fill" -> fill(Path.of(arguments[1]));
      case "delete" -> Files.delete(Path.of(arguments[1]));
      case "startup" -> startup(List.of(arguments).subList(1, arguments.length));
      case "connections" -> connections(Integer.parseInt(arguments[1]));
      case "slow" -> slow(Integer.parseInt(arguments[1]));
      case "giant" -> giant();
      case "get" -> get(arguments[1], arguments[2]);
      case "relay" -> relay(arguments[1].charAt(0), word(arguments[2]));
      default -> throw new IllegalArgumentException(arguments[0]);
    }
  }

  /** What is looked for is told backwards: arguments are in files and environments, too. */
  private static String word(String backwards) {
    return new StringBuilder(backwards).reverse().toString();
  }

  /** What can be seen of all processes: arguments, environment, memory, root, descriptors. */
  private static void processes(String secret) throws IOException {
    int tried = 0;
    try (Stream<Path> all = Files.list(Path.of("/proc"))) {
      for (Path process : all.filter(p -> p.getFileName().toString().matches("[0-9]+")).toList()) {
        tried++;
        String command = read(process.resolve("cmdline"));
        if (command.contains("dev.chaperone.sidecar")) {
          OUT.println("FOUND the gateway's process " + process);
        }
        if ((read(process.resolve("environ")) + command).contains(secret)) {
          OUT.println("FOUND the secret in " + process);
        }
        for (String part : List.of("root/var/run/chaperone", "root/var/lib/chaperone")) {
          if (Files.exists(process.resolve(part))) {
            OUT.println("FOUND " + process.resolve(part));
          }
        }
      }
    }
    OUT.println("tried " + tried);
  }

  private static String read(Path file) {
    try (InputStream in = Files.newInputStream(file)) {
      return new String(in.readNBytes(1 << 20), StandardCharsets.ISO_8859_1);
    } catch (IOException e) {
      return "";
    }
  }

  /** Every file that can be read, for a word. */
  private static void files(String secret) throws IOException {
    byte[] word = secret.getBytes(StandardCharsets.UTF_8);
    int[] tried = {0};
    Files.walkFileTree(
        Path.of("/"),
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult preVisitDirectory(Path path, BasicFileAttributes attributes) {
            return path.startsWith("/proc") || path.startsWith("/sys")
                ? FileVisitResult.SKIP_SUBTREE
                : FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
            if (attributes.isRegularFile() && attributes.size() <= MOST_READ) {
              try {
                byte[] content = Files.readAllBytes(file);
                tried[0]++;
                if (indexOf(content, word) >= 0) {
                  OUT.println("FOUND the secret in " + file);
                }
              } catch (IOException e) {
                // Not readable for this user.
              }
            }
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFileFailed(Path file, IOException e) {
            return FileVisitResult.CONTINUE;
          }
        });
    OUT.println("tried " + tried[0]);
  }

  private static int indexOf(byte[] content, byte[] word) {
    outer:
    for (int i = 0; i <= content.length - word.length; i++) {
      for (int j = 0; j < word.length; j++) {
        if (content[i + j] != word[j]) {
          continue outer;
        }
      }
      return i;
    }
    return -1;
  }

  /** Mounts and shared memory of the gateway, its abstract sockets, and tokens. */
  private static void mounts() throws IOException {
    List<String> mounts = Files.readAllLines(Path.of("/proc/self/mountinfo"));
    mounts.stream()
        .filter(
            line ->
                line.matches(
                    ".*chaperone-(token|secrets|journal|memory)\\b.*| /var/\\w+/chaperone.*"))
        .forEach(line -> OUT.println("FOUND mount " + line));
    try (Stream<Path> shared = Files.list(Path.of("/dev/shm"))) {
      shared.forEach(file -> OUT.println("FOUND shared memory " + file));
    }
    Files.readAllLines(Path.of("/proc/net/unix")).stream()
        .filter(line -> line.contains("@"))
        .forEach(line -> OUT.println("FOUND abstract socket " + line));
    OUT.println("tried " + mounts.size());
  }

  /** All ports of the loopback interface, and of the pod's own address. */
  private static void ports(int known) throws IOException {
    List<InetAddress> addresses = new ArrayList<>();
    for (NetworkInterface one : Collections.list(NetworkInterface.getNetworkInterfaces())) {
      for (InetAddress address : Collections.list(one.getInetAddresses())) {
        if (!address.isLinkLocalAddress()) {
          addresses.add(address);
        }
      }
    }
    int tried = 0;
    for (InetAddress address : addresses) {
      for (int port = 1; port <= 65_535; port++) {
        tried++;
        try (Socket socket = new Socket()) {
          socket.connect(new InetSocketAddress(address, port), 1_000);
          // A port of the ephemeral range can be connected to itself.
          if (socket.getLocalPort() != port) {
            boolean isKnown = address.isLoopbackAddress() && port == known;
            OUT.println((isKnown ? "open " : "FOUND ") + address.getHostAddress() + " " + port);
          }
        } catch (IOException e) {
          // Nobody listens.
        }
      }
    }
    OUT.println("tried " + tried);
  }

  /** What the container might do at most, as bits. */
  private static void capabilities() throws IOException {
    Files.readAllLines(Path.of("/proc/self/status")).stream()
        .filter(line -> line.startsWith("CapBnd"))
        .forEach(line -> OUT.println(line.replaceAll("\\s+", " ")));
  }

  private static void kill() {
    List<ProcessHandle> others =
        ProcessHandle.allProcesses()
            .filter(process -> process.pid() != ProcessHandle.current().pid())
            .toList();
    long killed = others.stream().filter(ProcessHandle::destroyForcibly).count();
    OUT.println("killed " + killed);
    OUT.println("tried " + others.size());
  }

  /** Adds a line to each file. */
  private static void write(String line, List<String> files) {
    for (String file : files) {
      try {
        Files.writeString(Path.of(file), "\n" + line + "\n", StandardOpenOption.APPEND);
        OUT.println("written " + file);
      } catch (IOException e) {
        OUT.println("refused " + file);
      }
    }
    OUT.println("tried " + files.size());
  }

  private static void fill(Path file) {
    long written = 0;
    byte[] block = new byte[1 << 20];
    try (OutputStream out = Files.newOutputStream(file)) {
      while (written < 256L << 20) {
        out.write(block);
        written += block.length;
      }
    } catch (IOException e) {
      OUT.println("full: " + e.getMessage());
    }
    OUT.println("tried " + written);
  }

  private static Socket gateway() throws IOException {
    Socket socket = new Socket();
    socket.connect(
        new InetSocketAddress(System.getenv("PGHOST"), Integer.parseInt(System.getenv("PGPORT"))),
        TIMEOUT_MILLIS);
    socket.setSoTimeout(TIMEOUT_MILLIS);
    return socket;
  }

  private static void sendStartup(Socket socket, List<String> namesAndValues) throws IOException {
    ByteArrayOutputStream body = new ByteArrayOutputStream();
    for (String text : namesAndValues) {
      body.writeBytes(text.getBytes(StandardCharsets.UTF_8));
      body.write(0);
    }
    body.write(0);
    DataOutputStream out = new DataOutputStream(socket.getOutputStream());
    out.writeInt(8 + body.size());
    out.writeInt(PROTOCOL);
    body.writeTo(out);
    out.flush();
  }

  private static List<String> asThisAgent() {
    return List.of("user", "agent", "database", System.getenv("PGDATABASE"));
  }

  /** {@code Z} for a connection that is served, or else the error in one line. */
  private static String answer(Socket socket) throws IOException {
    DataInputStream in = new DataInputStream(socket.getInputStream());
    while (true) {
      int type = in.read();
      if (type < 0) {
        return "closed";
      }
      byte[] body = new byte[in.readInt() - 4];
      in.readFully(body);
      if (type == 'E') {
        return "E " + new String(body, StandardCharsets.UTF_8).replaceAll("[\0\n]", " ");
      } else if (type == 'Z') {
        return "Z";
      }
    }
  }

  private static void startup(List<String> namesAndValues) throws IOException {
    try (Socket socket = gateway()) {
      sendStartup(socket, namesAndValues);
      OUT.println(answer(socket));
    }
  }

  /** Many connections at once; says how many are served, and what the others are told. */
  private static void connections(int count) throws IOException {
    List<Socket> open = new ArrayList<>();
    int served = 0;
    String refused = "";
    try {
      for (int i = 0; i < count; i++) {
        Socket socket = gateway();
        open.add(socket);
        sendStartup(socket, asThisAgent());
        String answer = answer(socket);
        if (answer.equals("Z")) {
          served++;
        } else {
          refused = answer;
        }
      }
    } finally {
      for (Socket socket : open) {
        socket.close();
      }
    }
    OUT.println("served " + served);
    OUT.println(refused);
    OUT.println("tried " + count);
  }

  /** Connections that begin and go no further; meanwhile an honest one. */
  private static void slow(int count) throws IOException {
    List<Socket> open = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      Socket socket = gateway();
      socket.getOutputStream().write(0);
      socket.getOutputStream().flush();
      open.add(socket);
    }
    try (Socket honest = gateway()) {
      sendStartup(honest, asThisAgent());
      OUT.println("honest " + answer(honest));
    }
    int ended = 0;
    for (Socket socket : open) {
      try (socket) {
        if (answer(socket).startsWith("closed")) {
          ended++;
        }
      } catch (SocketTimeoutException e) {
        OUT.println("FOUND a connection that is kept open");
      } catch (IOException e) {
        ended++;
      }
    }
    OUT.println("ended " + ended);
    OUT.println("tried " + count);
  }

  /** A message that says it has two gigabytes. */
  private static void giant() throws IOException {
    try (Socket socket = gateway()) {
      sendStartup(socket, asThisAgent());
      OUT.println(answer(socket));
      DataOutputStream out = new DataOutputStream(socket.getOutputStream());
      out.writeByte('Q');
      out.writeInt(Integer.MAX_VALUE);
      out.write(new byte[1 << 20]);
      out.flush();
      OUT.println(answer(socket));
    }
  }

  /** An HTTPS request with a token, to a server of any name. */
  private static void get(String address, String token) throws Exception {
    HttpsURLConnection connection = (HttpsURLConnection) new URL(address).openConnection();
    connection.setSSLSocketFactory(trusting().getSocketFactory());
    connection.setHostnameVerifier((name, session) -> true);
    connection.setConnectTimeout(TIMEOUT_MILLIS);
    connection.setReadTimeout(TIMEOUT_MILLIS);
    connection.setRequestProperty("Authorization", "Bearer " + token);
    try {
      OUT.println("code " + ((HttpURLConnection) connection).getResponseCode());
    } catch (IOException e) {
      OUT.println("no answer: " + e.getMessage());
    }
  }

  private static SSLContext trusting() throws Exception {
    SSLContext context = SSLContext.getInstance("TLS");
    TrustManager all =
        new X509TrustManager() {
          @Override
          public void checkClientTrusted(X509Certificate[] chain, String type) {}

          @Override
          public void checkServerTrusted(X509Certificate[] chain, String type) {}

          @Override
          public X509Certificate[] getAcceptedIssuers() {
            return new X509Certificate[0];
          }
        };
    context.init(null, new TrustManager[] {all}, null);
    return context;
  }

  /**
   * Stands in for the target on port 5432 of the loopback interface, after the target's name was
   * made to lead there, and has the gateway log in.
   *
   * @param answer to the request for TLS
   */
  private static void relay(char answer, String secret) throws Exception {
    try (ServerSocket target = new ServerSocket(5432, 10, InetAddress.getLoopbackAddress())) {
      target.setSoTimeout(TIMEOUT_MILLIS);
      Thread client = new Thread(HostileAgent::logIn);
      client.start();
      try (Socket gateway = target.accept()) {
        gateway.setSoTimeout(TIMEOUT_MILLIS);
        DataInputStream in = new DataInputStream(gateway.getInputStream());
        OUT.println("asked for " + in.readInt() + " " + in.readInt());
        gateway.getOutputStream().write(answer);
        gateway.getOutputStream().flush();
        String text = rest(gateway);
        OUT.println("got " + text.length() + " bytes");
        if (text.contains("orders_app") || text.contains(secret)) {
          OUT.println("FOUND a login: " + text);
        }
      } catch (SocketTimeoutException e) {
        OUT.println("nobody came");
      }
      client.join();
    }
    OUT.println("tried 1");
  }

  /** What comes until nothing more does. */
  private static String rest(Socket socket) throws IOException {
    ByteArrayOutputStream text = new ByteArrayOutputStream();
    socket.setSoTimeout(3_000);
    try {
      for (int one = socket.getInputStream().read();
          one >= 0;
          one = socket.getInputStream().read()) {
        text.write(one);
      }
    } catch (SocketTimeoutException e) {
      // It waits for an answer.
    }
    return text.toString(StandardCharsets.ISO_8859_1);
  }

  private static void logIn() {
    try (Socket socket = gateway()) {
      sendStartup(socket, asThisAgent());
      OUT.println("told " + answer(socket));
    } catch (IOException e) {
      OUT.println("told nothing: " + e.getMessage());
    }
  }
}
