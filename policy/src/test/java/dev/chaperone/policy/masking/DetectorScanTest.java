package dev.chaperone.policy.masking;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class DetectorScanTest {
  private static final String PEM =
      "-----BEGIN RSA PRIVATE KEY-----\nMIIBOgIBAAJBAKj34GkxFhD9\n-----END RSA PRIVATE KEY-----";

  private static List<String> found(String text, Detector... detectors) {
    Map<Detector, Mask> map = new EnumMap<>(Detector.class);
    for (Detector detector : detectors.length == 0 ? Detector.values() : detectors) {
      map.put(detector, Mask.REDACT);
    }
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    Spans spans = new DetectorScan(map).find(bytes, 0, bytes.length, false);
    List<String> found = new ArrayList<>();
    for (int i = 0; i < spans.size(); i++) {
      found.add(
          new String(bytes, spans.start(i), spans.end(i) - spans.start(i), StandardCharsets.UTF_8));
    }
    return found;
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "CREDIT_CARD | 4111111111111111",
        "CREDIT_CARD | 4111-1111-1111-1111",
        "CREDIT_CARD | 4111 1111 1111 1111",
        "CREDIT_CARD | 378282246310005",
        "CREDIT_CARD | 3782 822463 10005",
        "CREDIT_CARD | 5555555555554444",
        "CREDIT_CARD | 2223003122003222",
        "CREDIT_CARD | 6011111111111117",
        "CREDIT_CARD | 3530111333300000",
        "CREDIT_CARD | 30569309025904",
        "CREDIT_CARD | 6200000000000005",
        "IBAN | DE89370400440532013000",
        "IBAN | DE89 3704 0044 0532 0130 00",
        "IBAN | GB29NWBK60161331926819",
        "IBAN | FR1420041010050500013M02606",
        "IBAN | NO9386011117947",
        "IBAN | MT84MALT011000012345MTLCAST001S",
        "US_SSN | 123-45-6789",
        "US_SSN | 123 45 6789",
        "EMAIL | alice@example.com",
        "EMAIL | a.b+c_d@mail.example.co.uk",
        "EMAIL | o'brien@example.org",
        "EMAIL | jürgen@example.de",
        "PHONE | +14155552671",
        "PHONE | +1 (415) 555-2671",
        "PHONE | +49 30 901820",
        "PHONE | +44 20 7946 0958",
        "PHONE | (415) 555-2671",
        "PHONE | 415-555-2671",
        "PHONE | 415.555.2671",
        "AWS_ACCESS_KEY | AKIAIOSFODNN7EXAMPLE",
        "AWS_ACCESS_KEY | ASIAY34FZKBOKMUTVV7A",
        "AWS_SECRET_KEY | wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "AWS_SECRET_KEY | je7MtGbClwBF/2Zp9Utk/h3yCo8nvbEXAMPLEKEY",
        "JWT | eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9",
        "HIGH_ENTROPY_SECRET | ghp_16C7e42F292c6912E7710c838347Ae178B4a",
        "HIGH_ENTROPY_SECRET | xoxb-123456789012-1234567890123-abcDEFghiJKL",
        "HIGH_ENTROPY_SECRET | AIzaSyDaGmWKa4JsXZ-HjGw7ISLn_3namBGewQe",
        "HIGH_ENTROPY_SECRET | q9XvT2mB7kLwZ4pRy8NcJd3F",
        "HIGH_ENTROPY_SECRET | Zk8Qm2+Vt5Lp9/Xr3Nw7Yc1Bd6Fh4Jg==",
      })
  void aValueIsFoundAloneAndInsideLongerText(String name, String value) {
    Detector detector = Detector.valueOf(name);
    assertThat(found(value, detector)).containsExactly(value);
    assertThat(found("see " + value + ", thanks", detector)).containsExactly(value);
    assertThat(found("{\"v\":\"" + value + "\"}", detector)).containsExactly(value);
    assertThat(found("é(" + value + ")", detector)).contains(value);
    assertThat(found(value)).containsExactly(value);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "CREDIT_CARD | 4111111111111112",
        "CREDIT_CARD | 4222-2222-2222-2222",
        "CREDIT_CARD | 41111111111111111111",
        "CREDIT_CARD | x4111111111111111",
        "CREDIT_CARD | 4111111111111111a",
        "CREDIT_CARD | 0.4111111111111111",
        "CREDIT_CARD | 1700000000000000",
        "CREDIT_CARD | 0000000000000000",
        "CREDIT_CARD | 41 11 11 11 11 11 11 11",
        "IBAN | DE89370400440532013001",
        "IBAN | DE8937040044053201300",
        "IBAN | ZZ89370400440532013000",
        "US_SSN | 000-12-3456",
        "US_SSN | 666-12-3456",
        "US_SSN | 912-12-3456",
        "US_SSN | 123-00-6789",
        "US_SSN | 123-45-0000",
        "US_SSN | 123456789",
        "US_SSN | 1123-45-6789",
        "US_SSN | 123-45-67890",
        "US_SSN | 123-45 6789",
        "EMAIL | alice@localhost",
        "EMAIL | @example.com",
        "EMAIL | a@b",
        "EMAIL | user@192.168.0.1",
        "PHONE | 4155552671",
        "PHONE | +1234",
        "PHONE | 1 + 23456789",
        "PHONE | 2024-01-02 03:04:05+02",
        "PHONE | 192.168.100.1000",
        "PHONE | 115-555-2671",
        "AWS_ACCESS_KEY | AKIAIOSFODNN7EXAMPL",
        "AWS_ACCESS_KEY | AKIAiosfodnn7example",
        "AWS_SECRET_KEY | 2fd4e1c67a2d28fced849ee1bb76e7391b93eb12",
        "AWS_SECRET_KEY | aaaaaaaaaaaaaaaaaaaaAAAAAAAAAAAAAAAAAAA1",
        "JWT | eyJhbGciOiJIUzI1NiJ9",
        "JWT | a.b.c",
      })
  void whatOnlyResemblesAValueIsNotFound(String name, String text) {
    assertThat(found(text, Detector.valueOf(name))).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "550e8400-e29b-41d4-a716-446655440000",
        "00000000-0000-0000-0000-000000000000",
        "2024-01-02T03:04:05.678901+00:00",
        "2024-01-02 03:04:05",
        "1699999999999",
        "2fd4e1c67a2d28fced849ee1bb76e7391b93eb12",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "d41d8cd98f00b204e9800998ecf8427e",
        "ORD-2024-000123456",
        "INV/2024/10/0000123",
        "1Z999AA10123456784",
        "SKU-4711-0815-XL",
        "10.0.0.1:5432",
        "fe80::1ff:fe23:4567:890a",
        "https://www.example.com/a/path/with-many_words/and.more?x=1&y=2",
        "/usr/lib/postgresql/15/bin/postgres",
        "com.example.orders.internal.CustomerRepositoryImpl",
        "getCustomerOrderHistoryByAccountId",
        "a_rather_long_identifier_in_snake_case_2024",
        "THE_MAXIMUM_NUMBER_OF_CONNECTIONS_V2",
        "Lorem ipsum dolor sit amet, consectetur adipiscing elit.",
        "Donaudampfschifffahrtsgesellschaftskapitän",
        "3.14159265358979323846",
        "12345678901234567890123456789012345678901234567890",
        "my-Service-2024-Prod-Cluster-01",
        "v1.2.3-rc.4+build.20240102",
        "public.customers",
        "SELECT * FROM customers WHERE id = 42",
        "{\"id\": 17, \"name\": \"Alice\", \"tags\": [1, 2, 3]}",
        "kube-system/coredns-5d78c9869d-abcde",
        "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "ThisIsAVeryLongCamelCaseNameWithNumber1And2",
        "-----BEGIN CERTIFICATE-----",
        "Müller & Söhne, Straße 12",
      })
  void everydayTextHoldsNothing(String text) {
    assertThat(found(text)).isEmpty();
  }

  @Test
  void aPrivateKeyIsFoundFromItsBeginToItsEnd() {
    assertThat(found("key:\n" + PEM + "\nmore")).containsExactly(PEM);
    assertThat(found("x -----BEGIN PRIVATE KEY-----\nMIIE"))
        .hasSize(1)
        .first()
        .asString()
        .endsWith("MIIE");
    assertThat(
            found("-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl\n-----END OPENSSH PRIVATE KEY-----"))
        .hasSize(1);
    assertThat(
            found("-----BEGIN PGP PRIVATE KEY BLOCK-----\nxx\n-----END PGP PRIVATE KEY BLOCK-----"))
        .hasSize(1);
  }

  @Test
  void severalValuesAreFoundInOrder() {
    assertThat(found("4111111111111111 then a@b.example, then 123-45-6789."))
        .containsExactly("4111111111111111", "a@b.example", "123-45-6789");
  }

  @Test
  void anEscapeBeforeAValueIsNoPartOfIt() {
    Map<Detector, Mask> map = Map.of(Detector.EMAIL, Mask.REDACT);
    byte[] bytes = "\"x\\nalice@example.com\"".getBytes(StandardCharsets.UTF_8);
    Spans spans = new DetectorScan(map).find(bytes, 0, bytes.length, true);
    assertThat(spans.size()).isEqualTo(1);
    assertThat(spans.start(0)).isEqualTo(4);
  }

  @Test
  void timeGrowsWithLengthAloneWhateverTheText() {
    List<String> patterns =
        List.of(
            "a",
            "1",
            "A",
            "@",
            "-",
            "+",
            "eyJ",
            "a@",
            "1-",
            "-----BEGIN ",
            "4111 ",
            "DE89 ",
            "(",
            "-----BEGIN PRIVATE KEY-----",
            "eyJa.",
            "aA1",
            "AKIA",
            "+1",
            ".",
            "\\",
            "1 ",
            "a.");
    for (String pattern : patterns) {
      String text = pattern.repeat((4 << 20) / pattern.length());
      byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
      Map<Detector, Mask> map = new EnumMap<>(Detector.class);
      for (Detector detector : Detector.values()) {
        map.put(detector, Mask.REDACT);
      }
      DetectorScan scan = new DetectorScan(map);
      long begin = System.nanoTime();
      scan.find(bytes, 0, bytes.length, true);
      assertThat(System.nanoTime() - begin).as("4 MiB of %s", pattern).isLessThan(5_000_000_000L);
    }
  }

  @Test
  void anyBytesAreRead() {
    Random random = new Random(7);
    Map<Detector, Mask> map = new EnumMap<>(Detector.class);
    for (Detector detector : Detector.values()) {
      map.put(detector, Mask.REDACT);
    }
    DetectorScan scan = new DetectorScan(map);
    byte[] alphabet =
        "419-+@.( )eyJAKIDE/=\\\"\u00e9-----BEGIN PRIVATE KEY".getBytes(StandardCharsets.UTF_8);
    for (int i = 0; i < 20_000; i++) {
      byte[] bytes = new byte[random.nextInt(64)];
      for (int k = 0; k < bytes.length; k++) {
        bytes[k] = alphabet[random.nextInt(alphabet.length)];
      }
      Spans spans = scan.find(bytes, 0, bytes.length, i % 2 == 0);
      int before = 0;
      for (int k = 0; k < spans.size(); k++) {
        assertThat(spans.start(k)).isGreaterThanOrEqualTo(before);
        assertThat(spans.end(k)).isGreaterThan(spans.start(k)).isLessThanOrEqualTo(bytes.length);
        before = spans.end(k);
      }
    }
  }
}
