package dev.chaperone.sidecar.management;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Supplier;

/**
 * Health, readiness and metrics over HTTP on the loopback interface. Holds no statement, no value,
 * no credential.
 */
public final class ManagementServer implements AutoCloseable {
  private static final String PROMETHEUS_TEXT = "text/plain; version=0.0.4; charset=utf-8";

  /**
   * Whether the gateway is ready, and why not.
   *
   * @param details constants and configuration messages
   */
  public record Readiness(boolean ready, Map<String, Object> details) {}

  private final HttpServer server;
  private final ExecutorService threads;
  private final ObjectMapper json = new ObjectMapper();

  /**
   * Listens.
   *
   * @param port 0 for a free one
   * @throws IOException when the port cannot be listened on
   */
  public ManagementServer(int port, PrometheusMeterRegistry registry, Supplier<Readiness> readiness)
      throws IOException {
    InetAddress loopback = InetAddress.getByAddress(new byte[] {127, 0, 0, 1});
    server = HttpServer.create(new InetSocketAddress(loopback, port), 16);
    threads =
        Executors.newFixedThreadPool(
            1,
            task -> {
              Thread thread = new Thread(task, "management");
              thread.setDaemon(true);
              return thread;
            });
    server.setExecutor(threads);
    server.createContext("/", exchange -> answer(exchange, 404, "text/plain", "not found\n"));
    server.createContext(
        "/health/live", exchange -> answerJson(exchange, 200, Map.of("status", "UP")));
    server.createContext(
        "/health/ready",
        exchange -> {
          Readiness now = readiness.get();
          answerJson(
              exchange,
              now.ready() ? 200 : 503,
              Map.of("status", now.ready() ? "UP" : "DOWN", "details", now.details()));
        });
    server.createContext(
        "/metrics", exchange -> answer(exchange, 200, PROMETHEUS_TEXT, registry.scrape()));
    server.start();
  }

  /** Where it listens. */
  public int port() {
    return server.getAddress().getPort();
  }

  private void answerJson(HttpExchange exchange, int status, Map<String, Object> body)
      throws IOException {
    answer(exchange, status, "application/json", json.writeValueAsString(body) + "\n");
  }

  private static void answer(HttpExchange exchange, int status, String type, String body)
      throws IOException {
    try (exchange) {
      byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
      exchange.getResponseHeaders().set("Content-Type", type);
      boolean head = exchange.getRequestMethod().equals("HEAD");
      exchange.sendResponseHeaders(status, head ? -1 : bytes.length);
      if (!head) {
        exchange.getResponseBody().write(bytes);
      }
    }
  }

  @Override
  public void close() {
    server.stop(0);
    threads.shutdownNow();
  }
}
