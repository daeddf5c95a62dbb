package io.raftfleet.chaos.cluster;

import io.raftfleet.identity.SpiffeId.Kind;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Makes the processes of one cluster, none of them started: knows their command lines and where they run. Used by one thread. */
final class ClusterDaemons {
    private static final int ENGINE_HEAP_MB = 256;
    private static final int AGENT_HEAP_MB = 96;
    private static final Duration MACHINE_LIMIT = Duration.ofSeconds(60);

    private final ClusterOptions options;
    private final Programs programs;
    private final Path dir;
    private final Path logs;
    private final String clusterId;
    private final Path engineConfig;
    private final Path agentConfig;
    private final @Nullable Certificates certificates;
    private final Map<String, Hosts.Host> hosts = new HashMap<>();

    ClusterDaemons(ClusterOptions options, Programs programs, Path dir, Path logs, String clusterId) {
        this.options = options;
        this.programs = programs;
        this.dir = dir;
        this.logs = logs;
        this.clusterId = clusterId;
        this.certificates = options.tls() ? new Certificates(dir.resolve("ca"), clusterId) : null;
        try {
            var settings = options.settings().entrySet().stream()
                    .map(setting -> setting.getKey() + "=" + setting.getValue())
                    .toList();
            engineConfig = Files.write(dir.resolve("engine.conf"), settings);
            agentConfig = Files.write(dir.resolve("agent.conf"), settings);
            // Agents split the command that reads logs at blanks, which the project's directory may have in its name.
            Files.createSymbolicLink(dir.resolve("machine"), programs.systemdMachine());
        } catch (IOException e) {
            throw new UncheckedIOException("no files for the cluster in " + dir, e);
        }
    }

    /** Engines made from now on mirror their registry there. */
    void mirrorTo(EtcdNode etcd) {
        try {
            Files.writeString(engineConfig, etcd.settings(), StandardOpenOption.APPEND);
        } catch (IOException e) {
            throw new UncheckedIOException(engineConfig + " can't be written", e);
        }
    }

    /** Those of the cluster; empty when it speaks plaintext. */
    Optional<Certificates> certificates() {
        return Optional.ofNullable(certificates);
    }

    /** Where an engine of the cluster runs. */
    Hosts.Host engineHost(String id) {
        return hosts.computeIfAbsent(id, name -> options.hosts().engine(name, dir));
    }

    /** @param name of the process; one that is no member by itself runs on this host */
    Daemon engine(String name, EngineAddresses own, Path dataDir, String cluster, List<EngineAddresses> peers) {
        var command = programs.engine(ENGINE_HEAP_MB);
        var host = hosts.get(name);
        if (host != null) {
            command.addAll(0, host.prefix());
        }
        if (certificates == null) {
            command.add("--allow-plaintext");
        } else {
            command.addAll(certificates.engineFlags(own.id()));
            command.add("--plain-http");
        }
        command.addAll(List.of("--config", engineConfig.toString(), "--engine-id", own.id(), "--cluster-id", cluster));
        command.addAll(List.of("--data-dir", dataDir.toString(), "--peers", peers(peers), "--bootstrap"));
        command.addAll(
                List.of("--http", own.http(), "--http-socket", own.socket().toString()));
        command.addAll(List.of("--grpc", own.grpc(), "--raft", own.raft()));
        command.addAll(List.of("--agent-ttl", options.agentTtl().toMillis() + "ms"));
        command.addAll(List.of(
                "--election-timeout",
                options.electionMin().toMillis() + "ms-" + options.electionMax().toMillis() + "ms"));
        return new Daemon(name, command, log(name));
    }

    private static String peers(List<EngineAddresses> engines) {
        return engines.stream().map(EngineAddresses::peer).collect(Collectors.joining(","));
    }

    /** A machine with a systemd, not started. */
    SystemdMachine machine(AgentSpec spec) {
        return new SystemdMachine(
                spec.name(),
                dir.resolve("machine"),
                dir.resolve(spec.name() + "-machine"),
                log(spec.name() + "-machine"));
    }

    /** The agent of machines in memory. */
    AgentNode hollow(AgentSpec spec, List<EngineAddresses> engines) {
        var own = spec.machineId();
        var seed = own == null ? clusterId + "-" + spec.name() : own;
        var journal = hollowJournal(spec);
        var daemon = agent(
                spec,
                engines,
                seed,
                List.of(
                        "--unit-manager",
                        "hollow",
                        "--hollow",
                        Integer.toString(spec.hollowMachines()),
                        "--hollow-journal",
                        journal.toString()));
        return new AgentNode(spec, daemon, AgentNode.hollowIds(seed, spec.hollowMachines()), null, journal);
    }

    /** The agent of a machine that has been started, once it is ready. */
    AgentNode systemd(AgentSpec spec, SystemdMachine machine, List<EngineAddresses> engines) {
        machine.awaitReady(MACHINE_LIMIT);
        var own = spec.machineId();
        var id = own == null ? machine.machineId() : own;
        var daemon = agent(
                spec,
                engines,
                id,
                List.of(
                        "--unit-manager",
                        "systemd",
                        "--systemd-bus",
                        spec.privateSocket() ? machine.privateSocket() : machine.bus(),
                        "--boot-id-file",
                        machine.bootIdFile().toString(),
                        "--journal-command",
                        machine.execPrefix()));
        return new AgentNode(spec, daemon, List.of(id), machine, hollowJournal(spec));
    }

    private Path hollowJournal(AgentSpec spec) {
        return dir.resolve(spec.name() + ".units");
    }

    private Daemon agent(AgentSpec spec, List<EngineAddresses> engines, String machineId, List<String> manager) {
        var command = programs.agent(AGENT_HEAP_MB);
        var host = options.hosts().agent(spec.name(), dir);
        command.addAll(0, host.prefix());
        if (certificates == null) {
            command.add("--allow-plaintext");
        } else {
            var id = spec.hollowMachines() == 1
                    ? AgentNode.hollowIds(machineId, 1).getFirst()
                    : machineId;
            command.addAll(Certificates.flags(certificates.of(Kind.AGENT, id, Optional.empty())));
        }
        command.addAll(List.of("--config", agentConfig.toString()));
        command.addAll(
                List.of("--engines", engines.stream().map(EngineAddresses::grpc).collect(Collectors.joining(","))));
        command.addAll(List.of(
                "--machine-id", machineId, "--public-ip", host.address().isEmpty() ? spec.publicIp() : host.address()));
        command.addAll(List.of("--data-dir", dir.resolve(spec.name()).toString()));
        if (!spec.metadata().isEmpty()) {
            command.add("--metadata");
            command.add(spec.metadata().entrySet().stream()
                    .map(pair -> pair.getKey() + "=" + pair.getValue())
                    .collect(Collectors.joining(",")));
        }
        command.addAll(manager);
        return new Daemon(spec.name(), command, log(spec.name()));
    }

    private Path log(String name) {
        return logs.resolve(name + ".log");
    }
}
