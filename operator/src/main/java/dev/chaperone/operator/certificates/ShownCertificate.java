package dev.chaperone.operator.certificates;

import dev.chaperone.operator.channel.ServerIdentity;
import java.net.Socket;
import java.security.Principal;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.Optional;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.X509ExtendedKeyManager;

/**
 * The certificate that a server shows, which can be another one at each handshake. Nothing of the
 * server is built anew for that, so there is no moment in which it has none.
 */
public final class ShownCertificate extends X509ExtendedKeyManager {
  /** A handshake names what it chose a moment later: what was shown last stays known. */
  private static final int REMEMBERED = 8;

  private static final String KEY_TYPE = "EC";

  private record Shown(String alias, ServerIdentity identity) {}

  private final Deque<Shown> shown = new ArrayDeque<>();
  private long number;

  /** Shows this one at first. */
  public ShownCertificate(ServerIdentity identity) {
    show(identity);
  }

  /** Shows another one from now on. */
  public synchronized void show(ServerIdentity identity) {
    if (!identity.key().getAlgorithm().equals(KEY_TYPE)) {
      throw new IllegalArgumentException("not a key of an elliptic curve");
    }
    shown.addFirst(new Shown("operator-" + number++, identity));
    if (shown.size() > REMEMBERED) {
      shown.removeLast();
    }
  }

  private synchronized String current() {
    return shown.getFirst().alias();
  }

  private synchronized Optional<ServerIdentity> find(String alias) {
    return shown.stream().filter(one -> one.alias().equals(alias)).map(Shown::identity).findFirst();
  }

  @Override
  public String chooseEngineServerAlias(String keyType, Principal[] issuers, SSLEngine engine) {
    return keyType.equals(KEY_TYPE) ? current() : null;
  }

  @Override
  public String chooseServerAlias(String keyType, Principal[] issuers, Socket socket) {
    return keyType.equals(KEY_TYPE) ? current() : null;
  }

  @Override
  public String[] getServerAliases(String keyType, Principal[] issuers) {
    return keyType.equals(KEY_TYPE) ? new String[] {current()} : null;
  }

  @Override
  public X509Certificate[] getCertificateChain(String alias) {
    return find(alias)
        .map(identity -> identity.chain().toArray(X509Certificate[]::new))
        .orElse(null);
  }

  @Override
  public PrivateKey getPrivateKey(String alias) {
    return find(alias).map(ServerIdentity::key).orElse(null);
  }

  /** A replica is known to the others by the same certificate. */
  @Override
  public String[] getClientAliases(String keyType, Principal[] issuers) {
    return getServerAliases(keyType, issuers);
  }

  @Override
  public String chooseEngineClientAlias(String[] keyTypes, Principal[] issuers, SSLEngine engine) {
    return chooseClientAlias(keyTypes, issuers, null);
  }

  @Override
  public String chooseClientAlias(String[] keyTypes, Principal[] issuers, Socket socket) {
    return Arrays.asList(keyTypes).contains(KEY_TYPE) ? current() : null;
  }
}
