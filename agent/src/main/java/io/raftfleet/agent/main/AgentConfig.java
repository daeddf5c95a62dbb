package io.raftfleet.agent.main;

import ch.qos.logback.classic.Level;
import io.raftfleet.identity.TlsFiles;
import io.raftfleet.settings.log.LogFormat;
import io.raftfleet.traces.TraceSettings;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * How an agent's process is to run.
 *
 * @param engines gRPC addresses, each {@code host:port}
 * @param machineId 32 lower-case hexadecimal digits; of hollow machines what their ids are derived from
 * @param publicIp announced to the cluster, may be empty
 * @param metadata announced to the cluster
 * @param dataDir what outlasts the process
 * @param unitsDir where unit files go, empty for the unit manager's own choice
 * @param manager what runs units
 * @param systemdUser whether to use the user's systemd instead of the system's
 * @param systemdBus D-Bus address instead of the usual one, empty for that
 * @param bootIdFile holds the boot id instead of the kernel, for a machine that is not the kernel's own
 * @param journalCommand words put before {@code journalctl} and {@code systemctl} when logs are read
 * @param hollowMachines how many machines in memory this process is; 0 unless {@code manager} is hollow
 * @param hollowJournal file for what runs on machines in memory
 * @param tls who each machine is to engines, with {@code %m} for its id; empty for plaintext
 * @param metrics where HTTP tells how the agent does, a loopback address; empty for nowhere
 * @param traces where traces of orders go; empty for nowhere
 * @param logFormat how the log looks
 * @param verbosity what is logged
 * @param adoptCluster forget the cluster that the machine belonged to
 */
record AgentConfig(
        List<String> engines,
        String machineId,
        String publicIp,
        Map<String, String> metadata,
        Path dataDir,
        Optional<Path> unitsDir,
        Manager manager,
        boolean systemdUser,
        String systemdBus,
        Optional<Path> bootIdFile,
        List<String> journalCommand,
        int hollowMachines,
        Optional<Path> hollowJournal,
        Optional<TlsFiles> tls,
        Optional<InetSocketAddress> metrics,
        Optional<TraceSettings> traces,
        LogFormat logFormat,
        Level verbosity,
        boolean adoptCluster) {
    /** What runs units. */
    enum Manager {
        SYSTEMD,
        HOLLOW
    }

    AgentConfig {
        engines = List.copyOf(engines);
        metadata = Map.copyOf(metadata);
        journalCommand = List.copyOf(journalCommand);
    }
}
