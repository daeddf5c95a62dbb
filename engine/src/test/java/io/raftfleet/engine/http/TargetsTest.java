package io.raftfleet.engine.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import io.grpc.Status;
import io.raftfleet.engine.access.Caller;
import io.raftfleet.engine.api.FleetApi;
import io.raftfleet.identity.Role;
import io.raftfleet.proto.fleet.ListMachinesResponse;
import java.io.IOException;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What Prometheus is told to scrape. */
class TargetsTest {
    private static final String STOPPED = Engine.HELLO.replace("launched", "loaded");

    private final Engine engine;
    private final WireClient client;

    TargetsTest() throws IOException {
        engine = new Engine();
        client = engine.connect();
    }

    @AfterEach
    void stop() throws IOException {
        client.close();
        engine.close();
    }

    @Test
    void aTargetIsAMachineWithItsMetadata() throws IOException {
        engine.fleet.addMachine("e".repeat(32), "fd00::7", Map.of("disk.kind-2", "ssd"));
        engine.fleet.addMachine("d".repeat(32), "", Map.of());

        var answer = client.get("/http_sd?port=9100");

        assertThat(answer.header("content-type")).isEqualTo("application/json");
        assertThat(answer.body())
                .startsWith("[{\"labels\":{\"__meta_raftfleet_machine_id\":\"" + Engine.MACHINE
                        + "\",\"__meta_raftfleet_metadata_role\":\"worker\"},\"targets\":[\"127.0.0.11:9100\"]}")
                .contains("\"__meta_raftfleet_metadata_disk_kind_2\":\"ssd\"},\"targets\":[\"[fd00::7]:9100\"]")
                .doesNotContain("d".repeat(32));
    }

    @Test
    void withAUnitATargetIsWhereThatIs() throws IOException {
        for (var name : List.of("web@1.service", "web@2.service", "db.service")) {
            client.put("/fleet/v1/units/" + name, Engine.HELLO);
        }
        client.put("/fleet/v1/units/web@3.service", STOPPED);

        var answer = client.get("/http_sd?port=8080&unit=web@*.service").body();

        assertThat(answer)
                .contains(
                        "\"__meta_raftfleet_unit\":\"web@1.service\",\"__meta_raftfleet_unit_active_state\":\"active\"")
                .contains("\"__meta_raftfleet_unit\":\"web@2.service\"")
                .doesNotContain("web@3", "db.service");
        assertThat(client.get("/http_sd?port=8080&unit=none.service").body()).isEqualTo("[]");
    }

    @Test
    void allPagesAreInOneAnswerUpToABound() throws IOException {
        for (int i = 0; i < 2_500; i++) {
            engine.fleet.addMachine(String.format("%032x", i), "10.0.0.1", Map.of());
        }
        assertThat(client.get("/http_sd?port=1").body().split("\"targets\"", -1))
                .hasSize(1 + 2_500 + 2);
        for (int i = 0; i < TargetsResource.MOST; i++) {
            engine.fleet.addMachine(String.format("%032x", i), "10.0.0.1", Map.of());
        }
        var answer = client.get("/http_sd?port=1");
        assertThat(answer.status()).isEqualTo(400);
        assertThat(answer.body()).contains("more than 10000 targets");
    }

    @Test
    void aPortIsNeeded() throws IOException {
        for (var query : List.of("", "?port=", "?port=0", "?port=65536", "?port=http", "?port=-1")) {
            assertThat(client.get("/http_sd" + query).body()).as(query).contains("from 1 to 65535");
        }
    }

    @Test
    void fewAnswersAreInTheMakingAtOnceAndFewerForOne() {
        var pages = new ArrayList<CompletableFuture<ListMachinesResponse>>();
        var api = (FleetApi) Proxy.newProxyInstance(
                FleetApi.class.getClassLoader(), new Class<?>[] {FleetApi.class}, (self, method, arguments) -> {
                    pages.add(new CompletableFuture<>());
                    return pages.getLast();
                });
        var targets = new TargetsResource(api, Deadlines.DEFAULT);
        List<CompletableFuture<HttpReply>> answers = new ArrayList<>();
        for (int i = 0; i < TargetsResource.AT_ONCE_FOR_ONE; i++) {
            answers.add(targets.list(asked("a")));
        }
        assertThatThrownBy(() -> targets.list(asked("a"))).hasMessageContaining("one after the other");
        assertThat(targets.list(asked("b"))).isNotDone();
        pages.getFirst().completeExceptionally(Status.UNAVAILABLE.asRuntimeException());
        assertThat(answers.getFirst()).isCompletedExceptionally();
        assertThat(targets.list(asked("a"))).isNotDone();
        pages.get(1).complete(ListMachinesResponse.getDefaultInstance());
        assertThat(answers.get(1)).isCompletedWithValueMatching(reply -> reply.status() == 200);
        assertThat(targets.list(asked("a"))).isNotDone();
    }

    private static HttpCall asked(String user) {
        var caller = new Caller(Caller.Kind.USER, user, Optional.of(Role.VIEWER));
        return new HttpCall(
                "GET", "/http_sd", Map.of("port", List.of("1")), List.of(), "", "", caller, ByteString.EMPTY);
    }
}
