package io.raftfleet.engine.server;

import io.raftfleet.proto.cluster.BackupHeader;
import io.raftfleet.settings.Daemon;
import io.raftfleet.settings.Setting;
import io.raftfleet.settings.Settings;
import io.raftfleet.settings.SettingsException;
import io.raftfleet.settings.join.Ownership;
import io.raftfleet.state.Registry;
import io.raftfleet.state.RegistryView;
import io.raftfleet.state.raft.StoppedEngine;
import io.raftfleet.unit.BackupRows;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * The last resort when a majority of the engines is gone for good: writes what a stopped survivor's data directory holds as a backup,
 * from which a new life of the cluster can begin.
 */
@Command(
        name = "recover",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "Writes what the data directory of a stopped engine holds as a backup.",
            "For when a majority of the engines is gone for good: as long as one can be brought back with its disk, do that instead."
        })
final class RecoverCommand {
    @Option(names = "--config", paramLabel = "FILE", description = "Configuration file (as of fleet-engine).")
    @Nullable
    Path config;

    @Option(names = "--data-dir", paramLabel = "DIR", description = "Of the stopped engine (/var/lib/fleet-engine).")
    @Nullable
    String dataDir;

    @Option(names = "--backup", required = true, paramLabel = "FILE", description = "Where to write to; a new file.")
    @SuppressWarnings("NullAway.Init") // picocli sees to it
    Path backup;

    @Option(
            names = "--up-to-damage",
            description = "Where the log is damaged, take what stands before that; what stood behind it is lost.")
    boolean upToDamage;

    /**
     * Does it.
     *
     * @param out is told what was found, and what to do next
     * @throws IOException when the engine runs, its directory or the file can't be used: the message says what to do
     */
    void run(Map<String, String> environment, PrintWriter out) throws IOException, SettingsException {
        var settings = Settings.read(
                Daemon.ENGINE, config, environment, dataDir == null ? Map.of() : Map.of(Setting.DATA_DIR, dataDir));
        var root = Path.of(settings.require(Setting.DATA_DIR));
        if (Files.exists(backup)) {
            throw new IOException(backup + " is there already: name a new file, so that none is lost");
        }
        var registry = new Registry(1, 0);
        try (var engine = StoppedEngine.read(
                root, registry, RegistryQuota.capacity(Runtime.getRuntime().maxMemory()), upToDamage)) {
            if (registry.read(RegistryView::incarnation) == 0) {
                throw new IOException("Engine " + engine.engineId()
                        + " had not got the whole registry yet: a cluster was being formed, or"
                        + " restored. Try another engine's directory, or restore from where that restoration began");
            }
            try {
                write(engine, registry);
            } finally {
                // root may do this for an engine that runs as somebody else, and is to start on it again.
                Ownership.asDirectory(root);
            }
            tell(engine, registry, out);
        }
    }

    private void write(StoppedEngine engine, Registry registry) throws IOException {
        var part = backup.resolveSibling(backup.getFileName() + ".part");
        try {
            Files.deleteIfExists(part);
            try (var file = FileChannel.open(
                            part,
                            Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE),
                            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
                    var bytes = new BufferedOutputStream(Channels.newOutputStream(file), 1 << 16)) {
                engine.rows((term, index, digest, rows) -> BackupWriter.write(
                        bytes,
                        BackupHeader.newBuilder()
                                .setClusterId(engine.clusterId().toString())
                                .setIncarnation(registry.read(RegistryView::incarnation))
                                .setTerm(term)
                                .setIndex(index)
                                .setRegistryDigest(digest)
                                .build(),
                        rows));
                file.force(true);
            }
            BackupRows.read(Files.newInputStream(part), part.toString(), row -> {});
            Files.move(part, backup);
        } catch (NoSuchFileException e) {
            throw new IOException(backup + " can't be written, as its directory is not there: make it", e);
        } catch (FileAlreadyExistsException e) {
            throw new IOException(backup + " was made by somebody else meanwhile: name another file", e);
        } finally {
            Files.deleteIfExists(part);
        }
    }

    private void tell(StoppedEngine engine, Registry registry, PrintWriter out) throws IOException {
        var quarantine = engine.quarantine();
        if (quarantine != null) {
            out.println("WARNING: engine " + engine.engineId() + " does not start on this directory any more: "
                    + quarantine);
            out.println("         If there is another engine's directory, recover that one.");
        }
        if (engine.damage() != null) {
            out.println("WARNING: not all of the log could be read. " + engine.damage());
        }
        out.println("Recovered cluster " + engine.clusterId() + " as engine " + engine.engineId() + " had it:");
        out.println("  up to index " + engine.index() + " of term " + engine.term()
                + (engine.committed() < engine.index()
                        ? ". As far as its disk says, a majority had up to index " + engine.committed()
                                + "; writes after that may have been acknowledged or not, and are in it"
                        : ", which a majority had"));
        out.println("  " + registry.read(view -> view.units().size()) + " units, "
                + registry.read(view -> view.machines().size()) + " machines");
        out.println(
                "What only lost engines had is not in it. If you have several engines' directories, recover each, and use the one with"
                        + " the highest term, among these the highest index.");
        out.println("Written to " + backup + ", " + Files.size(backup) + " bytes, read back and verified.");
        out.println("To bring the cluster back: stop all its engines, then type here: fleet-engine restore " + backup
                + " . The other engines join it as new ones, and what runs on the machines is taken over."
                + " Remove nothing: the certificates in the data directory are needed. Step by step: recovery.md in"
                + " /usr/share/doc/raftfleet-runtime/docs, or in docs.");
        out.flush();
    }
}
