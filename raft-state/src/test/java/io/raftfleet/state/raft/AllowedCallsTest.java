package io.raftfleet.state.raft;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.reflect.ClassPath;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.apache.ratis.proto.grpc.RaftServerProtocolServiceGrpc;
import org.apache.ratis.thirdparty.io.grpc.MethodDescriptor;
import org.apache.ratis.thirdparty.io.grpc.ServiceDescriptor;
import org.junit.jupiter.api.Test;

class AllowedCallsTest {
    private static final Set<String> REFUSED = Set.of(
            "ratis.grpc.RaftClientProtocolService/ordered",
            "ratis.grpc.RaftServerProtocolService/readIndex",
            "ratis.grpc.AdminProtocolService/setConfiguration",
            "ratis.grpc.AdminProtocolService/transferLeadership",
            "ratis.grpc.AdminProtocolService/groupManagement",
            "ratis.grpc.AdminProtocolService/snapshotManagement",
            "ratis.grpc.AdminProtocolService/leaderElectionManagement",
            "ratis.grpc.AdminProtocolService/groupList",
            "ratis.grpc.AdminProtocolService/groupInfo");

    /** A method that a new version of Ratis brings has to be thought about: it fails here until it stands on one of the lists. */
    @Test
    void everyMethodThatRatisCanServeIsAllowedOrRefusedByName() throws Exception {
        List<String> methods = new ArrayList<>();
        var services = ClassPath.from(RaftServerProtocolServiceGrpc.class.getClassLoader())
                .getTopLevelClasses(RaftServerProtocolServiceGrpc.class.getPackageName());
        for (var service : services) {
            if (service.getSimpleName().endsWith("Grpc")) {
                var descriptor = (ServiceDescriptor)
                        service.load().getMethod("getServiceDescriptor").invoke(null);
                descriptor.getMethods().stream()
                        .map(MethodDescriptor::getFullMethodName)
                        .forEach(methods::add);
            }
        }

        List<String> decided = new ArrayList<>(AllowedCalls.METHODS);
        decided.addAll(REFUSED);
        assertThat(methods).containsExactlyInAnyOrderElementsOf(decided);
    }
}
