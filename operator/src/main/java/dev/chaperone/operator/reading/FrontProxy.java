package dev.chaperone.operator.reading;

import dev.chaperone.operator.admission.AdmissionRequest.User;
import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.informers.ResourceEventHandler;
import io.fabric8.kubernetes.client.informers.SharedIndexInformer;
import io.vertx.core.MultiMap;
import java.io.IOException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * Tells for whom the API server asks. It is believed by its client certificate alone, which is held
 * against what the API server says of itself at that moment, at each request; headers of anybody
 * else are nothing. The rules are those of the server library of Kubernetes (authentication,
 * request/headerrequest).
 */
final class FrontProxy implements AutoCloseable {
  static final String NAMESPACE = "kube-system";
  static final String CONFIG_MAP = "extension-apiserver-authentication";

  private static final System.Logger LOGGER = System.getLogger(FrontProxy.class.getName());

  private final SharedIndexInformer<ConfigMap> informer;

  /** Null where nobody is believed. */
  private volatile FrontProxySettings settings;

  private FrontProxy(KubernetesClient client) {
    informer = client.configMaps().inNamespace(NAMESPACE).withName(CONFIG_MAP).runnableInformer(0);
    informer.addEventHandler(
        new ResourceEventHandler<>() {
          @Override
          public void onAdd(ConfigMap map) {
            set(map);
          }

          @Override
          public void onUpdate(ConfigMap before, ConfigMap now) {
            set(now);
          }

          @Override
          public void onDelete(ConfigMap map, boolean unknown) {
            set(null);
          }
        });
    informer.exceptionHandler(
        (started, failure) -> {
          LOGGER.log(
              System.Logger.Level.WARNING,
              "{0}/{1} cannot be looked at, which is tried again: {2}",
              NAMESPACE,
              CONFIG_MAP,
              failure.getClass().getSimpleName());
          return true;
        });
  }

  /** Begins to look at what the API server says of itself. */
  static FrontProxy start(KubernetesClient client) {
    FrontProxy proxy = new FrontProxy(client);
    proxy.informer.start();
    return proxy;
  }

  private void set(ConfigMap map) {
    try {
      settings =
          map == null
              ? null
              : FrontProxySettings.read(Objects.requireNonNullElse(map.getData(), Map.of()));
      LOGGER.log(
          System.Logger.Level.INFO,
          settings == null ? "no front proxy is known any more" : "the front proxy is known");
    } catch (IOException e) {
      settings = null;
      LOGGER.log(
          System.Logger.Level.ERROR,
          "recordings cannot be read: ConfigMap {0}/{1}: {2}",
          NAMESPACE,
          CONFIG_MAP,
          e.getMessage());
    }
  }

  /**
   * For whom it is asked.
   *
   * @param chain what the client has shown in TLS, and proved the key of; empty for nothing
   * @return empty where the client is not the API server, or does not say
   */
  Optional<User> authenticate(List<X509Certificate> chain, MultiMap headers) {
    FrontProxySettings now = settings;
    return now == null ? Optional.empty() : authenticate(now, chain, headers);
  }

  static Optional<User> authenticate(
      FrontProxySettings settings, List<X509Certificate> chain, MultiMap headers) {
    if (!ClientCertificates.isOf(settings.authorities(), chain)) {
      return Optional.empty();
    }
    String name = ClientCertificates.commonName(chain.get(0));
    if (!settings.allowedNames().isEmpty() && !settings.allowedNames().contains(name)) {
      return Optional.empty();
    }
    String user = first(headers, settings.userHeaders());
    if (user.isEmpty()) {
      return Optional.empty();
    }
    List<String> groups = new ArrayList<>();
    settings.groupHeaders().forEach(header -> groups.addAll(headers.getAll(header)));
    return Optional.of(
        new User(
            user,
            first(headers, settings.uidHeaders()),
            groups,
            extra(headers, settings.extraPrefixes())));
  }

  private static String first(MultiMap headers, List<String> names) {
    for (String name : names) {
      String value = headers.get(name);
      if (value != null && !value.isEmpty()) {
        return value;
      }
    }
    return "";
  }

  private static Map<String, List<String>> extra(MultiMap headers, List<String> prefixes) {
    Map<String, List<String>> extra = new HashMap<>();
    for (String prefix : prefixes) {
      String lower = prefix.toLowerCase(Locale.ROOT);
      for (String name : headers.names()) {
        String header = name.toLowerCase(Locale.ROOT);
        if (header.startsWith(lower)) {
          extra
              .computeIfAbsent(
                  unescaped(header.substring(lower.length())), key -> new ArrayList<>())
              .addAll(headers.getAll(name));
        }
      }
    }
    return extra;
  }

  /** Percent signs stand for what a header's name cannot hold. */
  private static String unescaped(String key) {
    try {
      return URLDecoder.decode(key.replace("+", "%2B"), StandardCharsets.UTF_8);
    } catch (IllegalArgumentException e) {
      return key;
    }
  }

  @Override
  public void close() {
    informer.close();
  }
}
