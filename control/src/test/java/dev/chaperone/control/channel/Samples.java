package dev.chaperone.control.channel;

import dev.chaperone.control.channel.ChannelMessage.ApprovalRequested;
import dev.chaperone.control.channel.ChannelMessage.Challenge;
import dev.chaperone.control.channel.ChannelMessage.ConditionsReport;
import dev.chaperone.control.channel.ChannelMessage.ConfigurationApplied;
import dev.chaperone.control.channel.ChannelMessage.ConfigurationRejected;
import dev.chaperone.control.channel.ChannelMessage.Configure;
import dev.chaperone.control.channel.ChannelMessage.Decisions;
import dev.chaperone.control.channel.ChannelMessage.Health;
import dev.chaperone.control.channel.ChannelMessage.Heartbeat;
import dev.chaperone.control.channel.ChannelMessage.Hello;
import dev.chaperone.control.channel.ChannelMessage.IgnoredDecision;
import dev.chaperone.control.channel.ChannelMessage.NotUnderstood;
import dev.chaperone.control.channel.ChannelMessage.RecordingOffered;
import dev.chaperone.control.channel.ChannelMessage.RecordingPiece;
import dev.chaperone.control.channel.ChannelMessage.RecordingRefused;
import dev.chaperone.control.channel.ChannelMessage.RecordingStored;
import dev.chaperone.control.channel.ChannelMessage.RecordingWanted;
import dev.chaperone.control.channel.ChannelMessage.RecordingsKept;
import dev.chaperone.control.channel.ChannelMessage.Refused;
import dev.chaperone.control.channel.ChannelMessage.RequestGone;
import dev.chaperone.control.channel.ChannelMessage.RequestReport;
import dev.chaperone.control.channel.ChannelMessage.RequestSettled;
import dev.chaperone.control.channel.ChannelMessage.RequestShown;
import dev.chaperone.control.channel.ChannelMessage.Revoke;
import dev.chaperone.control.channel.ChannelMessage.SessionEnded;
import dev.chaperone.control.channel.ChannelMessage.SessionProgress;
import dev.chaperone.control.channel.ChannelMessage.SessionStarted;
import dev.chaperone.control.channel.ChannelMessage.Welcome;
import dev.chaperone.control.resource.Metadata;
import dev.chaperone.control.translation.SecretBytes;
import dev.chaperone.crds.v1alpha1.ApprovalDecision;
import dev.chaperone.crds.v1alpha1.ApprovalPhase;
import dev.chaperone.crds.v1alpha1.ApprovalVerdict;
import dev.chaperone.crds.v1alpha1.Condition;
import dev.chaperone.crds.v1alpha1.ConditionStatus;
import dev.chaperone.crds.v1alpha1.Effect;
import dev.chaperone.crds.v1alpha1.ObservedDecision;
import dev.chaperone.crds.v1alpha1.OperationCounts;
import dev.chaperone.crds.v1alpha1.Protocol;
import dev.chaperone.crds.v1alpha1.RecordingState;
import dev.chaperone.crds.v1alpha1.Request;
import dev.chaperone.crds.v1alpha1.RequestAccess;
import dev.chaperone.crds.v1alpha1.RequestApprovers;
import dev.chaperone.crds.v1alpha1.RequestOperation;
import dev.chaperone.crds.v1alpha1.RequestParameter;
import dev.chaperone.crds.v1alpha1.RequestPolicy;
import dev.chaperone.crds.v1alpha1.RequestRequester;
import dev.chaperone.crds.v1alpha1.SessionIdentity;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** One message of every type, always the same. */
final class Samples {
  static final String TOKEN = "a-token-that-is-never-shown";

  private Samples() {}

  static List<ChannelMessage> all() {
    return List.of(
        new Challenge(new Bytes(new byte[32])),
        new Hello(
            1,
            2,
            new SecretBytes(TOKEN.getBytes(StandardCharsets.UTF_8)),
            new Bytes(new byte[44]),
            new Bytes(new byte[64])),
        new Welcome(1),
        new Refused("token-invalid", "the token is not valid"),
        new Heartbeat(),
        new NotUnderstood("Psychic"),
        new Configure(
            7,
            List.of(
                Document.pod(
                    new Metadata("support", "agent-0", "uid-1", 1, Map.of("app", "support-agent")),
                    "support-agent"),
                new Document(
                    // In an order of their own: golden files are compared as text.
                    new TreeMap<>(
                        Map.of("list", List.of(1L, "two", true), "text", "naïve \uD83D\uDE00"))))),
        new ConfigurationApplied(7),
        new ConfigurationRejected(8, List.of("AccessPolicy support/p: spec.rules: is wrong")),
        new Revoke("agent-0-orders-db-bcdfghjk"),
        new Decisions(
            "orders-db-bcdfgh",
            List.of(
                new ApprovalDecision("alice", ApprovalVerdict.APPROVE, "looks right"),
                new ApprovalDecision("bob", ApprovalVerdict.DENY, null))),
        new RequestShown("orders-db-bcdfgh"),
        new RequestGone("orders-db-bcdfgh", "the request was deleted"),
        new RequestSettled("orders-db-bcdfgh"),
        new SessionStarted(
            "agent-0-orders-db-bcdfghjk",
            "orders-db",
            new SessionIdentity("support-agent", null, null),
            "2026-11-22T05:00:00Z"),
        new SessionProgress(
            "agent-0-orders-db-bcdfghjk",
            new OperationCounts(812L, 3L, 1L),
            2210,
            18220,
            "2026-11-22T05:01:00Z",
            new RecordingState("recordings/a", "sha256:" + "0".repeat(64), 1640L)),
        new SessionEnded("agent-0-orders-db-bcdfghjk", true),
        new ApprovalRequested("orders-db-bcdfgh", request(), "2026-11-22T05:00:30Z"),
        new RequestReport(
            "orders-db-bcdfgh",
            ApprovalPhase.APPROVED,
            List.of(new ObservedDecision("alice", ApprovalVerdict.APPROVE, "2026-11-22T05:00:31Z")),
            List.of(new IgnoredDecision("mallory", "the requester does not decide")),
            Optional.of("2026-11-22T05:10:31Z"),
            Optional.empty()),
        new ConditionsReport(
            "orders-db",
            List.of(
                new Condition(
                    "TargetReachable",
                    ConditionStatus.FALSE,
                    "LogInFailed",
                    "credentials",
                    "2026-11-22T05:00:00Z",
                    null))),
        new Health(false, "no configuration has come yet"),
        new RecordingsKept(true, 268_435_456),
        new RecordingOffered("agent-0-orders-db-bcdfghjk", new Bytes(new byte[] {48, 42})),
        new RecordingWanted("agent-0-orders-db-bcdfghjk", 2, 4_096),
        new RecordingPiece(
            "agent-0-orders-db-bcdfghjk", 2, 4_096, new Bytes(new byte[] {1, 2, 3}), true),
        new RecordingStored("agent-0-orders-db-bcdfghjk", 2, 4_099, 67_112_963),
        new RecordingRefused("agent-0-orders-db-bcdfghjk", true, "event 17: changed"));
  }

  static Request request() {
    return new Request(
        "agent-0-orders-db-bcdfghjk",
        "orders-db",
        new RequestRequester(
            "system:serviceaccount:support:support-agent",
            List.of(),
            "support-agent",
            "agent-0",
            "uid-1"),
        new RequestOperation(
            Protocol.POSTGRESQL,
            List.of(new RequestAccess(Effect.WRITE, "DELETE", "public.tickets")),
            "DELETE FROM public.tickets",
            List.of(new RequestParameter("int4", "1", null)),
            "sha256:" + "1".repeat(64)),
        new RequestPolicy("support-agents", "other-writes", "uid-2", 3L),
        new RequestApprovers(List.of("dba"), null, 1, false),
        "2026-11-22T05:15:30Z");
  }
}
