package dev.chaperone.operator.injection;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.chaperone.operator.injection.InjectionSettings.OperatorAddress;
import dev.chaperone.operator.injection.InjectionSettings.PullPolicy;
import dev.chaperone.operator.injection.InjectionSettings.Resources;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class InjectionSettingsTest {
  private static final OperatorAuthority PEM =
      new OperatorAuthority.Inline("-----BEGIN CERTIFICATE-----\n");

  private static InjectionSettings settings(
      String image, long uid, OperatorAuthority authority, String size) {
    return new InjectionSettings(
        image,
        PullPolicy.ALWAYS,
        uid,
        Resources.DEFAULT,
        new OperatorAddress("op.system.svc", 8443),
        authority,
        size,
        size);
  }

  @ParameterizedTest
  @ValueSource(longs = {0, 9_999, 65_534, -1})
  void usersThatOthersHaveAreRefused(long uid) {
    assertThatThrownBy(() -> settings("i", uid, PEM, "1Gi"))
        .hasMessage("uid must be from 10000 to 65533");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "0", "-1Gi", "much", "1Gb"})
  void sizesMustBeQuantitiesAboveZero(String size) {
    assertThatThrownBy(() -> settings("i", 64532, PEM, size)).hasMessageContaining("journalSize");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "MIIB", "-----BEGIN CERTIFICATE-----$(POD_NAME)"})
  void theAuthorityMustBeCertificates(String pem) {
    OperatorAuthority authority = new OperatorAuthority.Inline(pem);
    assertThatThrownBy(() -> settings("i", 64532, authority, "1Gi"))
        .hasMessage("authority: not certificates in PEM");
  }

  @Test
  void aConfigMapMustHaveAPossibleNameAndKey() {
    assertThatThrownBy(() -> settings("i", 64532, new OperatorAuthority.ConfigMap("A", "k"), "1Gi"))
        .hasMessage("authority: not the name of a ConfigMap");
    assertThatThrownBy(
            () -> settings("i", 64532, new OperatorAuthority.ConfigMap("a", "../k"), "1Gi"))
        .hasMessage("authority: not the key of a ConfigMap");
    assertThatCode(() -> settings("i", 64532, new OperatorAuthority.ConfigMap("a", "k"), "1Gi"))
        .doesNotThrowAnyException();
  }

  @Test
  void theImageAndTheOperatorMustBeNamed() {
    assertThatThrownBy(() -> settings(" ", 64532, PEM, "1Gi")).hasMessage("image");
    assertThatThrownBy(() -> new OperatorAddress("Host", 1)).hasMessageContaining("host name");
    assertThatThrownBy(() -> new OperatorAddress("host", 0)).hasMessageContaining("port");
  }
}
