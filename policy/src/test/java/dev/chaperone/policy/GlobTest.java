package dev.chaperone.policy;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class GlobTest {

  @ParameterizedTest
  @CsvSource({
    "public.tickets, public.tickets, true",
    "public.tickets, public.Tickets, false",
    "public.*, public.tickets, true",
    "public.*, public., true",
    "public.*, private.tickets, false",
    "*, anything at all, true",
    "*.tickets, public.tickets, true",
    "*.tickets, public.tickets_old, false",
    "public.t?ckets, public.tickets, true",
    "public.t?ckets, public.tckets, false",
    "a*b*c, a__b__c, true",
    "a*b*c, a__c__b, false",
    "a**c, ac, true",
    "?, '', false",
    "*, '', true",
    "schema.f(), schema.f(), true",
    "a.b, axb, false",
    "[ab], a, false",
  })
  void resources(String pattern, String text, boolean matches) {
    assertThat(Glob.resource(pattern).matches(text)).isEqualTo(matches);
  }

  @Test
  void commandsIgnoreCase() {
    assertThat(Glob.command("drop *").matches("DROP TABLE")).isTrue();
    assertThat(Glob.command("DROP *").matches("drop table")).isTrue();
    assertThat(Glob.command("DROP *").matches("DROP")).isFalse();
  }

  @Test
  void neverBacktracksWithoutBound() {
    Glob glob = Glob.resource("a*".repeat(40) + "b");
    Assertions.assertTimeoutPreemptively(
        Duration.ofSeconds(5), () -> assertThat(glob.matches("a".repeat(20_000))).isFalse());
  }

  @ParameterizedTest
  @CsvSource({
    "*, public.*, true",
    "public.*, public.t*, true",
    "public.*, public.tickets, true",
    "public.t*, public.*, false",
    "public.?, public.*, false",
    "public.*, public.?, true",
    "public.?, public.?, true",
    "a, a, true",
    "a, b, false",
    "*.tickets, public.tickets, true",
    "*.tickets, *, false",
  })
  void covers(String wide, String narrow, boolean covers) {
    assertThat(Glob.resource(wide).covers(Glob.resource(narrow))).isEqualTo(covers);
  }
}
