package dev.chaperone.control.resource;

import dev.chaperone.crds.v1alpha1.AccessPolicySpec;
import dev.chaperone.crds.v1alpha1.AgentConnectionSpec;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/** Collects the resources of many files. */
final class ResourceReader {
  private static final String OURS = "chaperone.dev/v1alpha1";
  static final int MAX_SECRET = 1024 * 1024;
  static final Pattern NAME = Pattern.compile("[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?");
  private static final Pattern SECRET_KEY = Pattern.compile("[-._a-zA-Z0-9]{1,253}");
  private static final List<String> METADATA =
      List.of(
          "annotations",
          "creationTimestamp",
          "deletionGracePeriodSeconds",
          "deletionTimestamp",
          "finalizers",
          "generateName",
          "generation",
          "labels",
          "managedFields",
          "name",
          "namespace",
          "ownerReferences",
          "resourceVersion",
          "selfLink",
          "uid");
  private static final List<String> SECRET =
      List.of("apiVersion", "data", "immutable", "kind", "metadata", "stringData", "type");

  /** The schemas of what is read from files; loaded once, used by every later read. */
  private static final class Schemas {
    static final Schema CONNECTION = Schema.ofCrd("agentconnections");
    static final Schema POLICY = Schema.ofCrd("accesspolicies");
  }

  private final List<Problem> problems = new ArrayList<>();
  private final List<String> notices = new ArrayList<>();
  private final List<Resource<AgentConnectionSpec>> connections = new ArrayList<>();
  private final List<Resource<AccessPolicySpec>> policies = new ArrayList<>();
  private final List<Resource<Secret>> secrets = new ArrayList<>();
  private final List<Resource<Pod>> pods = new ArrayList<>();
  private final Map<String, String> seen = new HashMap<>();
  private final boolean takesSecrets;

  /**
   * @param takesSecrets whether Secrets may be among the resources
   */
  ResourceReader(boolean takesSecrets) {
    this.takesSecrets = takesSecrets;
  }

  List<Problem> problems() {
    return problems;
  }

  void notice(String notice) {
    notices.add(notice);
  }

  /** Reads one file. */
  void read(String file, byte[] bytes) {
    for (Tree document : YamlReader.read(file, bytes, problems)) {
      readDocument(file, document);
    }
  }

  /** Everything that was read. */
  ResourceSet finish(String directory) throws InvalidConfigurationException {
    if (pods.isEmpty()) {
      problems.add(
          new Problem(
              directory,
              0,
              0,
              "",
              "there is no Pod; exactly one must say who the agent is: its namespace, labels and"
                  + " serviceAccountName"));
    }
    for (Resource<Pod> extra : pods.subList(Math.min(1, pods.size()), pods.size())) {
      problems.add(
          extra.problem(
              "kind",
              "a second Pod; exactly one says who the agent is, and that is "
                  + pods.get(0).source()));
    }
    if (!problems.isEmpty()) {
      throw new InvalidConfigurationException(problems);
    }
    return new ResourceSet(connections, policies, secrets, pods.get(0), notices);
  }

  /** What was read, where no Pod need be among it. */
  Definitions definitions() throws InvalidConfigurationException {
    if (!problems.isEmpty()) {
      throw new InvalidConfigurationException(problems);
    }
    return new Definitions(connections, policies);
  }

  private void readDocument(String file, Tree document) {
    Source source = new Source(file, document);
    if (!(document instanceof Tree.Mapping root)) {
      problems.add(source.problem("", "not a resource: a document must be a mapping of fields"));
      return;
    }
    Optional<String> kind = text(root, "kind", source);
    Optional<String> apiVersion = text(root, "apiVersion", source);
    if (kind.isEmpty() || apiVersion.isEmpty()) {
      return;
    }
    switch (kind.get()) {
      case "AgentConnection" -> {
        if (checkVersion(apiVersion.get(), OURS, source)) {
          readCustom(root, source, Schemas.CONNECTION, AgentConnectionSpec.class, connections);
        }
      }
      case "AccessPolicy" -> {
        if (checkVersion(apiVersion.get(), OURS, source)) {
          readCustom(root, source, Schemas.POLICY, AccessPolicySpec.class, policies);
        }
      }
      case "Secret" -> {
        if (!takesSecrets) {
          problems.add(source.problem("kind", "a Secret has no business here"));
        } else if (checkVersion(apiVersion.get(), "v1", source)) {
          readSecret(root, source);
        }
      }
      case "Pod" -> {
        if (checkVersion(apiVersion.get(), "v1", source)) {
          readPod(root, source);
        }
      }
      default -> readOther(kind.get(), apiVersion.get(), source);
    }
  }

  private void readOther(String kind, String apiVersion, Source source) {
    List<String> known = List.of("AgentConnection", "AccessPolicy", "Secret", "Pod");
    if (apiVersion.startsWith("chaperone.dev/")
        && !kind.equals("ApprovalRequest")
        && !kind.equals("AgentSession")) {
      problems.add(source.problem("kind", SchemaValidator.unknown("kind", kind, known)));
      return;
    }
    notices.add(
        source
            + ": kind "
            + Quoted.safe(kind)
            + " is ignored; read are "
            + String.join(", ", known));
  }

  private boolean checkVersion(String actual, String expected, Source source) {
    if (actual.equals(expected)) {
      return true;
    }
    problems.add(
        source.problem(
            "apiVersion", "must be " + expected + ", not \"" + Quoted.safe(actual) + "\""));
    return false;
  }

  private Optional<String> text(Tree.Mapping root, String name, Source source) {
    if (root.get(name) instanceof Tree.Scalar scalar && scalar.value() instanceof String text) {
      return Optional.of(text);
    }
    problems.add(
        root.fields().containsKey(name)
            ? source.problem(name, "must be text")
            : source.problem("", "missing required field \"" + name + "\""));
    return Optional.empty();
  }

  private <S> void readCustom(
      Tree.Mapping root, Source source, Schema schema, Class<S> type, List<Resource<S>> into) {
    int before = problems.size();
    Optional<Metadata> metadata = readMetadata(root, source);
    for (Map.Entry<String, Tree.Field> field : root.fields().entrySet()) {
      String name = field.getKey();
      if (!schema.properties().containsKey(name)
          && !List.of("apiVersion", "kind", "metadata").contains(name)) {
        problems.add(
            new Problem(
                source.file(),
                field.getValue().position().line(),
                field.getValue().position().column(),
                "",
                SchemaValidator.unknown(
                    "field", name, List.of("apiVersion", "kind", "metadata", "spec", "status"))));
      }
    }
    Tree spec = root.get("spec");
    if (spec == null) {
      problems.add(source.problem("", "missing required field \"spec\""));
      return;
    }
    Object value =
        new SchemaValidator(source.file(), problems)
            .validate(spec, schema.properties().get("spec"), "spec");
    if (problems.size() == before && metadata.isPresent()) {
      into.add(new Resource<>(metadata.get(), RecordBinder.bind(value, type), source));
    }
  }

  private Optional<Metadata> readMetadata(Tree.Mapping root, Source source) {
    if (!(root.get("metadata") instanceof Tree.Mapping metadata)) {
      problems.add(
          root.fields().containsKey("metadata")
              ? source.problem("metadata", "must be a mapping of fields")
              : source.problem("", "missing required field \"metadata\""));
      return Optional.empty();
    }
    int before = problems.size();
    for (String name : metadata.fields().keySet()) {
      if (!METADATA.contains(name)) {
        problems.add(
            source.problem("metadata." + name, SchemaValidator.unknown("field", name, METADATA)));
      }
    }
    String name = name(metadata, "name", source).orElse("");
    if (!metadata.fields().containsKey("name")) {
      problems.add(source.problem("metadata", "missing required field \"name\""));
    }
    String namespace = name(metadata, "namespace", source).orElse("default");
    Map<String, String> labels = labels(metadata, source);
    if (problems.size() != before) {
      return Optional.empty();
    }
    String kind = ((Tree.Scalar) root.get("kind")).text();
    String earlier = seen.putIfAbsent(kind + " " + namespace + "/" + name, source.toString());
    if (earlier != null) {
      problems.add(
          source.problem(
              "metadata.name",
              "there are two of kind " + kind + " named " + name + "; the other is " + earlier));
      return Optional.empty();
    }
    return Optional.of(
        new Metadata(
            namespace,
            name,
            metadata.get("uid") instanceof Tree.Scalar uid && uid.value() != null ? uid.text() : "",
            metadata.get("generation") instanceof Tree.Scalar generation
                    && generation.value() instanceof Long number
                ? number
                : 1,
            labels));
  }

  private Optional<String> name(Tree.Mapping metadata, String field, Source source) {
    if (!metadata.fields().containsKey(field)) {
      return Optional.empty();
    }
    if (metadata.get(field) instanceof Tree.Scalar scalar
        && scalar.value() instanceof String text
        && NAME.matcher(text).matches()) {
      return Optional.of(text);
    }
    problems.add(
        source.problem(
            "metadata." + field,
            "must be a name: lower-case letters, digits, \"-\" and \".\", at most 253"
                + " characters"));
    return Optional.empty();
  }

  private Map<String, String> labels(Tree.Mapping metadata, Source source) {
    Map<String, String> labels = new LinkedHashMap<>();
    Tree tree = metadata.get("labels");
    if (tree instanceof Tree.Mapping mapping) {
      mapping
          .fields()
          .forEach(
              (key, field) -> {
                if (field.value() instanceof Tree.Scalar scalar
                    && scalar.value() instanceof String text) {
                  labels.put(key, text);
                } else {
                  problems.add(
                      new Problem(
                          source.file(),
                          field.position().line(),
                          field.position().column(),
                          "metadata.labels",
                          "the value of label \""
                              + Quoted.safe(key)
                              + "\" must be text: put it in quotes"));
                }
              });
    } else if (tree != null && !(tree instanceof Tree.Scalar scalar && scalar.value() == null)) {
      problems.add(source.problem("metadata.labels", "must be a mapping of fields"));
    }
    return labels;
  }

  private void readSecret(Tree.Mapping root, Source source) {
    int before = problems.size();
    for (String name : root.fields().keySet()) {
      if (!SECRET.contains(name)) {
        problems.add(source.problem(name, SchemaValidator.unknown("field", name, SECRET)));
      }
    }
    Map<String, byte[]> values = new LinkedHashMap<>();
    readSecretValues(root, "data", source, values);
    readSecretValues(root, "stringData", source, values);
    Optional<Metadata> metadata = readMetadata(root, source);
    if (problems.size() == before && metadata.isPresent()) {
      secrets.add(new Resource<>(metadata.get(), new Secret(values), source));
    }
  }

  /** Values never get into a message. */
  private void readSecretValues(
      Tree.Mapping root, String field, Source source, Map<String, byte[]> values) {
    Tree tree = root.get(field);
    if (tree == null || (tree instanceof Tree.Scalar scalar && scalar.value() == null)) {
      return;
    }
    if (!(tree instanceof Tree.Mapping mapping)) {
      problems.add(source.problem(field, "must be a mapping of fields"));
      return;
    }
    for (Map.Entry<String, Tree.Field> entry : mapping.fields().entrySet()) {
      String key = entry.getKey();
      Tree.Position position = entry.getValue().position();
      String problem = null;
      if (!SECRET_KEY.matcher(key).matches()) {
        problem = "a key consists of letters, digits, \"-\", \"_\" and \".\"";
      } else if (!(entry.getValue().value() instanceof Tree.Scalar scalar)
          || !(scalar.value() instanceof String text)) {
        problem = "the value of key \"" + key + "\" must be text: put it in quotes";
      } else if (field.equals("data")) {
        try {
          values.put(key, Base64.getDecoder().decode(text.replaceAll("[\\r\\n]", "")));
        } catch (IllegalArgumentException e) {
          problem =
              "the value of key \"" + key + "\" is not base64; plain text belongs in stringData";
        }
      } else {
        values.put(key, text.getBytes(StandardCharsets.UTF_8));
      }
      if (problem == null && values.get(key).length > MAX_SECRET) {
        problem = "the value of key \"" + key + "\" is larger than 1 MiB";
      }
      if (problem != null) {
        problems.add(
            new Problem(source.file(), position.line(), position.column(), field, problem));
      }
    }
  }

  private void readPod(Tree.Mapping root, Source source) {
    Optional<Metadata> metadata = readMetadata(root, source);
    String serviceAccount = "default";
    if (root.get("spec") instanceof Tree.Mapping spec
        && spec.fields().containsKey("serviceAccountName")) {
      if (spec.get("serviceAccountName") instanceof Tree.Scalar scalar
          && scalar.value() instanceof String text
          && NAME.matcher(text).matches()) {
        serviceAccount = text;
      } else {
        problems.add(
            source.problem("spec.serviceAccountName", "must be the name of a service account"));
      }
    }
    if (metadata.isPresent()) {
      pods.add(new Resource<>(metadata.get(), new Pod(serviceAccount), source));
    }
  }
}
