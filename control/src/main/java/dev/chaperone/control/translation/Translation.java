package dev.chaperone.control.translation;

import dev.chaperone.control.resource.InvalidConfigurationException;
import dev.chaperone.control.resource.Metadata;
import dev.chaperone.control.resource.Pod;
import dev.chaperone.control.resource.Problem;
import dev.chaperone.control.resource.Resource;
import dev.chaperone.control.resource.ResourceSet;
import dev.chaperone.control.resource.Secret;
import dev.chaperone.crds.v1alpha1.AccessPolicySpec;
import dev.chaperone.crds.v1alpha1.AgentConnectionSpec;
import dev.chaperone.crds.v1alpha1.CredentialsSecret;
import dev.chaperone.crds.v1alpha1.ListenTls;
import dev.chaperone.crds.v1alpha1.Recording;
import dev.chaperone.crds.v1alpha1.SecretKeyReference;
import dev.chaperone.policy.Limits;
import dev.chaperone.policy.Names;
import dev.chaperone.policy.Policy;
import dev.chaperone.policy.PolicySet;
import dev.chaperone.policy.Requester;
import dev.chaperone.policy.Subject;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * One set of resources on its way to a configuration; collects every problem before it gives up.
 */
final class Translation {
  private static final int LONGEST_STATUS = 1_000;

  private final ResourceSet resources;
  private final Origin origin;
  private final SecretSource secrets;
  private final long generation;
  private final Subject subject;
  private final List<Problem> problems = new ArrayList<>();
  private final Map<String, String> unresolved = new HashMap<>();

  /** Those of the connection that is being translated. */
  private final List<Problem> secretProblems = new ArrayList<>();

  private final List<String> notices;

  /** Where the resources come from, and with that: what else has looked at them. */
  enum Origin {
    /** Files: nobody has. */
    DIRECTORY,
    /** The operator: admission has judged each of them, and only this pod's part is here. */
    OPERATOR
  }

  Translation(ResourceSet resources, Origin origin, SecretSource secrets, long generation) {
    this.resources = resources;
    this.origin = origin;
    this.secrets = secrets;
    this.generation = generation;
    Resource<Pod> pod = resources.pod();
    this.subject =
        new Subject(
            pod.metadata().namespace(),
            pod.spec().serviceAccountName(),
            Optional.empty(),
            Set.of());
    this.notices = new ArrayList<>(resources.notices());
  }

  Configuration configuration() throws InvalidConfigurationException {
    PolicySet policies = policies();
    List<ConnectionConfiguration> connections = new ArrayList<>();
    Map<Integer, Resource<AgentConnectionSpec>> ports = new HashMap<>();
    for (Resource<AgentConnectionSpec> connection : resources.connections()) {
      UnavailableFeatures.check(connection, problems);
      if (!isServed(connection)) {
        continue;
      }
      if (origin == Origin.DIRECTORY) {
        UnavailableFeatures.notice(connection, notices);
      }
      checkPort(connection, ports);
      translate(connection, policies).ifPresent(connections::add);
    }
    if (!problems.isEmpty()) {
      throw new InvalidConfigurationException(problems);
    }
    connections.sort(
        Comparator.comparing(ConnectionConfiguration::namespace)
            .thenComparing(ConnectionConfiguration::name));
    return new Configuration(generation, connections, unresolved, policies, subject, notices);
  }

  private PolicySet policies() {
    List<Policy> policies = new ArrayList<>();
    for (Resource<AccessPolicySpec> resource : resources.policies()) {
      if (origin == Origin.DIRECTORY) {
        checkConnections(resource);
      }
      PolicyChecks.check(resource, generation, problems).ifPresent(policies::add);
    }
    return PolicySet.of(generation, policies);
  }

  private void checkConnections(Resource<AccessPolicySpec> policy) {
    String namespace = policy.metadata().namespace();
    List<String> known =
        resources.connections().stream()
            .filter(connection -> connection.metadata().namespace().equals(namespace))
            .map(connection -> connection.metadata().name())
            .toList();
    for (int i = 0; i < policy.spec().connections().size(); i++) {
      String name = policy.spec().connections().get(i);
      if (!known.contains(name)) {
        problems.add(
            policy.problem(
                "spec.connections[" + i + "]",
                "there is no AgentConnection \""
                    + name
                    + "\" in namespace "
                    + namespace
                    + Names.nearest(name, known)
                        .map(nearest -> "; did you mean \"" + nearest + "\"?")
                        .orElse("")));
      }
    }
  }

  private boolean isServed(Resource<AgentConnectionSpec> connection) {
    Resource<Pod> pod = resources.pod();
    if (!connection.metadata().namespace().equals(pod.metadata().namespace())) {
      notices.add(
          "AgentConnection "
              + connection.metadata()
              + " is not served: the Pod is in namespace "
              + pod.metadata().namespace());
      return false;
    }
    if (!PodSelection.matches(connection.spec().agents().podSelector(), pod.metadata().labels())) {
      notices.add(
          "AgentConnection "
              + connection.metadata()
              + " is not served: its podSelector does not match the labels of Pod "
              + pod.metadata().name());
      return false;
    }
    return true;
  }

  private void checkPort(
      Resource<AgentConnectionSpec> connection, Map<Integer, Resource<AgentConnectionSpec>> ports) {
    Resource<AgentConnectionSpec> other =
        ports.putIfAbsent(connection.spec().listen().port(), connection);
    if (other != null) {
      problems.add(
          connection.problem(
              "spec.listen.port",
              "port "
                  + connection.spec().listen().port()
                  + " is taken by AgentConnection "
                  + other.metadata()
                  + "; each connection of a pod needs its own"));
    }
  }

  private Optional<ConnectionConfiguration> translate(
      Resource<AgentConnectionSpec> connection, PolicySet policies) {
    int before = problems.size();
    AgentConnectionSpec spec = connection.spec();
    secretProblems.clear();
    ConnectionConfiguration.Tls tls = tls(connection);
    Optional<ConnectionConfiguration.ListenTls> listenTls = listenTls(connection);
    ConnectionConfiguration.Credentials credentials = credentials(connection);
    boolean resolved = secretProblems.isEmpty();
    if (origin == Origin.DIRECTORY) {
      problems.addAll(secretProblems);
    } else if (!resolved) {
      unresolved.put(connection.metadata().name(), inShort(secretProblems));
    }
    ConnectionConfiguration.Bounds bounds = ConnectionChecks.bounds(connection, problems);
    if (problems.size() != before || !resolved || spec.target().database() == null) {
      return Optional.empty();
    }
    String namespace = connection.metadata().namespace();
    String name = connection.metadata().name();
    Requester requester = new Requester(subject, namespace, name, Map.of());
    if (policies.policies(requester).isEmpty()) {
      notices.add(
          "AgentConnection "
              + connection.metadata()
              + ": no AccessPolicy governs service account "
              + subject.serviceAccount()
              + ", so everything is denied");
    }
    Limits limits = policies.limits(requester);
    return Optional.of(
        new ConnectionConfiguration(
            namespace,
            name,
            spec.protocol(),
            new ConnectionConfiguration.Target(
                spec.target().host(), spec.target().port(), spec.target().database()),
            tls,
            credentials,
            spec.listen().port(),
            listenTls,
            bounds,
            limits,
            recording(spec.recording()),
            Duration.ofSeconds(spec.leaseSeconds()),
            spec.suspended(),
            subject,
            pod()));
  }

  /** As it fits in a status. */
  private static String inShort(List<Problem> problems) {
    String all =
        problems.stream()
            .map(problem -> problem.path() + ": " + problem.message())
            .distinct()
            .collect(Collectors.joining("; "));
    return all.length() <= LONGEST_STATUS ? all : all.substring(0, LONGEST_STATUS - 3) + "...";
  }

  private ConnectionConfiguration.AgentPod pod() {
    Metadata pod = resources.pod().metadata();
    return new ConnectionConfiguration.AgentPod(
        pod.name(), pod.uid().isEmpty() ? ConnectionConfiguration.AgentPod.STANDALONE : pod.uid());
  }

  private static ConnectionConfiguration.Recording recording(Recording said) {
    return new ConnectionConfiguration.Recording(
        said.responses(),
        said.maxRowsPerOperation(),
        said.onUnavailable(),
        said.durability(),
        Quantities.duration(said.retention()));
  }

  private ConnectionConfiguration.Tls tls(Resource<AgentConnectionSpec> connection) {
    dev.chaperone.crds.v1alpha1.Tls tls = connection.spec().target().tls();
    Optional<SecretBytes> authorities = Optional.empty();
    SecretKeyReference ca = tls.caSecretRef();
    if (ca != null) {
      String path = "spec.target.tls.caSecretRef";
      authorities =
          value(connection, path, ca.name(), ca.key())
              .filter(pem -> certificates(connection, path, ca.name(), ca.key(), pem).isPresent());
    }
    return new ConnectionConfiguration.Tls(
        tls.mode(),
        tls.serverName() == null ? connection.spec().target().host() : tls.serverName(),
        authorities,
        Optional.ofNullable(tls.clientCertificateSecretRef())
            .flatMap(
                secret ->
                    certifiedKey(
                        connection, "spec.target.tls.clientCertificateSecretRef", secret.name())),
        tls.channelBinding(),
        tls.negotiation());
  }

  private Optional<ConnectionConfiguration.ListenTls> listenTls(
      Resource<AgentConnectionSpec> connection) {
    ListenTls tls = connection.spec().listen().tls();
    if (tls == null) {
      return Optional.empty();
    }
    return certifiedKey(connection, "spec.listen.tls.secretRef", tls.secretRef().name())
        .map(key -> new ConnectionConfiguration.ListenTls(key, tls.required()));
  }

  /** What a Secret of type kubernetes.io/tls holds. */
  private Optional<CertifiedKey> certifiedKey(
      Resource<AgentConnectionSpec> connection, String path, String name) {
    Optional<SecretBytes> certificate = value(connection, path, name, "tls.crt");
    Optional<SecretBytes> key = value(connection, path, name, "tls.key");
    Optional<List<X509Certificate>> chain =
        certificate.flatMap(pem -> certificates(connection, path, name, "tls.crt", pem));
    if (chain.isEmpty() || key.isEmpty()) {
      return Optional.empty();
    }
    byte[] bytes = key.get().bytes();
    try {
      PrivateKey read = Pem.privateKey(bytes, chain.get().get(0).getPublicKey());
      return Optional.of(new CertifiedKey(chain.get(), read));
    } catch (PemException e) {
      secretProblems.add(unusable(connection, path, name, "tls.key", e));
      return Optional.empty();
    } finally {
      Arrays.fill(bytes, (byte) 0);
    }
  }

  private Optional<List<X509Certificate>> certificates(
      Resource<AgentConnectionSpec> connection,
      String path,
      String name,
      String key,
      SecretBytes pem) {
    try {
      return Optional.of(Pem.certificates(pem.bytes()));
    } catch (PemException e) {
      secretProblems.add(unusable(connection, path, name, key, e));
      return Optional.empty();
    }
  }

  private static Problem unusable(
      Resource<AgentConnectionSpec> connection,
      String path,
      String name,
      String key,
      PemException cause) {
    return connection.problem(
        path, "key \"" + key + "\" of Secret \"" + name + "\" " + cause.getMessage());
  }

  private ConnectionConfiguration.Credentials credentials(
      Resource<AgentConnectionSpec> connection) {
    CredentialsSecret secret = connection.spec().credentials().secretRef();
    String path = "spec.credentials.secretRef";
    Optional<SecretBytes> username = value(connection, path, secret.name(), secret.usernameKey());
    Optional<SecretBytes> password = value(connection, path, secret.name(), secret.passwordKey());
    Optional<String> name =
        username.flatMap(u -> text(connection, path, secret.name(), secret.usernameKey(), u));
    if (password.isPresent()) {
      text(connection, path, secret.name(), secret.passwordKey(), password.get());
    }
    return name.isPresent() && password.isPresent()
        ? new ConnectionConfiguration.Credentials(name.get(), password.get())
        : null;
  }

  /** A value of a Secret; where it is missing the problem names Secret and key. */
  private Optional<SecretBytes> value(
      Resource<AgentConnectionSpec> connection, String path, String name, String key) {
    String namespace = connection.metadata().namespace();
    Optional<Secret> secret = secrets.secret(connection.metadata(), name);
    if (secret.isEmpty()) {
      secretProblems.add(
          connection.problem(
              path, "there is no Secret \"" + name + "\" in namespace " + namespace));
      return Optional.empty();
    }
    Optional<byte[]> value = secret.get().get(key);
    if (value.isEmpty()) {
      secretProblems.add(
          connection.problem(
              path,
              "Secret \""
                  + name
                  + "\" has no key \""
                  + key
                  + "\"; it has: "
                  + String.join(", ", secret.get().keys())));
    } else if (value.get().length == 0) {
      secretProblems.add(
          connection.problem(path, "key \"" + key + "\" of Secret \"" + name + "\" is empty"));
      return Optional.empty();
    }
    return value.map(SecretBytes::new);
  }

  private Optional<String> text(
      Resource<AgentConnectionSpec> connection,
      String path,
      String name,
      String key,
      SecretBytes value) {
    try {
      String text =
          StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(value.bytes())).toString();
      if (text.indexOf('\0') < 0) {
        return Optional.of(text);
      }
    } catch (CharacterCodingException e) {
      // Said below.
    }
    secretProblems.add(
        connection.problem(
            path, "key \"" + key + "\" of Secret \"" + name + "\" is not text (UTF-8)"));
    return Optional.empty();
  }
}
