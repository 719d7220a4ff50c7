package dev.chaperone.operator.testing;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * A class of tests on a real API server. A constructor, method or life cycle method that takes a
 * {@link TestCluster} is given the one of its class. Where there is no API server, the class is not
 * run and says why.
 */
@Documented
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
@Tag("kubernetes")
@ExtendWith(TestClusterExtension.class)
public @interface UsesTestCluster {
  /** Whether the API server has to be on this machine, because it asks servers of the tests. */
  boolean onThisMachine() default false;
}
