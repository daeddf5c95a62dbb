package io.raftfleet.agent.main;

import ch.qos.logback.classic.Level;
import io.raftfleet.agent.main.AgentConfig.Manager;
import io.raftfleet.identity.SpiffeId;
import io.raftfleet.identity.TlsFiles;
import io.raftfleet.proto.agent.Hello;
import io.raftfleet.settings.Setting;
import io.raftfleet.settings.Settings;
import io.raftfleet.settings.SettingsException;
import io.raftfleet.settings.TlsOptions;
import io.raftfleet.unit.limits.MessageCheck;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The command line, over the environment, over the configuration file. Written by picocli, read once. */
@Command(
        name = "fleet-agent",
        mixinStandardHelpOptions = true,
        versionProvider = VersionProvider.class,
        sortOptions = false,
        description = "Runs units on this machine as the cluster orders.")
final class AgentOptions {
    private static final Pattern MACHINE_ID = Pattern.compile("[0-9a-f]{32}");
    private static final Pattern ADDRESS = Pattern.compile("(\\[[0-9a-fA-F:.]+]|[^:\\s,]+):([0-9]{1,5})");

    @Option(names = "--config", paramLabel = "FILE", description = "Configuration file (/etc/fleet/fleet.conf).")
    @Nullable
    Path config;

    @Option(names = "--engines", paramLabel = "HOST:PORT,...", description = "gRPC addresses of the engines.")
    @Nullable
    String engines;

    @Option(
            names = "--machine-id",
            paramLabel = "ID",
            description = "This machine's id (from /etc/machine-id); with --hollow, what the machines' ids come from.")
    @Nullable
    String machineId;

    @Option(names = "--public-ip", paramLabel = "IP", description = "Address that the cluster shows for this machine.")
    @Nullable
    String publicIp;

    @Option(names = "--metadata", paramLabel = "K=V,...", description = "What units may ask for in MachineMetadata.")
    @Nullable
    String metadata;

    @Option(names = "--data-dir", paramLabel = "DIR", description = "State of the agent (/var/lib/fleet-agent).")
    @Nullable
    Path dataDir;

    @Option(
            names = {"--units-dir", "--units-directory"},
            paramLabel = "DIR",
            description = "Where unit files go.")
    @Nullable
    Path unitsDir;

    @Option(names = "--unit-manager", paramLabel = "systemd|hollow", description = "What runs units (systemd).")
    @Nullable
    String manager;

    @Option(names = "--user", description = "Use the user's systemd instead of the system's.")
    boolean user;

    @Option(names = "--systemd-bus", paramLabel = "ADDRESS", description = "D-Bus address to find systemd at.")
    @Nullable
    String systemdBus;

    @Option(
            names = "--boot-id-file",
            paramLabel = "FILE",
            description = "Where the boot id is (/proc/sys/kernel/random/boot_id).")
    @Nullable
    Path bootIdFile;

    @Option(
            names = "--journal-command",
            paramLabel = "PREFIX",
            description = "Words to put before journalctl and systemctl when logs are read.")
    @Nullable
    String journalCommand;

    @Option(names = "--hollow", paramLabel = "N", description = "Be N machines in memory (implies a hollow manager).")
    @Nullable
    Integer hollow;

    @Option(
            names = "--hollow-journal",
            paramLabel = "FILE",
            description = "Where to note each start and stop of a unit on hollow machines.")
    @Nullable
    Path hollowJournal;

    @Mixin
    final TlsOptions tls = new TlsOptions();

    @Option(names = "--adopt-cluster", description = "Forget the cluster that this machine belonged to; join this one.")
    boolean adoptCluster;

    @Option(
            names = "--verbosity",
            paramLabel = "LEVEL",
            description = "0 to 2, or error, warn, info, debug or trace (info).")
    @Nullable
    String verbosity;

    /** Puts all sources together. */
    AgentConfig resolve(Map<String, String> environment) throws SettingsException {
        Path file = config == null ? Settings.DEFAULT_FILE : config;
        Settings settings = Settings.read(file, config != null, environment);
        String managerName = first(manager, settings, Setting.UNIT_MANAGER, hollow == null ? "systemd" : "hollow");
        Manager kind = switch (managerName) {
            case "systemd" -> Manager.SYSTEMD;
            case "hollow" -> Manager.HOLLOW;
            default -> throw new SettingsException("unit_manager \"" + managerName + "\": it is systemd or hollow");
        };
        if (kind == Manager.SYSTEMD && hollow != null) {
            throw new SettingsException(
                    "--hollow " + hollow + " with --unit-manager systemd: only hollow machines can be"
                            + " many in a process; leave one of them out");
        }
        int machines = kind == Manager.HOLLOW ? (hollow == null ? 1 : hollow) : 0;
        if (kind == Manager.HOLLOW && machines < 1) {
            throw new SettingsException("--hollow " + machines + ": at least one machine is needed");
        }
        Optional<Path> units = Optional.ofNullable(unitsDir)
                .or(() -> settings.get(Setting.UNITS_DIRECTORY).map(Path::of));
        String address = first(publicIp, settings, Setting.PUBLIC_IP, "");
        Map<String, String> announced = pairs(first(metadata, settings, Setting.METADATA, ""));
        checkLimits(address, announced);
        List<String> addresses = addresses(first(engines, settings, Setting.ENGINES, ""));
        String machine = machine(settings, kind);
        return new AgentConfig(
                addresses,
                machine,
                address,
                announced,
                Path.of(first(
                        dataDir == null ? null : dataDir.toString(),
                        settings,
                        Setting.DATA_DIR,
                        "/var/lib/fleet-agent")),
                units,
                kind,
                user || flag(settings, Setting.SYSTEMD_USER),
                first(systemdBus, settings, Setting.SYSTEMD_BUS, ""),
                Optional.ofNullable(bootIdFile),
                words(first(journalCommand, settings, Setting.JOURNAL_COMMAND, "")),
                machines,
                Optional.ofNullable(hollowJournal),
                certificate(settings, machine, machines),
                level(first(verbosity, settings, Setting.VERBOSITY, "info")),
                adoptCluster);
    }

    private Optional<TlsFiles> certificate(Settings settings, String machine, int hollowMachines)
            throws SettingsException {
        Optional<TlsFiles> files = tls.resolve(settings);
        if (files.isPresent()) {
            if (hollowMachines > 1) {
                throw new SettingsException("--hollow " + hollowMachines
                        + " with a certificate: each machine needs its own; start an agent for each");
            }
            String id = hollowMachines == 1 ? HollowMachines.machineId(machine, 1) : machine;
            TlsOptions.check(files.get(), SpiffeId.Kind.AGENT, id, null);
        }
        return files;
    }

    /** What every engine would refuse is told here, at once. */
    private static void checkLimits(String address, Map<String, String> announced) throws SettingsException {
        String fault = MessageCheck.fault(Hello.newBuilder()
                .setMachineId("0".repeat(32))
                .setPrimaryIp(address)
                .putAllMetadata(announced)
                .build());
        if (fault != null) {
            throw new SettingsException("engines refuse what this agent is to announce: " + fault);
        }
    }

    private static String first(@Nullable String option, Settings settings, Setting setting, String otherwise) {
        return option != null ? option : settings.get(setting).orElse(otherwise);
    }

    private static boolean flag(Settings settings, Setting setting) throws SettingsException {
        String value = settings.get(setting).orElse("false").toLowerCase(Locale.ROOT);
        return switch (value) {
            case "true", "1", "yes", "on" -> true;
            case "false", "0", "no", "off", "" -> false;
            default -> throw new SettingsException(setting.key() + " \"" + value + "\": it is true or false");
        };
    }

    private static List<String> addresses(String text) throws SettingsException {
        List<String> addresses = new ArrayList<>();
        for (String part : text.split(",", -1)) {
            String address = part.strip();
            if (address.isEmpty()) {
                continue;
            }
            if (!ADDRESS.matcher(address).matches()) {
                throw new SettingsException("engines: \"" + address + "\" is no host:port");
            }
            if (!addresses.contains(address)) {
                addresses.add(address);
            }
        }
        if (addresses.isEmpty()) {
            throw new SettingsException("no engines are given: use --engines host:port,... or FLEET_ENGINES");
        }
        return addresses;
    }

    private String machine(Settings settings, Manager kind) throws SettingsException {
        String given = first(machineId, settings, Setting.MACHINE_ID, "");
        String id = given;
        if (given.isEmpty()) {
            Path file = Path.of("/etc/machine-id");
            try {
                id = Files.readString(file).strip();
            } catch (IOException e) {
                throw new SettingsException(file + " can't be read (" + e.getMessage() + "); give --machine-id", e);
            }
        }
        if (kind == Manager.SYSTEMD && !MACHINE_ID.matcher(id).matches()) {
            throw new SettingsException("machine id \"" + id + "\": it has 32 lower-case hexadecimal digits");
        }
        return id;
    }

    private static Map<String, String> pairs(String text) throws SettingsException {
        Map<String, String> pairs = new LinkedHashMap<>();
        for (String part : text.split(",", -1)) {
            String pair = part.strip();
            if (pair.isEmpty()) {
                continue;
            }
            int equals = pair.indexOf('=');
            if (equals <= 0) {
                throw new SettingsException("metadata: \"" + pair + "\" is no key=value");
            }
            pairs.put(
                    pair.substring(0, equals).strip(),
                    pair.substring(equals + 1).strip());
        }
        return pairs;
    }

    private static List<String> words(String text) {
        return text.isBlank() ? List.of() : List.of(text.strip().split("\\s+"));
    }

    /** Fleet counts from 0 to 2; the names are what the levels are called here. */
    private static Level level(String text) throws SettingsException {
        return switch (text.strip().toLowerCase(Locale.ROOT)) {
            case "error" -> Level.ERROR;
            case "warn" -> Level.WARN;
            case "0", "info" -> Level.INFO;
            case "1", "debug" -> Level.DEBUG;
            case "2", "trace" -> Level.TRACE;
            default ->
                throw new SettingsException(
                        "verbosity \"" + text + "\": it is 0, 1 or 2, or error, warn, info, debug or trace");
        };
    }
}
