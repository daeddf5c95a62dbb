package io.raftfleet.agent.main;

import io.raftfleet.agent.main.AgentConfig.Manager;
import io.raftfleet.identity.SpiffeId;
import io.raftfleet.identity.TlsFiles;
import io.raftfleet.proto.agent.Hello;
import io.raftfleet.settings.Setting;
import io.raftfleet.settings.Settings;
import io.raftfleet.settings.SettingsException;
import io.raftfleet.settings.TlsOptions;
import io.raftfleet.settings.TraceOptions;
import io.raftfleet.settings.Verbosity;
import io.raftfleet.settings.log.LogFormat;
import io.raftfleet.unit.limits.MessageCheck;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/** An agent's settings as it needs them. */
final class AgentOptions {
    private static final Pattern MACHINE_ID = Pattern.compile("[0-9a-f]{32}");
    private static final Pattern ADDRESS = Pattern.compile("(\\[[0-9a-fA-F:.]+]|[^:\\s,]+):([0-9]{1,5})");

    private AgentOptions() {}

    /** @throws SettingsException naming the setting, what is wrong with it and what to do */
    static AgentConfig resolve(Settings settings) throws SettingsException {
        Optional<Integer> hollow = hollow(settings);
        String managerName = settings.given(Setting.UNIT_MANAGER).orElse(hollow.isPresent() ? "hollow" : "systemd");
        Manager kind = switch (managerName) {
            case "systemd" -> Manager.SYSTEMD;
            case "hollow" -> Manager.HOLLOW;
            default -> throw new SettingsException("unit_manager \"" + managerName + "\": it is systemd or hollow");
        };
        if (kind == Manager.SYSTEMD && hollow.isPresent()) {
            throw new SettingsException(
                    "--hollow " + hollow.get() + " with --unit-manager systemd: only hollow machines can be"
                            + " many in a process; leave one of them out");
        }
        String address = settings.require(Setting.PUBLIC_IP);
        Map<String, String> announced = pairs(settings.require(Setting.METADATA));
        checkLimits(address, announced);
        List<String> addresses = addresses(settings.get(Setting.ENGINES).orElse(""));
        String machine = machine(settings, kind);
        int machines = kind == Manager.HOLLOW ? hollow.orElse(1) : 0;
        return new AgentConfig(
                addresses,
                machine,
                address,
                announced,
                Path.of(settings.require(Setting.DATA_DIR)),
                settings.given(Setting.UNITS_DIRECTORY).map(Path::of),
                kind,
                settings.isOn(Setting.SYSTEMD_USER),
                settings.require(Setting.SYSTEMD_BUS),
                settings.given(Setting.BOOT_ID_FILE).map(Path::of),
                words(settings.require(Setting.JOURNAL_COMMAND)),
                machines,
                settings.given(Setting.HOLLOW_JOURNAL).map(Path::of),
                certificate(settings, machine, machines),
                metrics(settings.given(Setting.METRICS)),
                TraceOptions.resolve(settings),
                LogFormat.read(settings),
                Verbosity.read(settings),
                settings.isOn(Setting.ADOPT_CLUSTER));
    }

    private static Optional<TlsFiles> certificate(Settings settings, String machine, int hollowMachines)
            throws SettingsException {
        Optional<TlsFiles> files = TlsOptions.resolve(settings);
        if (files.isPresent()) {
            if (hollowMachines > 1 && !files.get().isForEachMachine()) {
                throw new SettingsException("--hollow " + hollowMachines
                        + " with a certificate: each machine needs its own; write " + TlsFiles.MACHINE
                        + " for its id, as in --cert-file agent-" + TlsFiles.MACHINE + ".pem and --key-file agent-"
                        + TlsFiles.MACHINE + "-key.pem");
            }
            List<String> ids =
                    hollowMachines == 0 ? List.of(machine) : HollowMachines.machineIds(machine, hollowMachines);
            for (String id : ids) {
                TlsOptions.check(files.get().of(id), SpiffeId.Kind.AGENT, id, null);
            }
        }
        return files;
    }

    private static Optional<Integer> hollow(Settings settings) throws SettingsException {
        Optional<String> text = settings.given(Setting.HOLLOW);
        if (text.isEmpty()) {
            return Optional.empty();
        }
        try {
            int machines = Integer.parseInt(text.get().strip());
            if (machines >= 1) {
                return Optional.of(machines);
            }
        } catch (NumberFormatException e) {
            throw new SettingsException("--hollow " + text.get() + ": it is a number of machines", e);
        }
        throw new SettingsException("--hollow " + text.get() + ": at least one machine is needed");
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

    /** Who reaches it is not asked who they are, so that only this machine's own processes may. */
    private static Optional<InetSocketAddress> metrics(Optional<String> given) throws SettingsException {
        if (given.isEmpty()) {
            return Optional.empty();
        }
        String text = given.get().strip();
        int colon = text.lastIndexOf(':');
        int port = colon < 0 || !ADDRESS.matcher(text).matches() ? -1 : Integer.parseInt(text.substring(colon + 1));
        if (port < 0 || port > 65_535) {
            throw new SettingsException("metrics: \"" + text + "\" is no host:port");
        }
        String host = text.substring(0, colon);
        InetAddress address;
        try {
            address = host.equals("localhost") ? InetAddress.getLoopbackAddress() : InetAddress.ofLiteral(host);
        } catch (IllegalArgumentException e) {
            throw new SettingsException("metrics: \"" + host + "\" is no address, such as 127.0.0.1", e);
        }
        if (!address.isLoopbackAddress()) {
            throw new SettingsException("metrics: " + host
                    + " can be reached from other machines, and nobody is asked there who they are; take a loopback address,"
                    + " such as 127.0.0.1, and let a collector on this machine pass it on");
        }
        return Optional.of(new InetSocketAddress(address, port));
    }

    private static String machine(Settings settings, Manager kind) throws SettingsException {
        String given = settings.given(Setting.MACHINE_ID).orElse("");
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
}
