package io.raftfleet.chaos;

import static org.assertj.core.api.Assertions.assertThat;

import io.raftfleet.chaos.cluster.AgentSpec;
import io.raftfleet.chaos.cluster.Await;
import io.raftfleet.chaos.cluster.Cluster;
import io.raftfleet.chaos.cluster.ClusterOptions;
import io.raftfleet.chaos.cluster.Commands;
import io.raftfleet.chaos.cluster.Daemon;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Daemons with a configuration file of fleet's, which changes while they run. */
class SettingsIT {
    /** As a machine of fleet's had it. */
    private static final String FLEETS = """
        # This config file is INI-formatted
        verbosity=0
        etcd_request_timeout=1.0
        public_ip="10.0.0.1"
        metadata="role=web,az=us-west-1"
        agent_ttl="30s"
        engine_reconcile_interval=2
        disable_engine=false
        enable_grpc=true
        """;

    @Test
    void theyStartWithItAndTakeOverWhatCanChange() throws IOException {
        var options = ClusterOptions.of("settings")
                .withEngines(1)
                .with(AgentSpec.hollow("hollow", 1).withMetadata(Map.of()));
        for (var line : FLEETS.lines().filter(line -> !line.startsWith("#")).toList()) {
            options = options.withSetting(line.substring(0, line.indexOf('=')), line.substring(line.indexOf('=') + 1));
        }
        try (var cluster = Cluster.start(options)) {
            cluster.awaitReady(Ops.SOON);
            var engine = cluster.engines().getFirst().daemon();
            var agent = cluster.agents().getFirst().daemon();
            for (var daemon : List.of(engine, agent)) {
                Files.writeString(config(daemon), FLEETS);
                assertThat(lines(daemon, "is ignored"))
                        .hasSize(4)
                        .allMatch(line -> line.contains(config(daemon) + ":"));
            }
            Ops.create(cluster.client(), Ops.sleeper("web.service", "MachineMetadata=role=web"));
            var before = Ops.awaitActive(cluster.client(), List.of("web.service"));

            // A bad file changes nothing, and ends nobody.
            for (var daemon : List.of(engine, agent)) {
                Files.writeString(config(daemon), FLEETS + "metdata=x\n");
                reload(daemon, "none taken over, the old ones stay: \"metdata\" in " + config(daemon) + ":10");
            }

            for (var daemon : List.of(engine, agent)) {
                Files.writeString(
                        config(daemon),
                        FLEETS.replace("verbosity=0", "verbosity=1").replace("us-west-1", "us-west-2")
                                + "token_limit=7\ndata_dir=/elsewhere\n");
            }
            reload(engine, "taken over: verbosity 0 -> 1");
            assertThat(lines(engine, "need a restart: token_limit 100 -> 7")).hasSize(1);
            reload(agent, "taken over: metadata role=web,az=us-west-1 -> role=web,az=us-west-2");
            Await.until(
                    "the cluster knows the new metadata",
                    Ops.SOON,
                    () -> "us-west-2"
                            .equals(Ops.machines(cluster.client())
                                    .getFirst()
                                    .getMetadataMap()
                                    .get("az")));
            assertThat(Ops.awaitActive(cluster.client(), List.of("web.service")))
                    .isEqualTo(before);
            assertThat(engine.running() && agent.running()).isTrue();

            // Both say what they would run with, the secret aside.
            var command = new ArrayList<>(engine.command());
            command.addAll(List.of("--print-config", "--etcd-servers", "https://u:hush@10.0.0.1:2379"));
            assertThat(Commands.run(command).lines().map(line -> line.replaceAll(" +", " ")))
                    .contains(
                            "verbosity 1 " + config(engine) + ":2",
                            "etcd_servers https://********@10.0.0.1:2379 --etcd-servers");
            command = new ArrayList<>(agent.command());
            command.add("--print-config");
            assertThat(Commands.run(command).lines().map(line -> line.replaceAll(" +", " ")))
                    .contains(
                            "metadata role=web,az=us-west-2 " + config(agent) + ":5",
                            "units_directory (/run/fleet/units) default");

            // Told to end, they do, and systemd counts it as success.
            agent.terminate();
            engine.terminate();
            assertThat(agent.awaitExit(Ops.SOON)).isZero();
            assertThat(engine.awaitExit(Ops.SOON)).isEqualTo(143);
        }
    }

    private static void reload(Daemon daemon, String answer) {
        daemon.hangUp();
        Await.until(
                daemon.name() + " says: " + answer,
                Ops.SOON,
                () -> !lines(daemon, answer).isEmpty());
    }

    private static List<String> lines(Daemon daemon, String part) {
        return daemon.tail(1000).lines().filter(line -> line.contains(part)).toList();
    }

    private static Path config(Daemon daemon) {
        return Path.of(daemon.command().get(daemon.command().indexOf("--config") + 1));
    }
}
