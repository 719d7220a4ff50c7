package dev.chaperone.sidecar.gateway;

import io.netty.channel.EventLoop;
import io.netty.channel.EventLoopGroup;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * The threads of the gateway: event loops that carry the traffic, one that carries the gateway's
 * own questions to targets, and a few that compute what would hold an event loop up.
 */
public final class GatewayThreads implements AutoCloseable {
  /** Each client connection has at most one task waiting; more than these are refused. */
  private static final int MAX_WAITING_TASKS = 10_000;

  private static final int WAITING_THREADS = 4;

  private final EventLoopGroup traffic;
  private final EventLoopGroup background;
  private final ThreadPoolExecutor computing;
  private final ThreadPoolExecutor waiting;

  /**
   * Starts them.
   *
   * @param processors how many the gateway may use; half of them carry traffic
   */
  public GatewayThreads(int processors) {
    int loops = Math.max(1, processors / 2);
    traffic = Transport.present().newEventLoops(loops, "traffic");
    background = Transport.present().newEventLoops(1, "background");
    computing = pool("computing", Math.max(2, loops));
    waiting = pool("waiting", WAITING_THREADS);
  }

  private static ThreadPoolExecutor pool(String name, int size) {
    ThreadPoolExecutor pool =
        new ThreadPoolExecutor(
            size,
            size,
            30,
            TimeUnit.SECONDS,
            new ArrayBlockingQueue<>(MAX_WAITING_TASKS),
            new DefaultThreadFactory(name, true));
    pool.allowCoreThreadTimeOut(true);
    return pool;
  }

  /** Event loops for client connections and, on the same loop, their connections to targets. */
  public EventLoopGroup traffic() {
    return traffic;
  }

  /** Each event loop by name: whoever waits for nothing but one of these is never held up long. */
  public Map<String, Executor> loops() {
    Map<String, Executor> loops = new LinkedHashMap<>();
    traffic.forEach(loop -> loops.put("traffic-" + (loops.size() + 1), loop));
    background.forEach(loop -> loops.put("background", loop));
    return loops;
  }

  /** An event loop that no client's traffic runs on. */
  public EventLoop backgroundLoop() {
    return background.next();
  }

  /** Threads for what takes longer than an event loop may be held up. */
  public Executor computing() {
    return computing;
  }

  /** Threads for calls that wait for something outside: name resolution, keys from passwords. */
  public Executor waiting() {
    return waiting;
  }

  @Override
  public void close() {
    traffic.shutdownGracefully(0, 2, TimeUnit.SECONDS).awaitUninterruptibly(3_000);
    background.shutdownGracefully(0, 2, TimeUnit.SECONDS).awaitUninterruptibly(3_000);
    computing.shutdownNow();
    waiting.shutdownNow();
  }
}
