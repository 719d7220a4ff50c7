package dev.chaperone.control.resource;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cel.common.CelOptions;
import dev.cel.common.types.SimpleType;
import dev.cel.compiler.CelCompiler;
import dev.cel.compiler.CelCompilerFactory;
import dev.cel.parser.CelStandardMacro;
import dev.cel.runtime.CelEvaluationException;
import dev.cel.runtime.CelRuntime;
import dev.cel.runtime.CelRuntimeFactory;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Holds the rules in Java against the CEL of the CRDs, over every file of the resource tests. */
class CrossFieldRulesTest {
  private static final CelOptions OPTIONS =
      CelOptions.current().enableHeterogeneousNumericComparisons(true).build();
  private static final CelCompiler COMPILER =
      CelCompilerFactory.standardCelCompilerBuilder()
          .setOptions(OPTIONS)
          .setStandardMacros(CelStandardMacro.STANDARD_MACROS)
          .addVar("self", SimpleType.DYN)
          .addVar("oldSelf", SimpleType.DYN)
          .build();
  private static final CelRuntime RUNTIME =
      CelRuntimeFactory.plannerRuntimeBuilder().setOptions(OPTIONS).build();

  private final Set<String> held = new TreeSet<>();
  private final Set<String> broken = new TreeSet<>();
  private final Set<String> known = new TreeSet<>();

  @Test
  void sayWhatTheCrdsSay() throws Exception {
    check("AgentConnection", "agentconnections");
    check("AccessPolicy", "accesspolicies");
    assertThat(held).as("rules that held in some file").isEqualTo(known);
    assertThat(broken).as("rules that some file broke").isEqualTo(known);
  }

  @Test
  void everyRuleOfEveryCrdCompiles() throws Exception {
    for (String plural :
        List.of("agentconnections", "accesspolicies", "approvalrequests", "agentsessions")) {
      compile(crd(plural));
    }
  }

  private static void compile(Object node) throws Exception {
    if (node instanceof Map<?, ?> map) {
      if (map.get("rule") instanceof String rule && map.containsKey("message")) {
        assertThat(COMPILER.compile(rule).getErrors()).as(rule).isEmpty();
      }
      for (Object child : map.values()) {
        compile(child);
      }
    } else if (node instanceof List<?> list) {
      for (Object child : list) {
        compile(child);
      }
    }
  }

  private void check(String kind, String plural) throws Exception {
    Schema schema = Schema.ofCrd(plural).properties().get("spec");
    Map<?, ?> crd = (Map<?, ?>) crd(plural);
    Map<?, ?> version =
        (Map<?, ?>) ((List<?>) ((Map<?, ?>) crd.get("spec")).get("versions")).get(0);
    Map<?, ?> root = (Map<?, ?>) ((Map<?, ?>) version.get("schema")).get("openAPIV3Schema");
    Map<?, ?> spec = (Map<?, ?>) ((Map<?, ?>) root.get("properties")).get("spec");
    for (Path file : files()) {
      for (Tree document : YamlReader.read("f", Files.readAllBytes(file), new ArrayList<>())) {
        if (document instanceof Tree.Mapping mapping
            && mapping.get("kind") instanceof Tree.Scalar scalar
            && kind.equals(scalar.value())
            && mapping.get("spec") != null) {
          Object value =
              new SchemaValidator("f", new ArrayList<>())
                  .validate(mapping.get("spec"), schema, "spec");
          walk(value, spec);
        }
      }
    }
  }

  private static Object crd(String plural) throws IOException {
    try (InputStream in =
        Schema.class.getResourceAsStream(
            "/META-INF/chaperone/crds/" + plural + ".chaperone.dev.yaml")) {
      return Schema.plain(YamlReader.read(plural, in.readAllBytes(), new ArrayList<>()).get(0));
    }
  }

  private static List<Path> files() throws IOException {
    try (Stream<Path> files = Files.walk(Path.of("src/test/resources/resources"))) {
      return files.filter(Files::isRegularFile).sorted().toList();
    }
  }

  private void walk(Object value, Map<?, ?> schema) throws Exception {
    if (schema.get("x-kubernetes-validations") instanceof List<?> rules) {
      for (Object rule : rules) {
        compare(value, (Map<?, ?>) rule);
      }
    }
    if (value instanceof Map<?, ?> map
        && schema.get("properties") instanceof Map<?, ?> properties) {
      for (Map.Entry<?, ?> entry : map.entrySet()) {
        walk(entry.getValue(), (Map<?, ?>) properties.get(entry.getKey()));
      }
    } else if (value instanceof List<?> list) {
      for (Object item : list) {
        walk(item, (Map<?, ?>) schema.get("items"));
      }
    }
  }

  private void compare(Object value, Map<?, ?> rule) throws Exception {
    String message = (String) rule.get("message");
    known.add(message);
    Object expected;
    try {
      expected =
          RUNTIME
              .createProgram(COMPILER.compile((String) rule.get("rule")).getAst())
              .eval(Map.of("self", value));
    } catch (CelEvaluationException e) {
      return; // The value is not of the schema's form: the API server would not ask either.
    }
    boolean holds = CrossFieldRules.check(List.of(message), value).isEmpty();
    assertThat(holds).as("%s for %s", message, value).isEqualTo(expected);
    (holds ? held : broken).add(message);
  }
}
