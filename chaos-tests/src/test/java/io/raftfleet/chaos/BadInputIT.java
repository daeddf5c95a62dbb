package io.raftfleet.chaos;

import static io.grpc.Status.Code.INVALID_ARGUMENT;
import static io.grpc.Status.Code.NOT_FOUND;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.raftfleet.chaos.cluster.Cluster;
import io.raftfleet.chaos.cluster.EngineNode;
import io.raftfleet.proto.fleet.CreateUnitsRequest;
import io.raftfleet.proto.fleet.DestroyUnitsRequest;
import io.raftfleet.proto.fleet.FleetGrpc;
import io.raftfleet.proto.fleet.GetUnitRequest;
import io.raftfleet.proto.fleet.ItemCode;
import io.raftfleet.proto.fleet.JournalRequest;
import io.raftfleet.proto.fleet.ListMachinesRequest;
import io.raftfleet.proto.fleet.ListUnitStatesRequest;
import io.raftfleet.proto.fleet.ListUnitsRequest;
import io.raftfleet.proto.fleet.NewUnit;
import io.raftfleet.proto.fleet.Page;
import io.raftfleet.proto.fleet.SetTargetStatesRequest;
import io.raftfleet.proto.fleet.TargetStateChange;
import io.raftfleet.proto.model.TargetState;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;
import tools.jackson.databind.json.JsonMapper;

/** What users may get wrong: refused with the right status, naming unit, field and reason; nothing is left behind. */
class BadInputIT {
    private static final JsonMapper JSON = new JsonMapper();

    @RegisterExtension
    static final ClusterExtension CLUSTER = ClusterExtension.hollow();

    /** Nothing of the kind that was refused is there, on any engine, and the good unit of before still is. */
    @AfterEach
    void nothingIsLeftBehind() {
        for (var engine : CLUSTER.cluster().engines()) {
            assertThat(Ops.units(CLUSTER.cluster().client(engine)).keySet()).isSubsetOf("good.service", "g@.service");
        }
        CLUSTER.cluster().awaitEqual(Ops.SOON);
    }

    @ParameterizedTest
    @FieldSource("io.raftfleet.chaos.BadUnit#ALL")
    void unitsAreRefused(BadUnit bad) {
        Cluster cluster = CLUSTER.cluster();
        for (var engine : cluster.engines()) {
            var response = grpc(engine)
                    .createUnits(CreateUnitsRequest.newBuilder()
                            .setRequestId(Requests.newId())
                            .addUnits(Ops.sleeper("good.service"))
                            .addUnits(NewUnit.newBuilder()
                                    .setName(bad.name())
                                    .setText(bad.text())
                                    .setTargetState(bad.target()))
                            .build());
            assertThat(response.getResults(0).getCode()).isIn(ItemCode.ITEM_CODE_OK, ItemCode.ITEM_CODE_UNCHANGED);
            assertThat(response.getResults(1).getCode())
                    .isEqualTo(bad.name().startsWith("t@") ? ItemCode.ITEM_CODE_REFUSED : ItemCode.ITEM_CODE_INVALID);
            assertThat(response.getResults(1).getMessage()).contains(bad.message());
        }
        if (bad.overHttp()) {
            for (var engine : cluster.engines()) {
                var path = "/fleet/v1/units/" + bad.name().replace(" ", "%20");
                var reply = Http.send(engine, "PUT", path, bad.json());
                assertThat(reply.statusCode()).isEqualTo(400);
                assertThat(error(reply.body(), 400)).contains(bad.message());
            }
        }
    }

    @Test
    void anExistingTemplateIsNotActivated() {
        var cluster = CLUSTER.cluster();
        var template = Ops.sleeper("g@.service").toBuilder()
                .setTargetState(TargetState.TARGET_STATE_INACTIVE)
                .build();
        Ops.create(cluster.client(), template);
        for (var engine : cluster.engines()) {
            for (var target : List.of(TargetState.TARGET_STATE_LOADED, TargetState.TARGET_STATE_LAUNCHED)) {
                var result = grpc(engine)
                        .setTargetStates(SetTargetStatesRequest.newBuilder()
                                .setRequestId(Requests.newId())
                                .addChanges(TargetStateChange.newBuilder()
                                        .setName("g@.service")
                                        .setTargetState(target))
                                .build())
                        .getResults(0);
                assertThat(result.getCode()).isEqualTo(ItemCode.ITEM_CODE_REFUSED);
                assertThat(result.getMessage()).contains("template", "g@.service");
            }
            var reply = Http.send(engine, "PUT", "/fleet/v1/units/g@.service", "{\"desiredState\":\"launched\"}");
            assertThat(error(reply.body(), 400)).contains("template", "g@.service");
        }
        assertThat(Ops.units(cluster.client()).values())
                .allSatisfy(unit -> assertThat(unit.getTargetState()).isEqualTo(TargetState.TARGET_STATE_INACTIVE));
    }

    @Test
    void unknownUnits() {
        for (var engine : CLUSTER.cluster().engines()) {
            var stub = grpc(engine);
            refused(
                    NOT_FOUND,
                    () -> stub.getUnit(
                            GetUnitRequest.newBuilder().setName("no.service").build()),
                    "no.service");
            refused(
                    NOT_FOUND,
                    () -> stub.journal(JournalRequest.newBuilder()
                                    .setUnit("no.service")
                                    .build())
                            .next(),
                    "no.service");
            var destroyed = stub.destroyUnits(DestroyUnitsRequest.newBuilder()
                            .setRequestId(Requests.newId())
                            .addNames("no.service")
                            .build())
                    .getResults(0);
            assertThat(destroyed.getCode()).isEqualTo(ItemCode.ITEM_CODE_NOT_FOUND);
            assertThat(destroyed.getMessage()).contains("no.service");
            var started = stub.setTargetStates(SetTargetStatesRequest.newBuilder()
                            .setRequestId(Requests.newId())
                            .addChanges(TargetStateChange.newBuilder()
                                    .setName("no.service")
                                    .setTargetState(TargetState.TARGET_STATE_LAUNCHED))
                            .build())
                    .getResults(0);
            assertThat(started.getCode()).isEqualTo(ItemCode.ITEM_CODE_NOT_FOUND);
            assertThat(started.getMessage()).contains("no.service");
            assertThat(error(Http.get(engine, "/fleet/v1/units/no.service").body(), 404))
                    .contains("no.service");
            assertThat(error(
                            Http.send(engine, "DELETE", "/fleet/v1/units/no.service", "")
                                    .body(),
                            404))
                    .contains("no.service");
            assertThat(error(
                            Http.send(engine, "PUT", "/fleet/v1/units/no.service", "{\"desiredState\":\"launched\"}")
                                    .body(),
                            409))
                    .contains("no.service", "does not exist");
        }
    }

    @Test
    void badPageTokens() {
        for (var engine : CLUSTER.cluster().engines()) {
            var stub = grpc(engine);
            for (var token : List.of("x", "AAAA", "made up", "ü")) {
                var page = Page.newBuilder().setToken(token);
                refused(
                        INVALID_ARGUMENT,
                        () -> stub.listUnits(
                                ListUnitsRequest.newBuilder().setPage(page).build()),
                        "token");
                refused(
                        INVALID_ARGUMENT,
                        () -> stub.listUnitStates(
                                ListUnitStatesRequest.newBuilder().setPage(page).build()),
                        "token");
                refused(
                        INVALID_ARGUMENT,
                        () -> stub.listMachines(
                                ListMachinesRequest.newBuilder().setPage(page).build()),
                        "token");
            }
            refused(
                    INVALID_ARGUMENT,
                    () -> stub.listUnits(ListUnitsRequest.newBuilder()
                            .setPage(Page.newBuilder().setSize(100_000))
                            .build()),
                    "10000 rows");
            for (var list : List.of("units", "state", "machines")) {
                var reply = Http.get(engine, "/fleet/v1/" + list + "?nextPageToken=AAAA");
                assertThat(error(reply.body(), 400)).contains("token");
            }
        }
    }

    @Test
    void malformedJson() {
        var bodies = Map.of(
                "{\"options\":", "malformed JSON",
                "nonsense", "malformed JSON",
                "[]", "wrong type",
                "{\"options\":[{\"section\":7}]}", "options[0].section",
                "null", "null");
        for (var engine : CLUSTER.cluster().engines()) {
            bodies.forEach((body, why) -> {
                assertThat(error(
                                Http.send(engine, "PUT", "/fleet/v1/units/web.service", body)
                                        .body(),
                                400))
                        .contains(why);
                assertThat(Http.send(engine, "PATCH", "/fleet/v1/machines", body.equals("[]") ? "{}" : body)
                                .statusCode())
                        .isEqualTo(400);
            });
        }
    }

    @Test
    void malformedProtobuf() {
        for (var engine : CLUSTER.cluster().engines()) {
            for (var bytes : List.of(new byte[] {(byte) 0xff, 1, 2, 3}, new byte[] {0x0a, 0x7f}, new byte[100])) {
                var failure = RawCall.send(engine, FleetGrpc.getCreateUnitsMethod(), bytes);
                assertThat(failure).isNotNull();
                assertThat(failure.getStatus().getCode()).isEqualTo(INVALID_ARGUMENT);
                assertThat(failure.getStatus().getDescription())
                        .contains("raftfleet.fleet.Fleet/CreateUnits", "malformed protobuf");
            }
            assertThat(Ops.machines(CLUSTER.cluster().client(engine))).hasSize(4);
        }
    }

    @Test
    void requestsWithoutAnIdOrTooLarge() {
        for (var engine : CLUSTER.cluster().engines()) {
            var stub = grpc(engine);
            refused(
                    INVALID_ARGUMENT,
                    () -> stub.createUnits(CreateUnitsRequest.newBuilder()
                            .addUnits(Ops.sleeper("web.service"))
                            .build()),
                    "request id");
            var many = Stream.generate(() -> "no.service").limit(10_001).toList();
            refused(
                    INVALID_ARGUMENT,
                    () -> stub.destroyUnits(DestroyUnitsRequest.newBuilder()
                            .setRequestId(Requests.newId())
                            .addAllNames(many)
                            .build()),
                    "there are 10001");
        }
    }

    private static void refused(Status.Code code, Runnable call, String message) {
        var failure = catchThrowableOfType(StatusRuntimeException.class, call::run);
        assertThat(failure).isNotNull();
        assertThat(failure.getStatus().getCode()).isEqualTo(code);
        assertThat(failure.getStatus().getDescription()).contains(message);
    }

    private static FleetGrpc.FleetBlockingStub grpc(EngineNode engine) {
        return FleetGrpc.newBlockingStub(engine.channel()).withDeadlineAfter(10, TimeUnit.SECONDS);
    }

    /** The message of an error's body, whose code must be this. */
    private static String error(String body, int code) {
        var error = JSON.readTree(body).path("error");
        assertThat(error.path("code").asInt()).as(body).isEqualTo(code);
        return error.path("message").asString();
    }
}
