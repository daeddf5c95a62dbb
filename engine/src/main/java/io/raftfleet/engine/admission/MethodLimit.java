package io.raftfleet.engine.admission;

import io.grpc.MethodDescriptor;
import io.grpc.health.v1.HealthGrpc;
import io.grpc.reflection.v1.ServerReflectionGrpc;
import io.raftfleet.proto.agent.AgentGatewayGrpc;
import io.raftfleet.proto.cluster.AccessGrpc;
import io.raftfleet.proto.cluster.ClusterGrpc;
import io.raftfleet.proto.fleet.FleetGrpc;
import java.time.Duration;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What one call of a method may take. The {@code .proto} files tell the same to clients.
 *
 * @param kind with which calls it is counted
 * @param unary whether a call has one request and one answer, both of which it holds to its end; a stream holds itself back
 * @param write whether it changes something: its answer says what was done, and is sent however much room answers have left
 * @param maxMessage the longest message from the client, in bytes
 * @param unlessTold the deadline of a call that brings none; null: none
 * @param longest what a call's own deadline is cut to; null: not at all
 */
record MethodLimit(
        CallKind kind,
        boolean unary,
        boolean write,
        int maxMessage,
        @Nullable Duration unlessTold,
        @Nullable Duration longest) {
    private static final int KIB = 1024;
    private static final int MIB = 1024 * KIB;
    /** More than any message of a method without a limit of its own. */
    private static final MethodLimit OTHER = unary(CallKind.CALL, 4 * KIB);

    private static final Map<String, MethodLimit> METHODS = Map.ofEntries(
            of(HealthGrpc.getCheckMethod(), unary(CallKind.CALL, KIB)),
            of(HealthGrpc.getWatchMethod(), stream(CallKind.WATCH, KIB)),
            of(ServerReflectionGrpc.getServerReflectionInfoMethod(), stream(CallKind.WATCH, 4 * KIB)),
            of(FleetGrpc.getCreateUnitsMethod(), write(CallKind.CALL, 4 * MIB)),
            of(FleetGrpc.getSetTargetStatesMethod(), write(CallKind.CALL, 4 * MIB)),
            of(FleetGrpc.getDestroyUnitsMethod(), write(CallKind.CALL, 4 * MIB)),
            of(FleetGrpc.getPatchMachinesMethod(), write(CallKind.CALL, 4 * MIB)),
            of(FleetGrpc.getPlanMethod(), unary(CallKind.CALL, 4 * MIB)),
            of(FleetGrpc.getStartRolloutMethod(), write(CallKind.CALL, 4 * MIB)),
            of(FleetGrpc.getControlRolloutMethod(), write(CallKind.CALL, 4 * KIB)),
            of(FleetGrpc.getListRolloutsMethod(), unary(CallKind.CALL, 4 * KIB)),
            of(FleetGrpc.getGetUnitMethod(), unary(CallKind.CALL, 4 * KIB)),
            of(FleetGrpc.getListUnitsMethod(), unary(CallKind.CALL, 4 * MIB)),
            of(FleetGrpc.getListUnitStatesMethod(), unary(CallKind.CALL, 4 * MIB)),
            of(FleetGrpc.getListMachinesMethod(), unary(CallKind.CALL, 4 * KIB)),
            of(FleetGrpc.getListEventsMethod(), unary(CallKind.CALL, 4 * MIB)),
            of(FleetGrpc.getVersionMethod(), unary(CallKind.CALL, KIB)),
            of(FleetGrpc.getWatchMethod(), stream(CallKind.WATCH, 4 * MIB)),
            of(FleetGrpc.getJournalMethod(), stream(CallKind.LOG, 4 * KIB)),
            of(FleetGrpc.getUnitStatusMethod(), stream(CallKind.LOG, 4 * KIB)),
            of(AgentGatewayGrpc.getSessionMethod(), stream(CallKind.SESSION, 16 * MIB)),
            of(
                    AgentGatewayGrpc.getFetchContentsMethod(),
                    new MethodLimit(
                            CallKind.CONTENTS, false, false, 4 * MIB, Duration.ofMinutes(10), Duration.ofMinutes(10))),
            of(AgentGatewayGrpc.getUploadLogMethod(), stream(CallKind.LOG_UPLOAD, 256 * KIB)),
            of(AgentGatewayGrpc.getFindLeaderMethod(), unary(CallKind.LEADER, KIB)),
            of(AgentGatewayGrpc.getWatchLeaderMethod(), stream(CallKind.LEADER_NEWS, KIB)),
            of(AgentGatewayGrpc.getRevokedEnginesMethod(), unary(CallKind.LEADER, KIB)),
            of(AccessGrpc.getAuthorityMethod(), unary(CallKind.JOIN, KIB)),
            of(AccessGrpc.getJoinMethod(), write(CallKind.JOIN, 16 * KIB)),
            of(AccessGrpc.getRenewMethod(), write(CallKind.RENEW, 16 * KIB)),
            of(AccessGrpc.getCreateTokenMethod(), write(CallKind.OPERATOR, 4 * KIB)),
            of(AccessGrpc.getListTokensMethod(), unary(CallKind.OPERATOR, 4 * KIB)),
            of(AccessGrpc.getRemoveTokenMethod(), write(CallKind.OPERATOR, 4 * KIB)),
            of(AccessGrpc.getRevokeMethod(), write(CallKind.OPERATOR, 4 * KIB)),
            of(AccessGrpc.getListRevokedMethod(), unary(CallKind.OPERATOR, 4 * KIB)),
            of(AccessGrpc.getCreateLoginMethod(), write(CallKind.OPERATOR, KIB)),
            of(ClusterGrpc.getStatusMethod(), unary(CallKind.OPERATOR, 4 * KIB)),
            of(ClusterGrpc.getTransferLeaderMethod(), write(CallKind.OPERATOR, 4 * KIB)),
            of(ClusterGrpc.getTakeSnapshotMethod(), write(CallKind.OPERATOR, 4 * KIB)),
            of(ClusterGrpc.getListOrphansMethod(), unary(CallKind.OPERATOR, 4 * KIB)),
            of(ClusterGrpc.getSettleOrphanMethod(), write(CallKind.OPERATOR, 4 * KIB)),
            of(
                    ClusterGrpc.getChangeMembersMethod(),
                    new MethodLimit(
                            CallKind.OPERATOR, true, true, 64 * KIB, Duration.ofMinutes(11), Duration.ofMinutes(11))),
            of(
                    ClusterGrpc.getBackupMethod(),
                    new MethodLimit(
                            CallKind.BACKUP, false, false, 4 * KIB, Duration.ofHours(12), Duration.ofHours(12))));

    /** The name under which calls of a method are counted: what clients make up is not one of its own. */
    static String counted(String method) {
        return METHODS.containsKey(method) ? method : "other";
    }

    static MethodLimit of(String method) {
        return METHODS.getOrDefault(method, OTHER);
    }

    private static Map.Entry<String, MethodLimit> of(MethodDescriptor<?, ?> method, MethodLimit limit) {
        return Map.entry(method.getFullMethodName(), limit);
    }

    private static MethodLimit unary(CallKind kind, int maxMessage) {
        return new MethodLimit(kind, true, false, maxMessage, Duration.ofSeconds(30), Duration.ofMinutes(2));
    }

    private static MethodLimit write(CallKind kind, int maxMessage) {
        return new MethodLimit(kind, true, true, maxMessage, Duration.ofSeconds(30), Duration.ofMinutes(2));
    }

    private static MethodLimit stream(CallKind kind, int maxMessage) {
        return new MethodLimit(kind, false, false, maxMessage, null, null);
    }
}
