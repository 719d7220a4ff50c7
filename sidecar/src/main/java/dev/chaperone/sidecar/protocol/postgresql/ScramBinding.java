package dev.chaperone.sidecar.protocol.postgresql;

import com.ongres.scram.common.Gs2CbindFlag;
import com.ongres.scram.common.ScramMechanism;

/**
 * What a SCRAM log-in says of the TLS connection it runs on; RFC 5802, section 6.
 *
 * <p>The server is told of each case, in what the password signs: somebody in between can neither
 * put their own certificate in the place of the target's, nor strike SCRAM-SHA-256-PLUS from what
 * the target offers.
 */
final class ScramBinding {
  /** The gateway does not bind: there is no TLS, or the connection says so. */
  static final ScramBinding NONE = new ScramBinding(Gs2CbindFlag.CLIENT_NOT, new byte[0]);

  /** The gateway would bind, and the target seems not to. */
  static final ScramBinding NOT_OFFERED =
      new ScramBinding(Gs2CbindFlag.CLIENT_YES_SERVER_NOT, new byte[0]);

  private final Gs2CbindFlag flag;
  private final byte[] data;

  private ScramBinding(Gs2CbindFlag flag, byte[] data) {
    this.flag = flag;
    this.data = data;
  }

  /** The log-in is bound to the target's certificate, by {@link TlsServerEndPoint}. */
  static ScramBinding to(byte[] endPoint) {
    return new ScramBinding(Gs2CbindFlag.CHANNEL_BINDING_REQUIRED, endPoint.clone());
  }

  boolean isBound() {
    return flag == Gs2CbindFlag.CHANNEL_BINDING_REQUIRED;
  }

  Gs2CbindFlag flag() {
    return flag;
  }

  ScramMechanism mechanism() {
    return isBound() ? ScramMechanism.SCRAM_SHA_256_PLUS : ScramMechanism.SCRAM_SHA_256;
  }

  /** The name of the kind of binding, in the first message; null where there is none. */
  String type() {
    return isBound() ? TlsServerEndPoint.TYPE : null;
  }

  /** Not to be modified; empty where nothing is bound. */
  byte[] data() {
    return data;
  }
}
