package io.raftfleet.unit.limits;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Descriptors.FileDescriptor;
import com.google.protobuf.Message;
import io.raftfleet.proto.agent.AgentFrame;
import io.raftfleet.proto.agent.BucketDigests;
import io.raftfleet.proto.agent.FetchContentsRequest;
import io.raftfleet.proto.agent.Hello;
import io.raftfleet.proto.agent.Inventory;
import io.raftfleet.proto.agent.StateReport;
import io.raftfleet.proto.cluster.ChangeMembersRequest;
import io.raftfleet.proto.cluster.JoinRequest;
import io.raftfleet.proto.cluster.StatusRequest;
import io.raftfleet.proto.fleet.CreateUnitsRequest;
import io.raftfleet.proto.fleet.JournalRequest;
import io.raftfleet.proto.fleet.ListUnitsRequest;
import io.raftfleet.proto.fleet.MachinePatch;
import io.raftfleet.proto.fleet.NewUnit;
import io.raftfleet.proto.fleet.Page;
import io.raftfleet.proto.fleet.RequestId;
import io.raftfleet.proto.model.Unit;
import io.raftfleet.proto.model.UnitState;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class LimitsTest {
    private static final List<FileDescriptor> FILES = List.of(
            Unit.getDescriptor().getFile(),
            NewUnit.getDescriptor().getFile(),
            Hello.getDescriptor().getFile(),
            StatusRequest.getDescriptor().getFile(),
            JoinRequest.getDescriptor().getFile());

    private static final String MACHINE = "0123456789abcdef0123456789abcdef";

    @Test
    void everyFieldThatCanBeOfAnySizeHasALimit() {
        var without = new TreeSet<String>();
        FILES.forEach(file -> fields(file).stream()
                .filter(field -> field.isRepeated()
                        || field.getType() == FieldDescriptor.Type.STRING
                        || field.getType() == FieldDescriptor.Type.BYTES)
                .filter(field -> Limits.of(field) == null)
                .forEach(field -> without.add(field.getFullName())));
        assertThat(without).isEmpty();
    }

    @Test
    void theContractsSayTheLimits() throws IOException {
        var silent = new ArrayList<String>();
        for (FileDescriptor file : FILES) {
            List<String> lines = Files.readAllLines(Path.of("../proto/src/main/proto", file.getName()));
            for (FieldDescriptor field : fields(file)) {
                Limit limit = Limits.of(field);
                if (limit != null
                        && !field.getContainingType().getOptions().getMapEntry()
                        && lines.stream().noneMatch(line -> says(line, field, limit))) {
                    silent.add(field.getFullName() + " = " + field.getNumber() + "; // " + limit + ".");
                }
            }
        }
        assertThat(silent)
                .as("fields whose line in the .proto file lacks this comment")
                .isEmpty();
    }

    private static boolean says(String line, FieldDescriptor field, Limit limit) {
        return line.contains(" " + field.getName() + " = " + field.getNumber() + ";")
                && line.endsWith("// " + limit + ".");
    }

    @Test
    void whatIsWithinItsLimitsPasses() {
        assertThat(hello(Hello.newBuilder()
                        .setMachineId(MACHINE)
                        .setPrimaryIp("fe80::1%eth0")
                        .putMetadata("disk", "ssd, größer")
                        .setVersion("0.1.0-SNAPSHOT")
                        .setBootId("0".repeat(32))))
                .isNull();
        assertThat(report(UnitState.newBuilder()
                        .setName("a@1.service")
                        .setLoadState("not-found")
                        .setActiveState("")
                        .setSubState("dead-before-auto-restart")
                        .setHash(ByteString.copyFrom(new byte[20]))
                        .setError("any text\n\u001b of any length".repeat(1000))))
                .isNull();
        assertThat(MessageCheck.fault(
                        ListUnitsRequest.newBuilder().addNames("web*").build()))
                .isNull();
        assertThat(MessageCheck.fault(ListUnitsRequest.getDefaultInstance())).isNull();
    }

    @Test
    void anAgentsHelloIsCheckedFieldByField() {
        assertThat(hello(Hello.newBuilder().setMachineId("zz"))).startsWith("hello.machine_id: ");
        assertThat(hello(Hello.newBuilder())).startsWith("hello.machine_id: ");
        assertThat(hello(valid().setPrimaryIp("10.0.0.9\n\u001b[31mINJECT<script>alert(1)</script>")))
                .startsWith("hello.primary_ip: ")
                .doesNotContain("INJECT");
        assertThat(hello(valid().putMetadata("a\nb", "c"))).startsWith("hello.metadata[0].key: control");
        assertThat(hello(valid().putMetadata("a", "\u001b]0;pwned\u0007"))).startsWith("hello.metadata[0].value: ");
        assertThat(hello(valid().putMetadata("a", "\u202e"))).startsWith("hello.metadata[0].value: ");
        assertThat(hello(valid().putMetadata("a", "\u20ac".repeat(1366))))
                .isEqualTo("hello.metadata[0].value: it has 4098 bytes; at most 4096 are allowed");
        var big = valid();
        for (int i = 0; i < 100; i++) {
            big.putMetadata("k" + i, "v".repeat(2000));
        }
        assertThat(hello(big)).startsWith("hello.metadata: it has 200").contains("65536");
        var many = valid();
        for (int i = 0; i <= Limits.METADATA_KEYS; i++) {
            many.putMetadata("k" + i, "v");
        }
        assertThat(hello(many)).startsWith("hello.metadata: there are 1001");
    }

    @Test
    void statesThatNoUnitCanHaveAreRefused() {
        assertThat(report(UnitState.newBuilder().setName("../../etc/passwd\n\u001b[31mX")))
                .isEqualTo("states.states[0].name: no unit can have that name");
        assertThat(report(UnitState.newBuilder())).startsWith("states.states[0].name: ");
        assertThat(report(state().setLoadState("\u001b[2J"))).startsWith("states.states[0].load_state: ");
        assertThat(report(state().setActiveState("x".repeat(65)))).startsWith("states.states[0].active_state: ");
        assertThat(report(state().setSubState("x\ny"))).startsWith("states.states[0].sub_state: ");
        assertThat(report(state().setLoadState("active")))
                .isEqualTo("states.states[0].load_state: it is no load state of systemd's");
        assertThat(report(state().setActiveState("running")))
                .isEqualTo("states.states[0].active_state: it is no active state of systemd's");
        assertThat(report(state().setSubState("levitating")))
                .isEqualTo("states.states[0].sub_state: it is no sub state of systemd's");
        assertThat(report(state().setLoadState("masked")
                        .setActiveState("refreshing")
                        .setSubState("elapsed")))
                .isNull();
        assertThat(report(state().setHash(ByteString.copyFromUtf8("x")))).startsWith("states.states[0].hash: ");
        assertThat(frame(AgentFrame.newBuilder()
                        .setStates(StateReport.newBuilder().addGone(""))))
                .isNotNull();
        var buckets = StateReport.newBuilder();
        for (int i = 0; i < 65; i++) {
            buckets.addWholeBuckets(i);
        }
        assertThat(frame(AgentFrame.newBuilder().setStates(buckets))).startsWith("states.whole_buckets: there are 65");
        var digests = BucketDigests.newBuilder();
        for (int i = 0; i < 65; i++) {
            digests.addStates(i);
        }
        assertThat(frame(AgentFrame.newBuilder().setDigests(digests))).startsWith("digests.states: there are 65");
        assertThat(frame(AgentFrame.newBuilder()
                        .setInventory(Inventory.newBuilder()
                                .addUnits(io.raftfleet.proto.agent.AssignedUnit.newBuilder()
                                        .setName("\n")))))
                .startsWith("inventory.units[0].name: ");
    }

    @Test
    void requestsAreCheckedAndTheirItemsOnlyCounted() {
        assertThat(MessageCheck.fault(CreateUnitsRequest.newBuilder()
                        .setRequestId(RequestId.newBuilder().setId(ByteString.copyFrom(new byte[1 << 20])))
                        .build()))
                .isEqualTo("request_id.id: it has 1048576 bytes; at most 16 are allowed");
        var many = CreateUnitsRequest.newBuilder();
        for (int i = 0; i <= Limits.ITEMS; i++) {
            many.addUnits(NewUnit.getDefaultInstance());
        }
        assertThat(MessageCheck.fault(many.build())).startsWith("units: there are 10001");
        var item = NewUnit.newBuilder().setName("a".repeat(257)).build();
        assertThat(MessageCheck.fault(
                        CreateUnitsRequest.newBuilder().addUnits(item).build()))
                .isNull();
        assertThat(MessageCheck.fault(item)).isEqualTo("name: it has 257 bytes; at most 256 are allowed");
        assertThat(MessageCheck.fault(MachinePatch.newBuilder()
                        .setMachineId("a".repeat(1 << 20))
                        .build()))
                .startsWith("machine_id: it has 1048576 bytes");
        assertThat(MessageCheck.fault(ListUnitsRequest.newBuilder()
                        .setPage(Page.newBuilder().setToken("A".repeat(4 << 20)))
                        .build()))
                .startsWith("page.token: ");
        assertThat(MessageCheck.fault(
                        JournalRequest.newBuilder().setUnit("a\nb.service").build()))
                .startsWith("unit: ");
        assertThat(MessageCheck.fault(ChangeMembersRequest.newBuilder()
                        .addRemove("x".repeat(65))
                        .build()))
                .startsWith("remove[0]: ");
        assertThat(MessageCheck.fault(FetchContentsRequest.newBuilder()
                        .addHashes(ByteString.copyFromUtf8("x"))
                        .build()))
                .startsWith("hashes[0]: ");
    }

    private static Hello.Builder valid() {
        return Hello.newBuilder().setMachineId(MACHINE);
    }

    private static UnitState.Builder state() {
        return UnitState.newBuilder().setName("a.service");
    }

    private static @Nullable String hello(Hello.Builder hello) {
        return frame(AgentFrame.newBuilder().setHello(hello));
    }

    private static @Nullable String report(UnitState.Builder state) {
        return frame(AgentFrame.newBuilder().setStates(StateReport.newBuilder().addStates(state)));
    }

    private static @Nullable String frame(AgentFrame.Builder frame) {
        Message message = frame.build();
        return MessageCheck.fault(message);
    }

    private static List<FieldDescriptor> fields(FileDescriptor file) {
        var fields = new ArrayList<FieldDescriptor>();
        file.getMessageTypes().forEach(type -> collect(type, fields));
        return fields;
    }

    private static void collect(Descriptor type, List<FieldDescriptor> fields) {
        fields.addAll(type.getFields());
        type.getNestedTypes().forEach(nested -> collect(nested, fields));
    }
}
