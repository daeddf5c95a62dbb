package io.raftfleet.engine.server;

import io.raftfleet.identity.SpiffeId;
import io.raftfleet.identity.TokenText;
import io.raftfleet.identity.ca.CertificateAuthority;
import io.raftfleet.identity.ca.PrivateFile;
import io.raftfleet.identity.join.JoinException;
import io.raftfleet.identity.join.JoinedFiles;
import io.raftfleet.identity.join.Joining;
import io.raftfleet.identity.join.TokenInput;
import io.raftfleet.proto.cluster.EngineAddresses;
import io.raftfleet.settings.SettingsException;
import io.raftfleet.settings.join.DaemonUnit;
import io.raftfleet.state.raft.EnginePeer;
import io.raftfleet.state.raft.FirstStart;
import java.io.IOException;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.stream.Collectors;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Makes one more engine for a cluster, by a token. */
@Command(
        name = "join",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "Makes one more engine for a cluster.",
            "",
            "Makes a key, has it certified by the engines that the token names, takes the key of the cluster's authority, and writes"
                    + " the configuration. Then starts the service fleet-engine, or, where none is installed, runs as the engine. It"
                    + " waits until an admin adds it: fleetctl cluster add. A token is made by: fleetctl token create --role engine"
        })
final class JoinCommand {
    @ArgGroup(multiplicity = "1")
    TokenInput token = new TokenInput();

    @Option(
            names = "--engine-id",
            required = true,
            paramLabel = "ID",
            description = "Name of this engine, which the cluster never had.")
    String id = "";

    @Option(
            names = "--set-aside",
            description =
                    "First move what an engine left in the data directory into former-... there, all but certificates."
                            + " For an engine of a cluster that fleet-engine restore has brought back elsewhere.")
    boolean setAside;

    @Mixin
    FirstSteps steps = new FirstSteps();

    /** Returns whether this process is to be the engine now. */
    boolean run() throws IOException {
        TokenText parsed =
                token.read(Path.of(""), System.in, SpiffeId.Kind.ENGINE, "fleetctl token create --role engine");
        EnginePeer self;
        try {
            self = steps.self(id);
        } catch (SettingsException e) {
            throw new JoinException(String.valueOf(e.getMessage()), e);
        }
        steps.checkCertificates(id);
        if (setAside) {
            FirstStart.setAside(steps.data)
                    .ifPresent(former -> System.out.println("What an engine had left is in " + former + " now"));
        }
        FirstStart.prepare(steps.data, UUID.fromString(parsed.cluster()), id, true);
        var joining = new Joining(parsed, id, List.of(steps.host, "localhost", "127.0.0.1"), new SecureRandom());
        var given = joining.join(Joining.PATIENCE);
        Path directory = steps.certificates();
        var files = JoinedFiles.write(directory, "engine-" + id, joining.key(), given);
        Path authorityKey = directory.resolve(CertificateAuthority.KEY);
        PrivateFile.replace(authorityKey, given.getAuthorityKey());
        var peers = new ArrayList<>(
                given.getEnginesList().stream().map(JoinCommand::peer).toList());
        peers.add(self);
        steps.configure(id, parsed.cluster(), peers, files, authorityKey);
        System.out.println("Engine " + id + " waits to be added to cluster " + parsed.cluster()
                + "; its settings are in " + steps.config);
        System.out.println("Add it: fleetctl --endpoint "
                + given.getEnginesList().stream()
                        .map(EngineAddresses::getGrpcAddress)
                        .collect(Collectors.joining(","))
                + " cluster add " + id + "=" + self.raftAddress() + "/" + self.grpcAddress() + "/"
                + self.httpAddress());
        return DaemonUnit.startOr("fleet-engine", steps.config, steps.noStart);
    }

    private static EnginePeer peer(EngineAddresses engine) {
        return new EnginePeer(
                engine.getId(), engine.getRaftAddress(), engine.getGrpcAddress(), engine.getHttpAddress());
    }
}
