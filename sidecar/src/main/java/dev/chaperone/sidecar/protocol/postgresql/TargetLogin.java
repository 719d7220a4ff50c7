package dev.chaperone.sidecar.protocol.postgresql;

import com.ongres.scram.common.ScramMechanism;
import dev.chaperone.control.translation.ConnectionConfiguration.Credentials;
import dev.chaperone.crds.v1alpha1.ChannelBinding;
import dev.chaperone.sidecar.protocol.postgresql.BodyReader.MalformedMessage;
import dev.chaperone.sidecar.protocol.postgresql.MessageFramer.Disposition;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.ssl.SslHandler;
import io.netty.util.concurrent.Promise;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.cert.Certificate;
import java.security.cert.X509Certificate;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Consumer;
import javax.net.ssl.SSLPeerUnverifiedException;

/**
 * Logs in to the target. PostgreSQL documentation, "Start-up": authentication, settings, key,
 * ready.
 *
 * <p>A password is shown only to a target whose certificate was verified, whether in clear or as an
 * MD5 hash that can be replayed; SCRAM shows nothing.
 */
final class TargetLogin extends ChannelInboundHandlerAdapter implements MessageFramer.Handler {
  private static final int MAX_MESSAGE_BYTES = 64 << 10;
  private static final int MAX_PARAMETERS = 200;

  private static final int AUTHENTICATION_OK = 0;
  private static final int CLEARTEXT_PASSWORD = 3;
  private static final int MD5_PASSWORD = 5;
  private static final int SASL = 10;
  private static final int SASL_CONTINUE = 11;
  private static final int SASL_FINAL = 12;

  private enum State {
    AUTHENTICATING,
    COMPUTING,
    SASL_ANSWERED,
    SASL_DONE,
    AUTHENTICATED
  }

  private final MessageFramer framer = new MessageFramer(this);
  private final TargetAddress address;
  private final Map<String, String> startupParameters;
  private final Credentials credentials;
  private final ScramKeys scramKeys;
  private final Executor computing;
  private final Promise<TargetConnection> result;
  private final Map<String, String> settings = new LinkedHashMap<>();

  private Channel channel;
  private State state = State.AUTHENTICATING;
  private ScramLogin scram;
  private int processId;
  private int cancelKey;

  TargetLogin(
      TargetAddress address,
      Map<String, String> startupParameters,
      Credentials credentials,
      ScramKeys scramKeys,
      Executor computing,
      Promise<TargetConnection> result) {
    this.address = address;
    this.startupParameters = startupParameters;
    this.credentials = credentials;
    this.scramKeys = scramKeys;
    this.computing = computing;
    this.result = result;
  }

  @Override
  public void handlerAdded(ChannelHandlerContext ctx) {
    channel = ctx.channel();
  }

  void begin() {
    Map<String, String> parameters = new LinkedHashMap<>();
    parameters.put("user", credentials.username());
    parameters.putAll(startupParameters);
    send(out -> MessageWriter.startup(out, parameters));
  }

  @Override
  public void channelRead(ChannelHandlerContext ctx, Object message) {
    framer.append(ctx.alloc(), (ByteBuf) message);
    proceed();
  }

  private void proceed() {
    try {
      framer.run();
    } catch (ProtocolViolation e) {
      result.tryFailure(LoginFailure.protocol());
    }
  }

  @Override
  public void channelInactive(ChannelHandlerContext ctx) {
    result.tryFailure(LoginFailure.unreachable());
    framer.close();
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
    result.tryFailure(address.tls().isEnabled() ? LoginFailure.tls() : LoginFailure.unreachable());
  }

  @Override
  public boolean isBlocked() {
    return state == State.COMPUTING || result.isDone();
  }

  @Override
  public int requiredBytes(byte type, int bodyBytes) {
    if (bodyBytes > MAX_MESSAGE_BYTES) {
      throw new ProtocolViolation("target: message too long");
    }
    return bodyBytes;
  }

  @Override
  public Disposition onMessage(byte type, int bodyBytes, ByteBuf buffer, int start, int available) {
    try {
      BodyReader body = new BodyReader(buffer, start, bodyBytes);
      switch (type) {
        case BackendMessage.AUTHENTICATION:
          onAuthentication(body.readInt(), buffer, body.position(), start + bodyBytes);
          break;
        case BackendMessage.PARAMETER_STATUS:
          onParameterStatus(buffer, start, body);
          break;
        case BackendMessage.BACKEND_KEY_DATA:
          require(state == State.AUTHENTICATED && bodyBytes == 2 * Integer.BYTES);
          processId = body.readInt();
          cancelKey = body.readInt();
          break;
        case BackendMessage.NOTICE_RESPONSE:
          break;
        case BackendMessage.ERROR_RESPONSE:
          throw refused(ErrorFields.sqlState(buffer, start, bodyBytes));
        case BackendMessage.READY_FOR_QUERY:
          require(state == State.AUTHENTICATED);
          onReady();
          break;
        default:
          throw LoginFailure.protocol();
      }
    } catch (LoginFailure e) {
      result.tryFailure(e);
    } catch (MalformedMessage e) {
      result.tryFailure(LoginFailure.protocol());
    }
    return Disposition.DROP;
  }

  @Override
  public void forward(ByteBuf messages) {
    messages.release();
  }

  private void onAuthentication(int method, ByteBuf buffer, int position, int end)
      throws LoginFailure, MalformedMessage {
    switch (method) {
      case AUTHENTICATION_OK:
        // A target that skips the last step of SCRAM has not proved that it knows the password.
        require(state == State.AUTHENTICATING || state == State.SASL_DONE);
        requireBoundIfAsked(state == State.SASL_DONE && scram.isBound());
        state = State.AUTHENTICATED;
        break;
      case CLEARTEXT_PASSWORD:
        require(state == State.AUTHENTICATING);
        requireBoundIfAsked(false);
        requireVerified("the target database asks for a password in clear");
        byte[] password = credentials.password().bytes();
        send(out -> MessageWriter.passwordMessage(out, password, true));
        Arrays.fill(password, (byte) 0);
        break;
      case MD5_PASSWORD:
        require(state == State.AUTHENTICATING && end - position == 4);
        requireBoundIfAsked(false);
        requireVerified("the target database asks for an MD5 password");
        byte[] salt = ByteBufUtil.getBytes(buffer, position, 4);
        byte[] hashed = md5(salt);
        send(out -> MessageWriter.passwordMessage(out, hashed, true));
        break;
      case SASL:
        require(state == State.AUTHENTICATING);
        onSasl(buffer, position, end);
        break;
      case SASL_CONTINUE:
        require(state == State.SASL_ANSWERED && scram != null);
        compute(text(buffer, position, end));
        break;
      case SASL_FINAL:
        require(state == State.SASL_ANSWERED && scram != null);
        scram.verify(text(buffer, position, end));
        state = State.SASL_DONE;
        break;
      default:
        throw LoginFailure.unsupportedAuthentication(
            "the target database asks for an authentication method that is not supported");
    }
  }

  private void onSasl(ByteBuf buffer, int position, int end) throws LoginFailure, MalformedMessage {
    boolean plain = false;
    boolean plus = false;
    BodyReader mechanisms = new BodyReader(buffer, position, end - position);
    while (mechanisms.position() < end) {
      int start = mechanisms.position();
      int nul = mechanisms.skipCString();
      String mechanism = text(buffer, start, nul);
      plain |= mechanism.equals(ScramMechanism.SCRAM_SHA_256.getName());
      plus |= mechanism.equals(ScramMechanism.SCRAM_SHA_256_PLUS.getName());
    }
    scram = new ScramLogin(credentials.password(), scramKeys, binding(plain, plus));
    byte[] first = scram.firstMessage();
    send(out -> MessageWriter.saslInitialResponse(out, scram.mechanism(), first));
    state = State.SASL_ANSWERED;
  }

  /** Chooses as libpq does (pg_SASL_init in its fe-auth.c). */
  private ScramBinding binding(boolean plain, boolean plus) throws LoginFailure {
    ChannelBinding wanted = address.tls().channelBinding();
    SslHandler tls = channel.pipeline().get(SslHandler.class);
    // Nobody honest offers to bind to what is not there.
    require(!plus || tls != null);
    if (plus && wanted != ChannelBinding.DISABLE) {
      return ScramBinding.to(endPoint(tls));
    }
    requireBoundIfAsked(false);
    if (!plain) {
      throw LoginFailure.unsupportedAuthentication(
          "the target database does not offer SCRAM-SHA-256");
    }
    return tls == null || wanted == ChannelBinding.DISABLE
        ? ScramBinding.NONE
        : ScramBinding.NOT_OFFERED;
  }

  /** An impostor chooses its certificate: one that cannot be bound to is no way around it. */
  private static byte[] endPoint(SslHandler tls) throws LoginFailure {
    try {
      Certificate[] chain = tls.engine().getSession().getPeerCertificates();
      return TlsServerEndPoint.of((X509Certificate) chain[0]);
    } catch (GeneralSecurityException | SSLPeerUnverifiedException e) {
      throw LoginFailure.notBound(
          "the target database's certificate has a signature that no log-in can be bound to");
    }
  }

  private void requireBoundIfAsked(boolean bound) throws LoginFailure {
    if (!bound && address.tls().channelBinding() == ChannelBinding.REQUIRE) {
      throw LoginFailure.notBound(
          "the target database logs in without channel binding, which the connection requires");
    }
  }

  /** Derives the key on another thread: the target says how long that takes. */
  private void compute(String serverFirst) {
    state = State.COMPUTING;
    try {
      computing.execute(
          () -> {
            try {
              byte[] answer = scram.finalMessage(serverFirst);
              channel
                  .eventLoop()
                  .execute(
                      () -> {
                        send(out -> MessageWriter.passwordMessage(out, answer, false));
                        state = State.SASL_ANSWERED;
                        proceed();
                      });
            } catch (LoginFailure e) {
              result.tryFailure(e);
            } catch (RuntimeException e) {
              result.tryFailure(LoginFailure.protocol());
            }
          });
    } catch (RejectedExecutionException e) {
      result.tryFailure(LoginFailure.timedOut());
    }
  }

  private void onParameterStatus(ByteBuf buffer, int start, BodyReader body)
      throws LoginFailure, MalformedMessage {
    int nameEnd = body.skipCString();
    int valueStart = body.position();
    int valueEnd = body.skipCString();
    require(state == State.AUTHENTICATED && settings.size() < MAX_PARAMETERS);
    settings.put(text(buffer, start, nameEnd), text(buffer, valueStart, valueEnd));
  }

  private void onReady() throws LoginFailure {
    require(
        "UTF8".equals(settings.get("client_encoding"))
            && "on".equals(settings.get("standard_conforming_strings")));
    require(framer.pendingBytes() <= 6);
    channel.config().setAutoRead(false);
    channel.pipeline().remove(this);
    result.trySuccess(new TargetConnection(channel, address, settings, processId, cancelKey));
  }

  /**
   * The server's words for a wrong password are others (28P01) than those for a certificate that is
   * not its own (28000) and for binding that was struck from its offer (08P01); its auth-scram.c,
   * read_client_final_message and read_client_first_message.
   */
  private LoginFailure refused(String sqlState) {
    boolean misbound =
        state == State.SASL_ANSWERED
            && channel.pipeline().get(SslHandler.class) != null
            && address.tls().channelBinding() != ChannelBinding.DISABLE
            && (sqlState.equals(SqlState.INVALID_AUTHORIZATION)
                || sqlState.equals(SqlState.PROTOCOL_VIOLATION));
    return misbound ? LoginFailure.channelBinding() : LoginFailure.refusedByTarget(sqlState);
  }

  private void requireVerified(String what) throws LoginFailure {
    if (!address.tls().verifiesTarget()) {
      throw LoginFailure.unsupportedAuthentication(
          what + ", which is not sent without a verified certificate");
    }
  }

  private static void require(boolean condition) throws LoginFailure {
    if (!condition) {
      throw LoginFailure.protocol();
    }
  }

  /** PostgreSQL documentation, "Start-up": AuthenticationMD5Password. */
  private byte[] md5(byte[] salt) throws LoginFailure {
    byte[] password = credentials.password().bytes();
    try {
      MessageDigest digest = MessageDigest.getInstance("MD5");
      digest.update(password);
      digest.update(credentials.username().getBytes(StandardCharsets.UTF_8));
      byte[] inner = hex(digest.digest());
      digest.update(inner);
      digest.update(salt);
      return ("md5" + HexFormat.of().formatHex(digest.digest()))
          .getBytes(StandardCharsets.US_ASCII);
    } catch (NoSuchAlgorithmException e) {
      throw LoginFailure.unsupportedAuthentication("MD5 is not available in this Java runtime");
    } finally {
      Arrays.fill(password, (byte) 0);
    }
  }

  private static byte[] hex(byte[] bytes) {
    return HexFormat.of().formatHex(bytes).getBytes(StandardCharsets.US_ASCII);
  }

  private static String text(ByteBuf buffer, int start, int end) {
    return buffer.toString(start, end - start, StandardCharsets.UTF_8);
  }

  private void send(Consumer<ByteBuf> writer) {
    ByteBuf out = channel.alloc().buffer(256);
    writer.accept(out);
    channel.writeAndFlush(out);
  }
}
