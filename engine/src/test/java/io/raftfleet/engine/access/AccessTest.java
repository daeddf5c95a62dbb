package io.raftfleet.engine.access;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.common.reflect.ClassPath;
import io.grpc.ServiceDescriptor;
import io.grpc.health.v1.HealthGrpc;
import io.grpc.reflection.v1.ServerReflectionGrpc;
import io.raftfleet.identity.Identity;
import io.raftfleet.identity.Role;
import io.raftfleet.identity.SpiffeId;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

class AccessTest {
    private static Caller certified(SpiffeId.Kind kind, String name, Optional<Role> role) {
        return Caller.of(new Identity(new SpiffeId("c", kind, name), role, Instant.EPOCH, Instant.MAX));
    }

    private static Caller user(Role role) {
        return certified(SpiffeId.Kind.USER, "u", Optional.of(role));
    }

    /** Of all services that there are stubs for, whether an engine serves them or not. */
    static Set<String> methods() throws Exception {
        var methods = new TreeSet<String>();
        for (var type :
                ClassPath.from(AccessTest.class.getClassLoader()).getTopLevelClassesRecursive("io.raftfleet.proto")) {
            if (type.getSimpleName().endsWith("Grpc")) {
                var service = (ServiceDescriptor)
                        type.load().getMethod("getServiceDescriptor").invoke(null);
                service.getMethods().forEach(method -> methods.add(method.getFullMethodName()));
            }
        }
        for (var service : List.of(HealthGrpc.getServiceDescriptor(), ServerReflectionGrpc.getServiceDescriptor())) {
            service.getMethods().forEach(method -> methods.add(method.getFullMethodName()));
        }
        return methods;
    }

    @Test
    void theTableHasEveryMethodAndNoOther() throws Exception {
        assertThat(methods()).hasSizeGreaterThan(20);
        assertThat(GrpcAccess.all().keySet()).isEqualTo(methods());
        assertThat(GrpcAccess.of("raftfleet.fleet.Fleet/Unheard").objection(user(Role.ADMIN), "it"))
                .isNotNull();
    }

    private static Set<String> allowed(Caller caller) throws Exception {
        var allowed = new TreeSet<String>();
        for (var method : methods()) {
            if (GrpcAccess.of(method).objection(caller, method) == null) {
                allowed.add(method.substring(method.lastIndexOf('.') + 1));
            }
        }
        return allowed;
    }

    @Test
    void eachMayWhatItNeeds() throws Exception {
        var viewer = List.of(
                "Access/Authority",
                "Access/CreateLogin",
                "Access/Join",
                "Access/ListRevoked",
                "Cluster/ListOrphans",
                "Cluster/Status",
                "Fleet/GetUnit",
                "Fleet/ListEvents",
                "Fleet/ListMachines",
                "Fleet/ListRollouts",
                "Fleet/ListUnitStates",
                "Fleet/ListUnits",
                "Fleet/Plan",
                "Fleet/Version",
                "Fleet/Watch",
                "Health/Check",
                "Health/Watch",
                "ServerReflection/ServerReflectionInfo");
        var operator = new ArrayList<>(viewer);
        operator.addAll(List.of(
                "Fleet/CreateUnits",
                "Fleet/SetTargetStates",
                "Fleet/DestroyUnits",
                "Fleet/StartRollout",
                "Fleet/ControlRollout",
                "Fleet/Journal",
                "Fleet/UnitStatus"));
        assertThat(allowed(user(Role.VIEWER))).containsExactlyInAnyOrderElementsOf(viewer);
        assertThat(allowed(user(Role.OPERATOR))).containsExactlyInAnyOrderElementsOf(operator);
        assertThat(allowed(user(Role.ADMIN)))
                .isEqualTo(allowed(Caller.LOCAL))
                .containsAll(operator)
                .contains("Cluster/Backup", "Cluster/ChangeMembers", "Fleet/PatchMachines")
                .noneMatch(method -> method.startsWith("AgentGateway/"));
        assertThat(allowed(certified(SpiffeId.Kind.USER, "nobody", Optional.empty())))
                .containsExactlyInAnyOrder("Access/Authority", "Access/Join");
        assertThat(allowed(certified(SpiffeId.Kind.AGENT, "m", Optional.empty())))
                .containsExactlyInAnyOrder(
                        "Access/Authority",
                        "Access/Join",
                        "Access/Renew",
                        "AgentGateway/FetchContents",
                        "AgentGateway/FindLeader",
                        "AgentGateway/RevokedEngines",
                        "AgentGateway/Session",
                        "AgentGateway/UploadLog",
                        "AgentGateway/WatchLeader",
                        "Fleet/Version",
                        "Health/Check",
                        "Health/Watch");
        assertThat(allowed(certified(SpiffeId.Kind.ENGINE, "e1", Optional.empty())))
                .containsExactlyInAnyOrder(
                        "Access/Authority",
                        "Access/Join",
                        "Access/Renew",
                        "Cluster/Backup",
                        "Cluster/Status",
                        "Fleet/Version",
                        "Health/Check",
                        "Health/Watch");
        assertThat(allowed(Caller.PLAINTEXT)).hasSameSizeAs(methods());
    }

    @Test
    void aRefusalNamesWhoCalledAndWhoMay() {
        assertThat(Access.OPERATOR.objection(user(Role.VIEWER), "Fleet/CreateUnits"))
                .isEqualTo(
                        "user/u (viewer) may not call Fleet/CreateUnits: it takes a user with role operator or admin");
    }

    @Test
    void anAgentSpeaksForItsMachineAlone() {
        var agent = certified(SpiffeId.Kind.AGENT, "m1", Optional.empty());
        assertThat(agent.speaksFor("m1")).isTrue();
        assertThat(agent.speaksFor("m2")).isFalse();
        assertThat(certified(SpiffeId.Kind.USER, "m1", Optional.of(Role.ADMIN)).speaksFor("m1"))
                .isFalse();
    }

    /** It stands in the registry who changed a unit: somebody over plaintext is none whom an engine with certificates lost sight of. */
    @Test
    void whoeverIsNotKnownIsAStranger() {
        var unknown = Caller.current();
        assertThat(unknown.words()).isEmpty();
        assertThat(unknown.speaksFor("m1")).isFalse();
        assertThat(Access.VIEWER.objection(unknown, "Fleet/ListUnits")).isNotNull();
    }

    @Test
    void callersArePassedOnAsTheyAre() {
        for (var caller : List.of(
                user(Role.VIEWER),
                certified(SpiffeId.Kind.USER, "nobody", Optional.empty()),
                certified(SpiffeId.Kind.AGENT, "a".repeat(32), Optional.empty()),
                Caller.LOCAL,
                Caller.STRANGER,
                Caller.PLAINTEXT)) {
            assertThat(Caller.parse(caller.header())).isEqualTo(caller);
        }
        for (var header : List.of("", "admin", "user king u", "user admin a/b", "root admin r", "user admin u x")) {
            assertThatThrownBy(() -> Caller.parse(header)).as(header).isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void theTableInTheDocsIsThisOne() throws Exception {
        var rows = new StringBuilder("| method | who may |\n| --- | --- |\n");
        GrpcAccess.all()
                .forEach((method, access) -> rows.append("| `")
                        .append(method)
                        .append("` | ")
                        .append(access)
                        .append(" |\n"));
        assertThat(Files.readString(Path.of("../docs/security.md"))).contains(rows);
    }
}
