package io.raftfleet.chaos.cluster;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** One agent's process, and the machines that it is. A systemd machine stays up when the agent ends. */
public final class AgentNode {
    private final AgentSpec spec;
    private final Daemon daemon;
    private final List<String> machineIds;
    private final @Nullable SystemdMachine machine;
    private final Path hollowJournal;

    AgentNode(
            AgentSpec spec,
            Daemon daemon,
            List<String> machineIds,
            @Nullable SystemdMachine machine,
            Path hollowJournal) {
        this.hollowJournal = hollowJournal;
        this.spec = spec;
        this.daemon = daemon;
        this.machineIds = List.copyOf(machineIds);
        this.machine = machine;
    }

    /** The ids of machines in memory, as the agent derives them from {@code --machine-id}. */
    static List<String> hollowIds(String seed, int machines) {
        return IntStream.rangeClosed(1, machines)
                .mapToObj(number -> UUID.nameUUIDFromBytes(
                                ("hollow " + seed + " " + number).getBytes(StandardCharsets.UTF_8))
                        .toString()
                        .replace("-", ""))
                .toList();
    }

    public String name() {
        return spec.name();
    }

    public AgentSpec spec() {
        return spec;
    }

    public Daemon daemon() {
        return daemon;
    }

    public List<String> machineIds() {
        return machineIds;
    }

    /** Whether its machines are in memory, and end with its process. */
    public boolean hollow() {
        return machine == null;
    }

    /** What ran on its machines in memory, as {@code fleet-agent --hollow-journal} writes it. */
    public Path hollowJournal() {
        return hollowJournal;
    }

    /** The machine that it runs on; an agent of machines in memory has none. */
    public SystemdMachine machine() {
        if (machine == null) {
            throw new IllegalStateException(name() + " is of machines in memory");
        }
        return machine;
    }

    public void start() {
        daemon.start();
    }

    /** SIGTERM, and waits for its end. */
    public void stop(Duration limit) {
        daemon.stop(limit);
    }

    /** SIGKILL, and waits until it is gone. */
    public void kill() {
        daemon.killed();
    }

    void close() {
        if (machine != null) {
            machine.close();
        }
    }
}
