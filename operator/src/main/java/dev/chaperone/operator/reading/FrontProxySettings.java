package dev.chaperone.operator.reading;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * How the API server proves that it asks for somebody, as it says in the ConfigMap {@code
 * kube-system/extension-apiserver-authentication}.
 *
 * @param authorities sign its client certificate
 * @param allowedNames common names that the certificate may have; empty for any
 * @param userHeaders where the user's name is
 * @param uidHeaders where the user's uid is
 * @param groupHeaders where the groups are
 * @param extraPrefixes of headers with what else is known of the user
 */
record FrontProxySettings(
    List<X509Certificate> authorities,
    List<String> allowedNames,
    List<String> userHeaders,
    List<String> uidHeaders,
    List<String> groupHeaders,
    List<String> extraPrefixes) {
  private static final ObjectMapper JSON = new ObjectMapper();

  FrontProxySettings {
    authorities = List.copyOf(authorities);
    allowedNames = List.copyOf(allowedNames);
    userHeaders = List.copyOf(userHeaders);
    uidHeaders = List.copyOf(uidHeaders);
    groupHeaders = List.copyOf(groupHeaders);
    extraPrefixes = List.copyOf(extraPrefixes);
  }

  /**
   * Reads the ConfigMap's data.
   *
   * @throws IOException where it cannot be read, or names no authority or no header for users: then
   *     nobody is believed
   */
  static FrontProxySettings read(Map<String, String> data) throws IOException {
    List<X509Certificate> authorities = authorities(data.get("requestheader-client-ca-file"));
    List<String> userHeaders = list(data, "requestheader-username-headers");
    if (authorities.isEmpty() || userHeaders.isEmpty()) {
      throw new IOException("it has no authority of a front proxy; the aggregation layer is off");
    }
    return new FrontProxySettings(
        authorities,
        list(data, "requestheader-allowed-names"),
        userHeaders,
        list(data, "requestheader-uid-headers"),
        list(data, "requestheader-group-headers"),
        list(data, "requestheader-extra-headers-prefix"));
  }

  private static List<X509Certificate> authorities(String pem) throws IOException {
    if (pem == null || pem.isBlank()) {
      return List.of();
    }
    try {
      return CertificateFactory.getInstance("X.509")
          .generateCertificates(new ByteArrayInputStream(pem.getBytes(StandardCharsets.UTF_8)))
          .stream()
          .map(X509Certificate.class::cast)
          .toList();
    } catch (CertificateException e) {
      throw new IOException("requestheader-client-ca-file holds no certificates", e);
    }
  }

  private static List<String> list(Map<String, String> data, String key) throws IOException {
    String text = data.get(key);
    List<String> values = new ArrayList<>();
    if (text == null || text.isBlank()) {
      return values;
    }
    try {
      JsonNode list = JSON.readTree(text);
      if (!list.isArray()) {
        throw new IOException(key + " is no list");
      }
      for (JsonNode one : list) {
        if (!one.isTextual() || one.textValue().isEmpty()) {
          throw new IOException(key + " holds something else than texts");
        }
        values.add(one.textValue());
      }
      return values;
    } catch (JsonProcessingException e) {
      throw new IOException(key + " is no list", e);
    }
  }
}
