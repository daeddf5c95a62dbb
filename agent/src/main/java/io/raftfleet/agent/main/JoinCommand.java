package io.raftfleet.agent.main;

import io.raftfleet.identity.SpiffeId;
import io.raftfleet.identity.TokenText;
import io.raftfleet.identity.join.JoinException;
import io.raftfleet.identity.join.JoinedFiles;
import io.raftfleet.identity.join.Joining;
import io.raftfleet.identity.join.TokenInput;
import io.raftfleet.proto.cluster.EngineAddresses;
import io.raftfleet.settings.Daemon;
import io.raftfleet.settings.Setting;
import io.raftfleet.settings.Settings;
import io.raftfleet.settings.join.ConfigEdit;
import io.raftfleet.settings.join.DaemonUnit;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Makes this machine one of a cluster, by a token. */
@Command(
        name = "join",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "Makes this machine one of a cluster.",
            "",
            "Makes a key, has it certified by the engines that the token names, and writes what the agent needs into its"
                    + " configuration. Then starts the service fleet-agent, or, where none is installed, runs as the agent. A token"
                    + " is made by: fleetctl token create --role agent"
        })
final class JoinCommand {
    private static final Pattern MACHINE_ID = Pattern.compile("[0-9a-f]{32}");

    @ArgGroup(multiplicity = "1")
    TokenInput token = new TokenInput();

    @Option(names = "--config", paramLabel = "FILE", description = "Configuration to write (/etc/fleet/agent.conf).")
    Path config = Settings.usualFile(Daemon.AGENT);

    @Option(
            names = "--dir",
            paramLabel = "DIR",
            description = "Where key and certificate go. Default: beside the configuration")
    @Nullable
    Path directory;

    @Option(names = "--machine-id", paramLabel = "ID", description = "Default: as /etc/machine-id has it")
    @Nullable
    String machineId;

    @Option(
            names = "--public-ip",
            paramLabel = "ADDRESS",
            description = "The address that the cluster shows for this machine.")
    @Nullable
    String publicIp;

    @Option(
            names = "--metadata",
            paramLabel = "KEY=VALUE,...",
            description = "What units ask for with MachineMetadata=.")
    @Nullable
    String metadata;

    @Option(names = "--no-start", description = "Do not start the agent.")
    boolean noStart;

    /**
     * Joins.
     *
     * @return whether this process is to be the agent now
     * @throws JoinException when the cluster does not take this machine
     * @throws IOException when something can't be read or written
     */
    boolean run() throws IOException {
        TokenText parsed =
                token.read(Path.of(""), System.in, SpiffeId.Kind.AGENT, "fleetctl token create --role agent");
        String machine =
                machineId == null ? Files.readString(Path.of("/etc/machine-id")).strip() : machineId;
        if (!MACHINE_ID.matcher(machine).matches()) {
            throw new JoinException("machine id \"" + machine + "\": it has 32 lower-case hexadecimal digits");
        }
        var joining = new Joining(parsed, machine, List.of(), new SecureRandom());
        var given = joining.join(Joining.PATIENCE);
        Path file = config.toAbsolutePath();
        Path target = directory == null ? file.resolveSibling("certificates") : directory.toAbsolutePath();
        var files = JoinedFiles.write(target, "agent-" + machine, joining.key(), given);
        Map<Setting, String> values = new EnumMap<>(Setting.class);
        values.put(
                Setting.ENGINES,
                given.getEnginesList().stream()
                        .map(EngineAddresses::getGrpcAddress)
                        .collect(Collectors.joining(",")));
        values.put(Setting.CA_FILE, files.authorities().toString());
        values.put(Setting.CERT_FILE, files.certificate().toString());
        values.put(Setting.KEY_FILE, files.key().toString());
        values.put(Setting.ALLOW_PLAINTEXT, "");
        if (machineId != null) {
            values.put(Setting.MACHINE_ID, machine);
        }
        if (publicIp != null) {
            values.put(Setting.PUBLIC_IP, publicIp);
        }
        if (metadata != null) {
            values.put(Setting.METADATA, metadata);
        }
        ConfigEdit.write(file, values);
        System.out.println(
                "Machine " + machine + " belongs to cluster " + parsed.cluster() + "; its settings are in " + file);
        return DaemonUnit.startOr("fleet-agent", file, noStart);
    }
}
