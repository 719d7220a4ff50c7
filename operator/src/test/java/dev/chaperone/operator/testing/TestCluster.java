package dev.chaperone.operator.testing;

import io.fabric8.kubernetes.api.model.NamedContext;
import io.fabric8.kubernetes.api.model.NamespaceBuilder;
import io.fabric8.kubernetes.api.model.ServiceAccountBuilder;
import io.fabric8.kubernetes.api.model.apiextensions.v1.CustomResourceDefinition;
import io.fabric8.kubernetes.api.model.authentication.TokenRequestBuilder;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * A real API server, seen by one class of tests, which has a namespace of it to itself.
 *
 * <p>It is the cluster of KUBECONFIG where the tests may use that one ({@link ClusterChoice}), and
 * else a control plane that is started once and shared by all classes of this JVM. It has no nodes:
 * pods are accepted and never run. A class with {@link UsesTestNode} is given another one, which
 * has a node.
 */
public final class TestCluster implements AutoCloseable {
  /** The CRDs of this checkout. */
  public static final Path CRDS = Path.of("../crds");

  private static final int CRD_SECONDS = 30;
  private static final int TOOL_SECONDS = 60;
  private static final int CLIENT_MILLIS = 30_000;

  /**
   * What all classes of this JVM share.
   *
   * @param home where tools were built; empty where the cluster was given
   * @param own what was started; empty where the cluster was given
   */
  private record Shared(Path kubeconfig, Optional<Path> home, Optional<ControlPlane> own) {}

  private static Shared shared;
  private static Shared sharedNode;

  /** Why there is no node, once that was tried. */
  private static Optional<String> nodeless = Optional.empty();

  private static boolean reasonPrinted;

  private final Shared cluster;
  private final String namespace;
  private final KubernetesClient client;
  private final Map<List<String>, KubernetesClient> impersonated = new ConcurrentHashMap<>();
  private final List<String> others = new CopyOnWriteArrayList<>();

  private TestCluster(Shared cluster, String namespace) {
    this.cluster = cluster;
    this.namespace = namespace;
    this.client = newClient(cluster.kubeconfig(), namespace);
  }

  /**
   * The cluster with a new namespace.
   *
   * @param name what the namespace's name begins with
   */
  public static TestCluster open(String name) {
    return open(name, shared());
  }

  /** The same with a node. */
  static TestCluster openWithNode(String name) {
    return open(name, Objects.requireNonNull(sharedNode, "no node"));
  }

  private static TestCluster open(String name, Shared shared) {
    String prefix = name.toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9]+", "-");
    String suffix =
        Long.toString(ThreadLocalRandom.current().nextLong(36L * 36 * 36 * 36, 1L << 30), 36);
    TestCluster cluster = new TestCluster(shared, prefix + "-" + suffix);
    cluster
        .client
        .namespaces()
        .resource(
            new NamespaceBuilder()
                .withNewMetadata()
                .withName(cluster.namespace)
                .endMetadata()
                .build())
        .create();
    return cluster;
  }

  private static synchronized Shared shared() {
    if (shared == null) {
      shared = find();
    }
    return shared;
  }

  /**
   * Why there is no cluster to test on; empty where there is one. Prints it once.
   *
   * @param onThisMachine whether it has to reach servers of the tests on the loopback interface
   */
  public static synchronized Optional<String> reasonNotToRun(boolean onThisMachine) {
    ClusterChoice choice = choose();
    String reason = null;
    if (choice instanceof ClusterChoice.None none) {
      reason = none.reason();
    } else if (choice instanceof ClusterChoice.Given given) {
      reason =
          Stream.of("kubectl", "helm")
              .filter(tool -> findTool(tool, Optional.empty()).isEmpty())
              .findFirst()
              .map(tool -> tool + " is not on the PATH")
              .orElse(null);
      if (reason == null && onThisMachine && !isLocal(given)) {
        return Optional.of("the API server is elsewhere and cannot ask servers on this machine");
      }
    }
    if (reason != null && !reasonPrinted) {
      reasonPrinted = true;
      System.err.println("NOT RUN: tests on a real Kubernetes: " + reason);
    }
    return Optional.ofNullable(reason);
  }

  /**
   * Why there is no node to test on; empty where one can be started. Prints it.
   *
   * @param withPostgresql whether PostgreSQL has to run in its pods
   */
  static synchronized Optional<String> reasonNotToRunOnNode(boolean withPostgresql) {
    if (withPostgresql) {
      Optional<String> reason = NodeNeeds.missingPostgresql();
      reason.ifPresent(r -> System.err.println("NOT RUN: tests of an example on a node: " + r));
      if (reason.isPresent()) {
        return reason;
      }
    }
    if (sharedNode == null && nodeless.isEmpty()) {
      nodeless = startNode();
      nodeless.ifPresent(reason -> System.err.println("NOT RUN: tests on a real node: " + reason));
    }
    return nodeless;
  }

  /** Starts the node that all classes share; says why there is none where that does not work. */
  private static Optional<String> startNode() {
    if (!(choose() instanceof ClusterChoice.Own own)) {
      return Optional.of("no node is started beside the cluster of KUBECONFIG, or without one");
    }
    Optional<String> missing =
        NodeNeeds.missing(own.home(), tool -> findTool(tool, Optional.empty()).isPresent());
    if (missing.isPresent()) {
      return missing;
    }
    try {
      ControlPlane node = ControlPlane.startWithNode(own.home());
      Runtime.getRuntime().addShutdownHook(new Thread(node::close));
      sharedNode = new Shared(node.kubeconfig(), Optional.of(own.home()), Optional.of(node));
      return Optional.empty();
    } catch (IllegalStateException e) {
      // A container or a hardened kernel may not let a kubelet work: that is the machine's.
      return Optional.of("no node starts on this machine: " + e.getMessage());
    }
  }

  private static boolean isLocal(ClusterChoice.Given given) {
    String url = Config.fromKubeconfig(given.kubeconfig().toFile()).getMasterUrl();
    return "127.0.0.1".equals(URI.create(url).getHost());
  }

  private static ClusterChoice choose() {
    return ClusterChoice.of(System.getenv(), TestCluster::currentContext);
  }

  private static Shared find() {
    ClusterChoice choice = choose();
    if (choice instanceof ClusterChoice.Given given) {
      return new Shared(given.kubeconfig().toAbsolutePath(), Optional.empty(), Optional.empty());
    }
    if (choice instanceof ClusterChoice.Own own) {
      ControlPlane controlPlane = ControlPlane.start(own.home());
      Runtime.getRuntime().addShutdownHook(new Thread(controlPlane::close));
      return new Shared(
          controlPlane.kubeconfig(), Optional.of(own.home()), Optional.of(controlPlane));
    }
    throw new IllegalStateException(((ClusterChoice.None) choice).reason());
  }

  private static Optional<String> currentContext(Path kubeconfig) {
    try {
      return Optional.ofNullable(Config.fromKubeconfig(kubeconfig.toFile()).getCurrentContext())
          .map(NamedContext::getName);
    } catch (RuntimeException e) {
      throw new IllegalStateException("KUBECONFIG cannot be read: " + kubeconfig, e);
    }
  }

  private static KubernetesClient newClient(
      Path kubeconfig, String namespace, String... userAndGroups) {
    return new KubernetesClientBuilder()
        .withConfig(config(kubeconfig, namespace, userAndGroups))
        .build();
  }

  private static Config config(Path kubeconfig, String namespace, String... userAndGroups) {
    Config config = Config.fromKubeconfig(kubeconfig.toFile());
    config.setNamespace(namespace);
    config.setConnectionTimeout(CLIENT_MILLIS);
    config.setRequestTimeout(CLIENT_MILLIS);
    if (userAndGroups.length > 0) {
      config.setImpersonateUsername(userAndGroups[0]);
      config.setImpersonateGroups(Stream.of(userAndGroups).skip(1).toArray(String[]::new));
    }
    return config;
  }

  /** The namespace of this class of tests. */
  public String namespace() {
    return namespace;
  }

  /**
   * Makes an image of the product, and gives it to the node of the tests' own.
   *
   * @param program {@code sidecar} or {@code operator}
   * @param image its name and tag
   */
  public void makeImage(String program, String image) {
    cluster.own().orElseThrow().makeImage(program, image);
  }

  /**
   * Makes the image of what examples run (see {@code example-image.sh}), and gives it to the node
   * of the tests' own.
   *
   * @param image its name and tag
   * @param classPath what its Java is to find
   */
  public void makeExampleImage(String image, List<Path> classPath) {
    cluster.own().orElseThrow().makeExampleImage(image, classPath);
  }

  /**
   * Kills a daemon of the tests' own control plane, and starts it again as it was.
   *
   * @param daemon such as {@code kube-apiserver}
   */
  public void restart(String daemon) {
    cluster.own().orElseThrow().restart(daemon);
  }

  /**
   * Kills every process of the tests' own cluster and of its node, and starts it on what is on the
   * disk.
   */
  public void loseAndRegainPower() {
    cluster.own().orElseThrow().loseAndRegainPower();
  }

  /** Runs a command in the namespaces of the node, and expects that it succeeds. */
  public String inNode(String... command) {
    return cluster.own().orElseThrow().inNode(command);
  }

  /** A namespace that is dumped too when a test fails. */
  public void alsoDump(String other) {
    others.add(other);
  }

  /** The kubeconfig of the administrator. */
  public Path kubeconfig() {
    return cluster.kubeconfig();
  }

  /** The administrator's client. It is closed with the class. */
  public KubernetesClient client() {
    return client;
  }

  /**
   * The client of somebody else, under the RBAC of the cluster. It is closed with the class.
   *
   * @param user as Kubernetes names them; for a service account see {@link #serviceAccount}
   * @param groups of theirs, beside {@code system:authenticated}; none for a service account means
   *     those that it has
   */
  public KubernetesClient as(String user, String... groups) {
    List<String> who = new ArrayList<>(List.of(user));
    who.addAll(List.of(groups));
    return impersonated.computeIfAbsent(
        who, w -> newClient(cluster.kubeconfig(), namespace, w.toArray(String[]::new)));
  }

  /** Requests by the administrator, as they are on the wire. */
  public Api api() {
    return new Api(client);
  }

  /**
   * The same, each made once: where an error of the server is what is expected, the client does not
   * try for 20 seconds to have another answer.
   */
  public Api apiOnce() {
    Config config = config(cluster.kubeconfig(), namespace);
    config.setRequestRetryBackoffLimit(0);
    return new Api(
        impersonated.computeIfAbsent(
            List.of(), nobody -> new KubernetesClientBuilder().withConfig(config).build()));
  }

  /** Requests by somebody else, as they are on the wire. */
  public Api apiAs(String user, String... groups) {
    return new Api(as(user, groups));
  }

  /**
   * A kubeconfig with nothing but a token of a service account of this namespace.
   *
   * @param server where the API server is found; it is known by the name 127.0.0.1 too
   */
  public Path kubeconfigOf(String account, String server) {
    Config admin = client.getConfiguration();
    String token =
        client
            .serviceAccounts()
            .inNamespace(namespace)
            .withName(account)
            .tokenRequest(new TokenRequestBuilder().withNewSpec().endSpec().build())
            .getStatus()
            .getToken();
    try {
      String authority =
          admin.getCaCertData() != null
              ? admin.getCaCertData()
              : Base64.getEncoder()
                  .encodeToString(Files.readAllBytes(Path.of(admin.getCaCertFile())));
      Path file =
          Path.of("target", "kubeconfig-" + namespace + "-" + URI.create(server).getPort())
              .toAbsolutePath();
      Files.writeString(
          file,
          """
          apiVersion: v1
          kind: Config
          current-context: operator
          clusters:
          - name: cluster
            cluster: {server: "%s", certificate-authority-data: "%s"}
          users:
          - name: operator
            user: {token: "%s"}
          contexts:
          - name: operator
            context: {cluster: cluster, user: operator}
          """
              .formatted(server, authority, token));
      return file;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Where the API server is. */
  public String server() {
    return client.getConfiguration().getMasterUrl();
  }

  /** How Kubernetes names a service account of this namespace as a user. */
  public String serviceAccount(String name) {
    return "system:serviceaccount:" + namespace + ":" + name;
  }

  /** Makes a service account, as pods and impersonation need it. */
  public void createServiceAccount(String name) {
    client
        .serviceAccounts()
        .resource(
            new ServiceAccountBuilder().withNewMetadata().withName(name).endMetadata().build())
        .create();
  }

  /** Applies the CRDs of this checkout, and waits until they are served. */
  public void applyCustomResourceDefinitions() {
    List<Path> files;
    try (Stream<Path> list = Files.list(CRDS)) {
      files = list.filter(file -> file.toString().endsWith(".yaml")).sorted().toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    for (Path file : files) {
      CustomResourceDefinition crd =
          client.apiextensions().v1().customResourceDefinitions().load(file.toFile()).item();
      client.resource(crd).forceConflicts().serverSideApply();
    }
    for (Path file : files) {
      String name = file.getFileName().toString().replace(".yaml", "");
      client
          .apiextensions()
          .v1()
          .customResourceDefinitions()
          .withName(name)
          .waitUntilCondition(TestCluster::isEstablished, CRD_SECONDS, TimeUnit.SECONDS);
    }
  }

  private static boolean isEstablished(CustomResourceDefinition crd) {
    return crd != null
        && crd.getStatus() != null
        && crd.getStatus().getConditions() != null
        && crd.getStatus().getConditions().stream()
            .anyMatch(c -> c.getType().equals("Established") && c.getStatus().equals("True"));
  }

  /** Runs kubectl as the administrator in this namespace; give {@code --as} to be somebody else. */
  public Output kubectl(String... arguments) {
    return kubectl(Map.of(), arguments);
  }

  /** Runs kubectl with more environment variables. */
  public Output kubectl(Map<String, String> environment, String... arguments) {
    Map<String, String> all = new HashMap<>(environment);
    all.putAll(kubectlEnvironment());
    return Command.run(kubectlCommand(arguments), all, TOOL_SECONDS);
  }

  /** A kubectl to be started by the caller, who talks to it while it runs. */
  public ProcessBuilder kubectlProcess(String... arguments) {
    ProcessBuilder kubectl = new ProcessBuilder(kubectlCommand(arguments));
    kubectl.environment().putAll(kubectlEnvironment());
    return kubectl;
  }

  private List<String> kubectlCommand(String... arguments) {
    List<String> command = new ArrayList<>(List.of(tool("kubectl"), "--namespace", namespace));
    command.addAll(List.of(arguments));
    return command;
  }

  private Map<String, String> kubectlEnvironment() {
    return Map.of(
        "KUBECONFIG", kubeconfig().toString(),
        "KUBECACHEDIR", Path.of("target", "kubectl").toAbsolutePath().toString());
  }

  /**
   * Runs a plugin of kubectl in this namespace, as the administrator; give {@code --as} to be
   * somebody else.
   *
   * @param directory where the plugin is
   */
  public Output kubectlPlugin(Path directory, Map<String, String> environment, String... command) {
    return kubectlPluginIn(namespace, directory, environment, command);
  }

  /** The same in another namespace. */
  public Output kubectlPluginIn(
      String other, Path directory, Map<String, String> environment, String... command) {
    String kubectl = tool("kubectl");
    List<String> whole = new ArrayList<>(List.of(kubectl));
    whole.addAll(List.of(command));
    whole.addAll(List.of("--namespace", other));
    Map<String, String> all = new HashMap<>(environment);
    all.put("KUBECONFIG", kubeconfig().toString());
    all.put(
        "PATH",
        String.join(
            File.pathSeparator,
            directory.toString(),
            Path.of(kubectl).getParent().toString(),
            System.getenv("PATH")));
    return Command.run(whole, all, TOOL_SECONDS);
  }

  /** Runs helm as the administrator. */
  public Output helm(String... arguments) {
    List<String> command = new ArrayList<>(List.of(tool("helm")));
    command.addAll(List.of(arguments));
    Path directory = Path.of("target", "helm").toAbsolutePath();
    return Command.run(
        command,
        Map.of(
            "KUBECONFIG", kubeconfig().toString(),
            "HELM_CACHE_HOME", directory.resolve("cache").toString(),
            "HELM_CONFIG_HOME", directory.resolve("config").toString(),
            "HELM_DATA_HOME", directory.resolve("data").toString()),
        TOOL_SECONDS);
  }

  private String tool(String name) {
    return findTool(name, cluster.home())
        .orElseThrow(() -> new IllegalStateException(name + " is not on the PATH"));
  }

  /** A tool as it was built with the cluster, or else as it is installed. */
  private static Optional<String> findTool(String name, Optional<Path> home) {
    List<Path> places = new ArrayList<>();
    home.ifPresent(directory -> places.add(directory.resolve("bin")));
    for (String entry :
        Objects.requireNonNullElse(System.getenv("PATH"), "").split(File.pathSeparator, -1)) {
      if (!entry.isEmpty()) {
        places.add(Path.of(entry));
      }
    }
    return places.stream()
        .map(place -> place.resolve(name))
        .filter(Files::isExecutable)
        .map(Path::toString)
        .findFirst();
  }

  /** Writes what is in its namespaces, for whoever looks into a failed test. No Secrets. */
  void dump(Path file) {
    List<String> namespaces = new ArrayList<>(List.of(namespace));
    namespaces.addAll(others);
    try {
      Files.createDirectories(file.getParent());
      Files.writeString(file, new ClusterDump(client).of(namespaces));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Ends the namespace, without waiting for it. */
  @Override
  public void close() {
    client.namespaces().withName(namespace).delete();
    impersonated.values().forEach(KubernetesClient::close);
    client.close();
  }
}
