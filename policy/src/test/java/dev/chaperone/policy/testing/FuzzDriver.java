package dev.chaperone.policy.testing;

import java.lang.reflect.Constructor;

/**
 * What Jazzer calls in its own Java machine: the one {@link FuzzTest} that its arguments name. The
 * names of both methods are Jazzer's.
 */
public final class FuzzDriver {
  private static FuzzTest target;

  private FuzzDriver() {}

  /** Called once; what is only made once is made here, and is not timed. */
  public static void fuzzerInitialize(String[] arguments) throws Exception {
    Constructor<?> constructor = Class.forName(arguments[0]).getDeclaredConstructor();
    constructor.setAccessible(true);
    target = (FuzzTest) constructor.newInstance();
    target.fuzz(new byte[0]);
    for (byte[] seed : target.seeds()) {
      target.fuzz(seed);
    }
  }

  /** Called with each input. */
  public static void fuzzerTestOneInput(byte[] input) throws Exception {
    target.fuzz(input);
  }
}
