package io.raftfleet.engine.admission;

import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.MethodType;
import io.grpc.ServiceDescriptor;
import io.raftfleet.proto.agent.AgentGatewayGrpc;
import io.raftfleet.proto.cluster.AccessGrpc;
import io.raftfleet.proto.cluster.ClusterGrpc;
import io.raftfleet.proto.fleet.FleetGrpc;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class MethodLimitTest {
    @Test
    @DisplayName("these unary calls change nothing, and all others' answers are never refused")
    void answersThatMayBeRefused() {
        var refusable = Stream.of(
                        FleetGrpc.getServiceDescriptor(),
                        AgentGatewayGrpc.getServiceDescriptor(),
                        AccessGrpc.getServiceDescriptor(),
                        ClusterGrpc.getServiceDescriptor())
                .map(ServiceDescriptor::getMethods)
                .flatMap(methods -> methods.stream())
                .filter(method -> method.getType() == MethodType.UNARY)
                .map(MethodDescriptor::getFullMethodName)
                .filter(method -> !MethodLimit.of(method).write())
                .map(method -> Objects.requireNonNull(method).substring(method.indexOf('/') + 1))
                .collect(Collectors.toSet());
        assertThat(refusable)
                .isEqualTo(Set.of(
                        "Plan",
                        "GetUnit",
                        "ListUnits",
                        "ListUnitStates",
                        "ListMachines",
                        "ListEvents",
                        "ListRollouts",
                        "Version",
                        "FindLeader",
                        "RevokedEngines",
                        "Authority",
                        "ListTokens",
                        "ListRevoked",
                        "Status",
                        "ListOrphans"));
    }
}
