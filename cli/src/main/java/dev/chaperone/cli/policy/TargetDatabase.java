package dev.chaperone.cli.policy;

import dev.chaperone.cli.CommandException;
import dev.chaperone.control.translation.ConnectionConfiguration;
import dev.chaperone.control.translation.ConnectionConfiguration.Tls;
import dev.chaperone.crds.v1alpha1.ChannelBinding;
import dev.chaperone.crds.v1alpha1.TlsMode;
import dev.chaperone.crds.v1alpha1.TlsNegotiation;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.Properties;

/** Logs in to a connection's target as the gateway would, under the same TLS settings. */
final class TargetDatabase {
  private static final String TIMEOUT_SECONDS = "15";

  private TargetDatabase() {}

  static Connection open(ConnectionConfiguration configuration) throws SQLException, IOException {
    Tls tls = configuration.tls();
    ConnectionConfiguration.Target target = configuration.target();
    if (tls.clientCertificate().isPresent()) {
      throw CommandException.usage("this command does not log in with client certificates");
    }
    if (tls.mode() == TlsMode.VERIFY_FULL && !tls.serverName().equals(target.host())) {
      throw CommandException.usage(
          "this command verifies the name of the host it connects to, "
              + target.host()
              + ", and the connection wants "
              + tls.serverName());
    }
    Path authorities = null;
    try {
      Properties properties = new Properties();
      properties.setProperty("user", configuration.credentials().username());
      properties.setProperty(
          "password", new String(configuration.credentials().password().chars()));
      properties.setProperty("ApplicationName", "chaperone");
      properties.setProperty("preferQueryMode", "simple");
      properties.setProperty("loginTimeout", TIMEOUT_SECONDS);
      properties.setProperty("sslmode", sslMode(tls.mode()));
      properties.setProperty("channelBinding", channelBinding(tls.channelBinding()));
      properties.setProperty(
          "sslNegotiation", tls.negotiation() == TlsNegotiation.DIRECT ? "direct" : "postgres");
      if (tls.certificateAuthorities().isPresent()) {
        authorities = Files.createTempFile("chaperone-ca", ".pem");
        Files.write(authorities, tls.certificateAuthorities().get().bytes());
        properties.setProperty("sslrootcert", authorities.toString());
      } else if (tls.mode() != TlsMode.DISABLE && tls.mode() != TlsMode.REQUIRE) {
        properties.setProperty("sslfactory", "org.postgresql.ssl.DefaultJavaSSLFactory");
      }
      String host = target.host().contains(":") ? "[" + target.host() + "]" : target.host();
      return DriverManager.getConnection(
          "jdbc:postgresql://" + host + ":" + target.port() + "/" + target.database(), properties);
    } finally {
      if (authorities != null) {
        Files.delete(authorities);
      }
    }
  }

  private static String channelBinding(ChannelBinding binding) {
    return switch (binding) {
      case PREFER -> "prefer";
      case REQUIRE -> "require";
      case DISABLE -> "disable";
    };
  }

  private static String sslMode(TlsMode mode) {
    return switch (mode) {
      case DISABLE -> "disable";
      case REQUIRE -> "require";
      case VERIFY_CA -> "verify-ca";
      case VERIFY_FULL -> "verify-full";
    };
  }
}
