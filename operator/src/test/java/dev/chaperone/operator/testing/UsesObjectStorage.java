package dev.chaperone.operator.testing;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * A class of tests on a real server that speaks S3: {@link ObjectStorage} starts it. Where there is
 * none, the class is not run and says why.
 */
@Documented
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
@Tag("storage")
@ExtendWith(ObjectStorage.Condition.class)
public @interface UsesObjectStorage {}
