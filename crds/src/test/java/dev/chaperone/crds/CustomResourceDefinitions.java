package dev.chaperone.crds;

import com.fasterxml.jackson.annotation.JsonClassDescription;
import dev.chaperone.crds.v1alpha1.AccessPolicy;
import dev.chaperone.crds.v1alpha1.AgentConnection;
import dev.chaperone.crds.v1alpha1.AgentSession;
import dev.chaperone.crds.v1alpha1.ApprovalRequest;
import io.fabric8.crd.generator.annotation.AdditionalPrinterColumn;
import io.fabric8.crdv2.generator.CRDGenerator;
import io.fabric8.kubernetes.api.model.HasMetadata;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.yaml.snakeyaml.DumperOptions;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.constructor.SafeConstructor;

/**
 * Generates the CRDs from the Java types, and finishes what the generator cannot express: the keys
 * of list maps, descriptions of the top levels, the order of printer columns, bounds written as
 * whole numbers.
 */
final class CustomResourceDefinitions {
  /** The resources. */
  static final List<Class<? extends HasMetadata>> TYPES =
      List.of(AgentConnection.class, AccessPolicy.class, ApprovalRequest.class, AgentSession.class);

  /** The lists that are maps: their path in the schema, and the key of their items. */
  private static final Map<String, String> LIST_MAP_KEYS =
      Map.of(
          "spec.decisions", "by",
          "status.decisions", "by",
          "status.conditions", "type",
          "status.connections", "name");

  private CustomResourceDefinitions() {}

  /** The text of every CRD by file name. */
  static SortedMap<String, String> generate() {
    SortedMap<String, String> files = new TreeMap<>();
    for (Class<? extends HasMetadata> type : TYPES) {
      Map<String, Object> crd = map(wholeNumbers(raw(type)));
      finish(crd, type);
      files.put(map(crd.get("metadata")).get("name") + ".yaml", write(crd));
    }
    return files;
  }

  private static Object raw(Class<? extends HasMetadata> type) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    new CRDGenerator()
        .customResourceClasses(List.of(type))
        .forCRDVersions("v1")
        .withParallelGenerationEnabled(false)
        .withOutput(new MemoryOutput(bytes))
        .generate();
    return new Yaml(new SafeConstructor(new LoaderOptions()))
        .load(bytes.toString(StandardCharsets.UTF_8));
  }

  private record MemoryOutput(ByteArrayOutputStream bytes)
      implements CRDGenerator.CRDOutput<ByteArrayOutputStream> {
    @Override
    public ByteArrayOutputStream outputFor(String crdName) {
      return bytes;
    }

    @Override
    public void close() {}
  }

  private static void finish(Map<String, Object> crd, Class<? extends HasMetadata> type) {
    for (Object version : (List<?>) map(crd.get("spec")).get("versions")) {
      Map<String, Object> root = map(map(map(version).get("schema")).get("openAPIV3Schema"));
      root.put("description", type.getAnnotation(JsonClassDescription.class).value());
      Map<String, Object> properties = map(root.get("properties"));
      map(properties.get("spec"))
          .putIfAbsent("description", "What is wanted: written by people and pipelines.");
      map(properties.get("status"))
          .putIfAbsent("description", "What is: written by the operator alone.");
      root.put("required", List.of("spec"));
      sortColumns(map(version), type);
      finishSchema(root, "");
    }
  }

  /** Puts the printer columns in the order in which the type declares them. */
  private static void sortColumns(Map<String, Object> version, Class<? extends HasMetadata> type) {
    List<String> order =
        Arrays.stream(type.getAnnotationsByType(AdditionalPrinterColumn.class))
            .map(AdditionalPrinterColumn::name)
            .toList();
    List<Object> columns = new ArrayList<>((List<?>) version.get("additionalPrinterColumns"));
    columns.sort(Comparator.comparingInt(c -> order.indexOf((String) map(c).get("name"))));
    version.put("additionalPrinterColumns", columns);
  }

  private static void finishSchema(Map<String, Object> schema, String path) {
    if (schema.get("x-kubernetes-validations") instanceof List<?> rules) {
      // An annotation of a record's component is found on its field and on its accessor.
      schema.put("x-kubernetes-validations", rules.stream().distinct().toList());
    }
    String key = LIST_MAP_KEYS.get(path);
    if (key != null) {
      schema.put("x-kubernetes-list-type", "map");
      schema.put("x-kubernetes-list-map-keys", List.of(key));
    }
    if (schema.get("properties") instanceof Map<?, ?> properties) {
      for (Map.Entry<?, ?> property : properties.entrySet()) {
        String name = (String) property.getKey();
        finishSchema(map(property.getValue()), path.isEmpty() ? name : path + "." + name);
      }
    }
    if (schema.get("items") instanceof Map<?, ?> items) {
      finishSchema(map(items), path + "[]");
    }
  }

  /** The generator writes every bound as a floating-point number. */
  private static Object wholeNumbers(Object node) {
    if (node instanceof Map<?, ?> map) {
      Map<Object, Object> whole = new LinkedHashMap<>();
      map.forEach((key, value) -> whole.put(key, wholeNumbers(value)));
      return whole;
    }
    if (node instanceof List<?> list) {
      List<Object> whole = new ArrayList<>();
      list.forEach(item -> whole.add(wholeNumbers(item)));
      return whole;
    }
    if (node instanceof Double number && number == Math.rint(number)) {
      return number.longValue();
    }
    return node;
  }

  private static String write(Map<String, Object> crd) {
    DumperOptions options = new DumperOptions();
    options.setDefaultFlowStyle(DumperOptions.FlowStyle.BLOCK);
    options.setWidth(110);
    options.setSplitLines(true);
    return "# Generated from the Java types of this module; see README.md.\n"
        + new Yaml(options).dump(crd);
  }

  @SuppressWarnings("unchecked")
  static Map<String, Object> map(Object node) {
    return (Map<String, Object>) node;
  }
}
