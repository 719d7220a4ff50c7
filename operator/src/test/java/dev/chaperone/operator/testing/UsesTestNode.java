package dev.chaperone.operator.testing;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * A class of tests on a real node: kubelet, containerd and runc, which run pods. It is given a
 * {@link TestCluster} as with {@link UsesTestCluster}, but one that has a node. Where there can be
 * none (it needs root), the class is not run and says why.
 */
@Documented
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
@Tag("node")
@Tag("kubernetes")
@ExtendWith(TestClusterExtension.class)
public @interface UsesTestNode {
  /** Whether it runs the PostgreSQL of this machine in pods. */
  boolean withPostgresql() default false;
}
