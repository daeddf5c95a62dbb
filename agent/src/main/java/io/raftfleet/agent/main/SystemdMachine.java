package io.raftfleet.agent.main;

import io.raftfleet.agent.manager.UnitManagerException;
import io.raftfleet.agent.reconcile.FileJournal;
import io.raftfleet.agent.session.SessionConfig;
import io.raftfleet.agent.systemd.JournalctlLogSource;
import io.raftfleet.agent.systemd.SystemdConfig;
import io.raftfleet.agent.systemd.SystemdUnitManager;
import io.raftfleet.agent.systemd.UnitWarnings;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** This machine, or a user's part of it, run by a real systemd. */
final class SystemdMachine {
    /** Where a user's systemd has its bus or its own socket. */
    private static final Pattern USER_SOCKET = Pattern.compile("unix:path=(/[^,;]+?)/(?:bus|systemd/private)(?:,.*)?");

    /** What the system's own sockets are found under, in the same places. */
    private static final Path SYSTEM = Path.of("/run");

    private SystemdMachine() {}

    /** Connects to systemd as the configuration says; systemd need not be there yet. */
    static Machine create(
            Shared shared, AgentConfig config, SessionConfig session, DataDir data, Consumer<String> onFatal)
            throws IOException {
        SystemdConfig systemd;
        try {
            systemd = systemd(config, System.getenv());
        } catch (IllegalArgumentException e) {
            throw new IOException(e.getMessage(), e);
        }
        FileJournal journal = FileJournal.open(data.journal());
        SystemdUnitManager manager;
        try {
            manager = new SystemdUnitManager(systemd, UnitWarnings.ofJournal(config.journalCommand(), isUser(config)));
        } catch (UnitManagerException e) {
            journal.close();
            throw new IOException(e.getMessage(), e);
        }
        return new Machine(
                shared,
                shared.newLoop(),
                session,
                manager,
                new JournalctlLogSource(config.journalCommand(), isUser(config)),
                journal,
                data.clusterMemory(shared.files()),
                onFatal);
    }

    /**
     * Which systemd it is: with an address, the one of the user that the address belongs to, or the system's; otherwise the
     * user's own when the configuration says so, or the system's.
     *
     * @throws IOException when it is a user's and cannot be found
     */
    static SystemdConfig systemd(AgentConfig config, Map<String, String> environment) throws IOException {
        SystemdConfig systemd;
        if (isUser(config)) {
            Path runtime = runtimeDirectory(config.systemdBus(), environment);
            Path units = config.unitsDir().orElse(runtime.resolve("fleet/units"));
            systemd = SystemdConfig.ofUser(runtime, units);
        } else {
            systemd = SystemdConfig.ofMachine(config.unitsDir().orElse(Path.of("/run/fleet/units")));
        }
        if (!config.systemdBus().isEmpty()) {
            systemd = systemd.withAddress(config.systemdBus());
        }
        return config.bootIdFile().map(systemd::withBootIdFile).orElse(systemd);
    }

    private static boolean isUser(AgentConfig config) {
        Matcher socket = USER_SOCKET.matcher(config.systemdBus());
        return config.systemdUser()
                || (socket.matches() && !Path.of(socket.group(1)).equals(SYSTEM));
    }

    private static Path runtimeDirectory(String bus, Map<String, String> environment) throws IOException {
        Matcher socket = USER_SOCKET.matcher(bus);
        if (socket.matches()) {
            return Path.of(socket.group(1));
        }
        String runtime = environment.get("XDG_RUNTIME_DIR");
        if (runtime == null || runtime.isEmpty()) {
            throw new IOException(
                    "the user's systemd can't be found: XDG_RUNTIME_DIR is not set; log in as that user, or"
                            + " give --systemd-bus unix:path=DIR/systemd/private");
        }
        return Path.of(runtime);
    }
}
