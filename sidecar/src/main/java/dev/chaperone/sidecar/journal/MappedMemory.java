package dev.chaperone.sidecar.journal;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.nio.MappedByteBuffer;

/**
 * Gives mapped memory back at once. Left to the garbage collector it would count as the process's
 * memory for as long as nothing is collected.
 */
final class MappedMemory {
  private static final Object UNSAFE;
  private static final Method INVOKE_CLEANER;

  static {
    try {
      Class<?> type = Class.forName("sun.misc.Unsafe");
      var field = type.getDeclaredField("theUnsafe");
      field.setAccessible(true);
      UNSAFE = field.get(null);
      INVOKE_CLEANER = type.getMethod("invokeCleaner", java.nio.ByteBuffer.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private MappedMemory() {}

  /** Unmaps; nobody may use the buffer any more. */
  static void unmap(MappedByteBuffer memory) {
    try {
      INVOKE_CLEANER.invoke(UNSAFE, memory);
    } catch (IllegalAccessException | InvocationTargetException e) {
      throw new IllegalStateException("mapped memory cannot be given back", e);
    }
  }
}
