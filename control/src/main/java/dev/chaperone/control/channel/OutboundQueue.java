package dev.chaperone.control.channel;

import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What waits to be sent to the other side while that takes nothing: bounded, and of what replaces
 * itself only the newest, at the place of the first. Safe for use by any thread.
 */
public final class OutboundQueue {
  private final int capacity;
  private final Map<Object, ChannelMessage> waiting = new LinkedHashMap<>();
  private long number;

  /**
   * @param capacity how many messages may wait, from 1
   */
  public OutboundQueue(int capacity) {
    if (capacity < 1) {
      throw new IllegalArgumentException("capacity " + capacity);
    }
    this.capacity = capacity;
  }

  /**
   * Adds a message, or puts it in the place of an older one.
   *
   * @return false where there is no room: the other side is too slow and has to begin anew
   */
  public synchronized boolean offer(ChannelMessage message) {
    Object key = message.replaces().map(Object.class::cast).orElseGet(() -> number++);
    if (waiting.size() >= capacity && !waiting.containsKey(key)) {
      return false;
    }
    waiting.put(key, message);
    return true;
  }

  /** Takes the first message out; null where none waits. */
  public synchronized ChannelMessage poll() {
    Iterator<ChannelMessage> first = waiting.values().iterator();
    if (!first.hasNext()) {
      return null;
    }
    ChannelMessage message = first.next();
    first.remove();
    return message;
  }

  /** How many wait. */
  public synchronized int size() {
    return waiting.size();
  }

  /** Forgets all that wait. */
  public synchronized void clear() {
    waiting.clear();
  }
}
