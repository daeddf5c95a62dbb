package io.raftfleet.engine.access;

import io.grpc.MethodDescriptor;
import io.grpc.health.v1.HealthGrpc;
import io.grpc.reflection.v1.ServerReflectionGrpc;
import io.raftfleet.proto.agent.AgentGatewayGrpc;
import io.raftfleet.proto.cluster.AccessGrpc;
import io.raftfleet.proto.cluster.ClusterGrpc;
import io.raftfleet.proto.fleet.FleetGrpc;
import java.util.Collections;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** Who may call which gRPC method. A method that is not here nobody may. */
public final class GrpcAccess {
    private static final Map<String, Access> METHODS = new TreeMap<>(Map.ofEntries(
            of(HealthGrpc.getCheckMethod(), Access.ANYBODY),
            of(HealthGrpc.getWatchMethod(), Access.ANYBODY),
            of(ServerReflectionGrpc.getServerReflectionInfoMethod(), Access.VIEWER),
            of(FleetGrpc.getCreateUnitsMethod(), Access.OPERATOR),
            of(FleetGrpc.getSetTargetStatesMethod(), Access.OPERATOR),
            of(FleetGrpc.getDestroyUnitsMethod(), Access.OPERATOR),
            of(FleetGrpc.getPatchMachinesMethod(), Access.ADMIN),
            of(FleetGrpc.getPlanMethod(), Access.VIEWER),
            of(FleetGrpc.getStartRolloutMethod(), Access.OPERATOR),
            of(FleetGrpc.getControlRolloutMethod(), Access.OPERATOR),
            of(FleetGrpc.getListRolloutsMethod(), Access.VIEWER),
            of(FleetGrpc.getGetUnitMethod(), Access.VIEWER),
            of(FleetGrpc.getListUnitsMethod(), Access.VIEWER),
            of(FleetGrpc.getListUnitStatesMethod(), Access.VIEWER),
            of(FleetGrpc.getListMachinesMethod(), Access.VIEWER),
            of(FleetGrpc.getListEventsMethod(), Access.VIEWER),
            of(FleetGrpc.getWatchMethod(), Access.VIEWER),
            of(FleetGrpc.getUnitStatusMethod(), Access.OPERATOR),
            of(FleetGrpc.getJournalMethod(), Access.OPERATOR),
            of(FleetGrpc.getVersionMethod(), Access.ANYBODY),
            of(AgentGatewayGrpc.getSessionMethod(), Access.AGENT),
            of(AgentGatewayGrpc.getFetchContentsMethod(), Access.AGENT),
            of(AgentGatewayGrpc.getUploadLogMethod(), Access.AGENT),
            of(AgentGatewayGrpc.getFindLeaderMethod(), Access.AGENT),
            of(AgentGatewayGrpc.getWatchLeaderMethod(), Access.AGENT),
            of(AgentGatewayGrpc.getRevokedEnginesMethod(), Access.AGENT),
            of(AccessGrpc.getAuthorityMethod(), Access.STRANGER),
            of(AccessGrpc.getJoinMethod(), Access.STRANGER),
            of(AccessGrpc.getRenewMethod(), Access.AGENT_OR_ENGINE),
            of(AccessGrpc.getCreateTokenMethod(), Access.ADMIN),
            of(AccessGrpc.getListTokensMethod(), Access.ADMIN),
            of(AccessGrpc.getRemoveTokenMethod(), Access.ADMIN),
            of(AccessGrpc.getRevokeMethod(), Access.ADMIN),
            of(AccessGrpc.getListRevokedMethod(), Access.VIEWER),
            of(AccessGrpc.getCreateLoginMethod(), Access.VIEWER),
            of(ClusterGrpc.getStatusMethod(), Access.VIEWER_OR_ENGINE),
            of(ClusterGrpc.getListOrphansMethod(), Access.VIEWER),
            of(ClusterGrpc.getTransferLeaderMethod(), Access.ADMIN),
            of(ClusterGrpc.getTakeSnapshotMethod(), Access.ADMIN),
            of(ClusterGrpc.getChangeMembersMethod(), Access.ADMIN),
            of(ClusterGrpc.getBackupMethod(), Access.ADMIN_OR_ENGINE),
            of(ClusterGrpc.getSettleOrphanMethod(), Access.ADMIN)));

    private static final Access NOBODY = new Access(Optional.empty(), false, false, false);

    private GrpcAccess() {}

    static Access of(String method) {
        return METHODS.getOrDefault(method, NOBODY);
    }

    /** The whole table, by full method name. */
    static Map<String, Access> all() {
        return Collections.unmodifiableMap(METHODS);
    }

    private static Map.Entry<String, Access> of(MethodDescriptor<?, ?> method, Access access) {
        return Map.entry(method.getFullMethodName(), access);
    }
}
