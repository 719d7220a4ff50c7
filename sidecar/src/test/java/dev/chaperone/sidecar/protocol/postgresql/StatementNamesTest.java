package dev.chaperone.sidecar.protocol.postgresql;

import static org.assertj.core.api.Assertions.assertThat;

import dev.chaperone.sidecar.gateway.RowLimit;
import dev.chaperone.sidecar.protocol.postgresql.StatementNames.ClosedPortal;
import dev.chaperone.sidecar.protocol.postgresql.StatementNames.ClosedStatement;
import dev.chaperone.sidecar.protocol.postgresql.StatementNames.Portal;
import java.util.List;
import org.junit.jupiter.api.Test;

class StatementNamesTest {
  private final StatementNames names = new StatementNames();

  private static PreparedStatement statement(String name, int bytes) {
    return new PreparedStatement(name, new byte[bytes], PreparedStatement.NO_TYPES, null);
  }

  private static Portal portal(long group, boolean withHold) {
    return new Portal(
        new RunningOperation(new RowLimit(1, 1), false), List.of(), List.of(), group, withHold);
  }

  @Test
  void untilTheTargetHasAnsweredEveryStatementUnderANameIsACandidate() {
    PreparedStatement first = statement("s", 1);
    PreparedStatement second = statement("s", 1);
    names.parsing(first);
    names.parsing(second);
    assertThat(names.candidates("s")).containsExactly(first, second);
    names.succeeded(first);
    assertThat(names.candidates("s")).containsExactly(first, second);
    names.failed(second);
    assertThat(names.candidates("s")).containsExactly(first);
    names.succeeded(new ClosedStatement("s"));
    assertThat(names.candidates("s")).isEmpty();
  }

  @Test
  void theUnnamedStatementIsTheLastOneParsed() {
    PreparedStatement first = statement("", 1);
    PreparedStatement second = statement("", 1);
    names.parsing(first);
    names.succeeded(first);
    names.parsing(second);
    assertThat(names.candidates("")).containsExactly(second);
    names.failed(second);
    assertThat(names.candidates("")).containsExactly(first);
  }

  @Test
  void theRoomThatAStatementTookIsGivenBack() {
    for (int round = 0; round < 3; round++) {
      PreparedStatement large = statement("s", 16 << 20);
      assertThat(names.hasRoomFor(16 << 20)).isTrue();
      names.parsing(large);
      assertThat(names.hasRoomFor(1)).isFalse();
      if (round == 0) {
        names.failed(large);
      } else {
        names.succeeded(large);
        if (round == 1) {
          names.succeeded(new ClosedStatement("s"));
        } else {
          names.closeAllStatements();
        }
      }
      assertThat(names.hasRoomFor(16 << 20)).isTrue();
    }
  }

  @Test
  void portalsEndWithTheirTransaction() {
    names.bind("old", portal(1, false));
    names.bind("held", portal(1, true));
    names.bind("ahead", portal(2, false));
    names.transactionEnded(1);
    assertThat(names.portal("old")).isNull();
    assertThat(names.portal("held")).isNotNull();
    assertThat(names.portal("ahead")).isNotNull();
  }

  @Test
  void aCloseDoesNotForgetThePortalBoundBehindIt() {
    Portal closed = portal(1, false);
    names.bind("p", closed);
    Portal next = portal(1, false);
    names.bind("p", next);
    names.succeeded(new ClosedPortal("p", closed));
    assertThat(names.portal("p")).isSameAs(next);
    names.succeeded(new ClosedPortal("p", next));
    assertThat(names.portal("p")).isNull();
  }
}
