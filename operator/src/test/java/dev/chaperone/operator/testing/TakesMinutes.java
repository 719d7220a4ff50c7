package dev.chaperone.operator.testing;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

/**
 * A test that waits for minutes, and is run with {@code -Dload.seconds=60} only. Elsewhere it is
 * not run, and says why.
 */
@Documented
@Target(ElementType.METHOD)
@Retention(RetentionPolicy.RUNTIME)
@EnabledIfSystemProperty(
    named = "load.seconds",
    matches = "[0-9]+",
    disabledReason = "it takes minutes; -Dload.seconds=60 runs it")
public @interface TakesMinutes {}
