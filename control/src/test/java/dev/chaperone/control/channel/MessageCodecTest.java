package dev.chaperone.control.channel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.chaperone.control.channel.MessageCodec.Decoded;
import dev.chaperone.crds.v1alpha1.ApprovalPhase;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class MessageCodecTest {
  private static final Path GOLDEN = Path.of("src/test/resources/channel");
  private static final Path NEWEST = GOLDEN.resolve("v1");

  static List<ChannelMessage> samples() {
    return Samples.all();
  }

  @Test
  void everyTypeHasASample() {
    assertThat(samples().stream().map(m -> m.getClass().getSimpleName()))
        .containsExactlyInAnyOrderElementsOf(MessageCodec.types().keySet());
  }

  @ParameterizedTest
  @MethodSource("samples")
  void whatIsWrittenIsReadAsTheSame(ChannelMessage message) throws Exception {
    assertThat(decode(MessageCodec.encode(message))).isEqualTo(message);
  }

  /** A change here is a change of what the neighbouring release has to understand. */
  @ParameterizedTest
  @MethodSource("samples")
  void everyMessageIsWrittenAsItsGoldenFileSays(ChannelMessage message) throws Exception {
    Path file = NEWEST.resolve(message.getClass().getSimpleName() + ".json");
    String written = new String(MessageCodec.encode(message), StandardCharsets.UTF_8);
    if (Boolean.getBoolean("channel.regenerate")) {
      Files.writeString(file, written + "\n");
    }
    assertThat(Files.readString(file).strip()).isEqualTo(written);
  }

  @TestFactory
  Stream<DynamicTest> whatEveryReleaseWroteIsStillRead() throws IOException {
    List<Path> files;
    try (Stream<Path> all = Files.walk(GOLDEN)) {
      files = all.filter(Files::isRegularFile).sorted().toList();
    }
    Set<String> types =
        files.stream()
            .filter(file -> file.startsWith(NEWEST))
            .map(file -> file.getFileName().toString().replace(".json", ""))
            .collect(Collectors.toSet());
    assertThat(types).isEqualTo(MessageCodec.types().keySet());
    return files.stream()
        .map(
            file ->
                DynamicTest.dynamicTest(
                    GOLDEN.relativize(file).toString(),
                    () ->
                        assertThat(decode(Files.readAllBytes(file)).getClass().getSimpleName())
                            .isEqualTo(file.getFileName().toString().replace(".json", ""))));
  }

  @Test
  void fieldsThatANewerSideAddsArePassedOver() throws Exception {
    assertThat(decode("{\"type\":\"Welcome\",\"version\":1,\"mood\":{\"good\":[true]}}"))
        .isEqualTo(new ChannelMessage.Welcome(1));
  }

  @Test
  void fieldsThatAnOlderSideDoesNotHaveAreEmpty() throws Exception {
    assertThat(decode("{\"type\":\"RequestReport\",\"request\":\"r\",\"phase\":\"Used\"}"))
        .isEqualTo(
            new ChannelMessage.RequestReport(
                "r", ApprovalPhase.USED, List.of(), List.of(), Optional.empty(), Optional.empty()));
  }

  @Test
  void typesThatANewerSideAddsAreToldApartFromGarbage() throws Exception {
    assertThat(MessageCodec.decode(utf8("{\"type\":\"Psychic\",\"thought\":1}")))
        .isEqualTo(new Decoded.Unknown("Psychic"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "null",
        "[]",
        "\"Heartbeat\"",
        "{}",
        "{\"type\":1}",
        "{\"type\":\"\"}",
        "{\"type\":\"Heart beat\"}",
        "{\"type\":\"Heartbeat\"} {}",
        "{\"type\":\"Heartbeat\"}x",
        "{\"type\":\"Heartbeat\",\"type\":\"Heartbeat\"}",
        "{\"type\":\"Welcome\",\"version\":1,\"version\":1}",
        "{\"type\":\"Welcome\"}",
        "{\"type\":\"Welcome\",\"version\":null}",
        "{\"type\":\"Welcome\",\"version\":\"1\"}",
        "{\"type\":\"Welcome\",\"version\":1.0}",
        "{\"type\":\"Welcome\",\"version\":1e3}",
        "{\"type\":\"Welcome\",\"version\":NaN}",
        "{\"type\":\"Welcome\",\"version\":4294967297}",
        "{\"type\":\"Welcome\",\"version\":99999999999999999999}",
        "{\"type\":\"Welcome\",\"version\":true}",
        "{'type':'Heartbeat'}",
        "{type:\"Heartbeat\"}",
        "{\"type\":\"Heartbeat\",}",
        "{\"type\":\"Heartbeat\"/**/}",
        "{\"type\":\"Challenge\",\"nonce\":\"AAAA\"}",
        "{\"type\":\"Challenge\",\"nonce\":\"not base64\"}",
        "{\"type\":\"Revoke\",\"session\":[\"s\"]}",
        "{\"type\":\"Revoke\",\"session\":\"\\ud800\"}",
        "{\"type\":\"Configure\",\"revision\":1,\"resources\":{}}",
        "{\"type\":\"Configure\",\"revision\":1,\"resources\":[null]}",
        "{\"type\":\"Configure\",\"revision\":1,\"resources\":[\"x\"]}",
        "{\"type\":\"Decisions\",\"request\":\"r\",\"decisions\":[{\"by\":\"a\",\"verdict\":\"Maybe\"}]}",
        "{\"type\":\"Decisions\",\"request\":\"r\",\"decisions\":[{\"verdict\":\"Deny\"}]}",
        "{\"type\":\"Hello\",\"oldestVersion\":2,\"newestVersion\":1,\"token\":\"\",\"publicKey\":\"\",\"signature\":\"\"}"
      })
  void whatIsNoMessageIsRefused(String json) {
    assertThatThrownBy(() -> MessageCodec.decode(utf8(json)))
        .isInstanceOf(MalformedMessageException.class);
  }

  @Test
  void onlyUtf8IsRead() {
    byte[] utf16 = "{\"type\":\"Heartbeat\"}".getBytes(StandardCharsets.UTF_16LE);
    byte[] latin = "{\"type\":\"Revoke\",\"session\":\"ä\"}".getBytes(StandardCharsets.ISO_8859_1);
    for (byte[] bytes : List.of(utf16, latin)) {
      assertThatThrownBy(() -> MessageCodec.decode(bytes))
          .isInstanceOf(MalformedMessageException.class);
    }
  }

  @Test
  void nestingIsBounded() {
    String deep = "[".repeat(60) + "]".repeat(60);
    assertThatThrownBy(
            () -> MessageCodec.decode(utf8("{\"type\":\"Heartbeat\",\"x\":" + deep + "}")))
        .isInstanceOf(MalformedMessageException.class);
    String deepest = "[".repeat(1_000_000);
    assertThatThrownBy(() -> MessageCodec.decode(utf8("{\"type\":\"Heartbeat\",\"x\":" + deepest)))
        .isInstanceOf(MalformedMessageException.class);
  }

  @Test
  void aSmallFrameCannotBecomeManyObjects() {
    String many = "[" + "[],".repeat(1_000_000) + "[]]";
    assertThatThrownBy(
            () -> MessageCodec.decode(utf8("{\"type\":\"Heartbeat\",\"x\":" + many + "}")))
        .isInstanceOf(MalformedMessageException.class)
        .hasMessageContaining("values");
  }

  @Test
  void whatIsLargerThanAFrameIsNotWritten() {
    ChannelMessage large = new ChannelMessage.Refused("r", "x".repeat(FrameReader.MAX_FRAME));
    assertThatThrownBy(() -> MessageCodec.encode(large))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("Refused");
  }

  @ParameterizedTest
  @MethodSource("samples")
  void everyTruncationIsRefused(ChannelMessage message) {
    byte[] whole = MessageCodec.encode(message);
    for (int i = 0; i < whole.length; i++) {
      byte[] cut = Arrays.copyOf(whole, i);
      assertThatThrownBy(() -> MessageCodec.decode(cut))
          .isInstanceOf(MalformedMessageException.class);
    }
  }

  @Test
  void garbageIsRefusedOrReadButNeverFailsOtherwise() {
    Random random = new Random(20261122);
    Set<String> outcomes = new HashSet<>();
    for (ChannelMessage message : samples()) {
      byte[] whole = MessageCodec.encode(message);
      for (int i = 0; i < 3_000; i++) {
        byte[] changed = whole.clone();
        for (int j = 0; j <= random.nextInt(3); j++) {
          changed[random.nextInt(changed.length)] = (byte) random.nextInt(128);
        }
        try {
          outcomes.add(MessageCodec.decode(changed).getClass().getSimpleName());
        } catch (MalformedMessageException e) {
          outcomes.add("refused");
        }
      }
    }
    assertThat(outcomes).containsExactlyInAnyOrder("Message", "Unknown", "refused");
  }

  @Test
  void whatIsRefusedIsNotRepeated() {
    List<String> garbage =
        List.of(
            Samples.TOKEN,
            "{\"type\":\"Hello\",\"token\":" + Samples.TOKEN + "}",
            "{\"type\":\"Hello\",\"token\":\"" + Samples.TOKEN + "\"}",
            "{\"type\":\"Heartbeat\",\"" + Samples.TOKEN + "\":1,\"" + Samples.TOKEN + "\":2}");
    for (String json : garbage) {
      assertThatThrownBy(() -> MessageCodec.decode(utf8(json)))
          .isInstanceOf(MalformedMessageException.class)
          .hasNoCause()
          .hasMessageNotContaining("a-token");
    }
  }

  @Test
  void aTokenIsNeverShown() {
    for (ChannelMessage message : samples()) {
      assertThat(message.toString()).doesNotContain(Samples.TOKEN);
    }
  }

  @Test
  void aDocumentIsItsOwn() {
    Map<String, Object> inner = new java.util.HashMap<>(Map.of("a", 1L));
    Document document = new Document(Map.of("inner", inner));
    inner.put("a", 2L);
    assertThat(document.fields().get("inner")).isEqualTo(Map.of("a", 1L));
    assertThatThrownBy(() -> new Document(Map.of("x", 1.5)))
        .isInstanceOf(IllegalArgumentException.class);
  }

  private static ChannelMessage decode(String json) throws MalformedMessageException {
    return decode(utf8(json));
  }

  private static ChannelMessage decode(byte[] json) throws MalformedMessageException {
    return ((Decoded.Message) MessageCodec.decode(json)).message();
  }

  private static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
