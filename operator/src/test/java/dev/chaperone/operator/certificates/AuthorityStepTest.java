package dev.chaperone.operator.certificates;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chaperone.operator.certificates.AuthoritySecret.Absent;
import dev.chaperone.operator.certificates.AuthoritySecret.Damaged;
import dev.chaperone.operator.certificates.AuthoritySecret.Understood;
import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AuthorityStepTest {
  private static final Duration LIFE = Duration.ofDays(300);
  private static final Instant MADE = Instant.parse("2026-01-01T00:00:00Z");
  private static final Authority FIRST = Authority.create(MADE, LIFE);

  private static AuthorityStep at(Authority authority, Duration after) {
    return AuthorityStep.of(new Understood(authority), MADE.plus(after), LIFE);
  }

  @Test
  void whereNothingIsStoredTheFirstOneIsMade() {
    assertThat(AuthorityStep.of(new Absent(), MADE, LIFE)).isInstanceOf(AuthorityStep.Create.class);
  }

  @Test
  void whatIsDamagedIsLeftAlone() {
    assertThat(AuthorityStep.of(new Damaged("why"), MADE, LIFE))
        .isEqualTo(new AuthorityStep.Stop("why"));
  }

  @ParameterizedTest
  @CsvSource({
    "P0D, Use",
    "P1D, Use",
    "PT4799H59M59S, Use",
    "P200D, Renew",
    "P299D, Renew",
    "PT7199H59M59S, Renew",
    "P300D, Replace",
    "P9000D, Replace"
  })
  void itIsUsedThenRenewedAtTwoThirdsThenReplaced(String after, String step) {
    assertThat(at(FIRST, Duration.parse(after)).getClass().getSimpleName()).isEqualTo(step);
  }

  @Test
  void itIsUsedWhereItsMakersClockIsAhead() {
    assertThat(at(FIRST, Duration.ofMinutes(-5))).isInstanceOf(AuthorityStep.Use.class);
  }

  @Test
  void itSaysWhenThereIsSomethingElseToDo() {
    assertThat(((AuthorityStep.Use) at(FIRST, Duration.ZERO)).renewal())
        .isEqualTo(MADE.plus(Duration.ofDays(200)));
  }

  @Test
  void theNextOneIsUsedAndTheOneBeforeTrustedToItsEnd() {
    Instant renewed = MADE.plus(Duration.ofDays(200));
    Authority second = FIRST.renewed(renewed, LIFE);
    assertThat(at(second, Duration.ofDays(200))).isInstanceOf(AuthorityStep.Use.class);
    assertThat(second.trusted(renewed))
        .containsExactly(second.current().certificate(), FIRST.current().certificate());
    assertThat(second.between(renewed)).hasSize(1);
    Instant end = MADE.plus(LIFE);
    assertThat(second.trusted(end)).containsExactly(second.current().certificate());
    assertThat(second.between(end)).isEmpty();
    assertThat(at(second, Duration.ofDays(400))).isInstanceOf(AuthorityStep.Renew.class);
  }
}
