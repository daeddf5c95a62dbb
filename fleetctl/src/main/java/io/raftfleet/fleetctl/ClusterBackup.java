package io.raftfleet.fleetctl;

import com.google.protobuf.ByteString;
import io.raftfleet.client.BackupReader;
import io.raftfleet.client.FleetClientException;
import io.raftfleet.proto.fleet.ListUnitsRequest;
import io.raftfleet.proto.fleet.MachineOrder;
import io.raftfleet.proto.fleet.MachinePatch;
import io.raftfleet.proto.fleet.Page;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;

/** {@code cluster backup} and {@code cluster restore}. */
final class ClusterBackup {
    private ClusterBackup() {}

    /** Writes a backup file. */
    static final class Backup extends FleetCommand {
        String file = "";

        Backup(Session session) {
            super(session);
        }

        @Override
        void describe(Syntax syntax) {
            syntax.command(
                    "backup",
                    "Write the cluster's registry to a file",
                    "",
                    "It has everything that was acknowledged before, and a checksum. The file appears when it is complete.");
            syntax.add(Syntax.argument(String.class, given -> file = given).paramLabel("FILE"));
        }

        @Override
        public Integer call() {
            if (file.equals("-")) {
                throw CommandException.usage(
                        "a backup is read again when it is whole, so that it goes to a file: name one");
            }
            Path target = session.terminal().directory().resolve(file);
            if (Files.exists(target)) {
                throw new CommandException(target + " exists: name another file", null);
            }
            Path folder = target.toAbsolutePath().getParent();
            if (folder != null && !Files.isDirectory(folder)) {
                throw new CommandException(
                        Files.exists(folder)
                                ? folder + " is no folder: name a file in one"
                                : "folder " + folder + " does not exist: make it, or name a file in another");
            }
            Path part = target.resolveSibling(target.getFileName() + ".part");
            try {
                fetch(part, target);
                return 0;
            } catch (IOException | FleetClientException e) {
                throw new CommandException("Error making a backup: " + CommandException.words(e), e);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return 1;
            }
        }

        /** Leaves no file when it fails. */
        private void fetch(Path part, Path target) throws IOException, InterruptedException {
            try {
                download(part);
                BackupFile backup = BackupFile.read(part);
                long size = Files.size(part);
                Files.move(part, target, StandardCopyOption.ATOMIC_MOVE);
                session.out("Backup of cluster " + backup.header().getClusterId() + " at index "
                        + backup.header().getIndex() + ": " + backup.units().size() + " units, " + size + " bytes, in "
                        + target);
            } finally {
                Files.deleteIfExists(part);
            }
        }

        private void download(Path part) throws IOException, InterruptedException {
            Files.deleteIfExists(part);
            var progress = new ProgressLine(session.terminal());
            try (BackupReader reader = session.client().backup();
                    FileChannel channel = FileChannel.open(
                            part,
                            Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE),
                            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
                    OutputStream out = Channels.newOutputStream(channel)) {
                long bytes = 0;
                for (ByteString data = reader.next(); data != null; data = reader.next()) {
                    data.writeTo(out);
                    bytes += data.size();
                    progress.show((bytes >> 20) + " MiB of the backup written");
                }
                channel.force(true);
            } finally {
                progress.clear();
            }
        }
    }

    /** Puts a backup's units into an empty cluster. */
    static final class Restore extends FleetCommand {
        String file = "";

        Restore(Session session) {
            super(session);
        }

        @Override
        void describe(Syntax syntax) {
            syntax.command(
                    "restore",
                    "Put the units of a backup file, with what was desired of them, into a cluster that has none",
                    "",
                    "Also what operators said of machines that are connected: metadata, cordons, drains. The units are placed anew: to bring back a lost cluster"
                            + " whose machines still run its units, use fleet-engine restore instead.");
            syntax.add(Syntax.argument(String.class, given -> file = given).paramLabel("FILE"));
        }

        @Override
        public Integer call() {
            try {
                BackupFile backup =
                        BackupFile.read(session.terminal().directory().resolve(file));
                requireEmpty();
                // First, so that units are placed by it.
                int refused = patch(backup);
                int units = backup.units().size();
                int missing = create(backup);
                refused += missing;
                session.out(
                        "Restored " + (missing == 0 ? "" : (units - missing) + " of ") + units + " units of cluster "
                                + backup.header().getClusterId() + ", as of index "
                                + backup.header().getIndex());
                return refused == 0 ? 0 : 1;
            } catch (IOException | FleetClientException e) {
                throw new CommandException("Error restoring: " + CommandException.words(e), e);
            }
        }

        private void requireEmpty() throws IOException {
            var page = ListUnitsRequest.newBuilder().setPage(Page.newBuilder().setSize(1));
            var units = session.client().listUnits(page.build()).rows();
            if (!units.isEmpty()) {
                throw new IOException("the cluster is not empty, it has unit "
                        + units.getFirst().getName() + ": restore into a new cluster, or destroy its units first");
            }
        }

        private int patch(BackupFile backup) {
            int refused = 0;
            var results = session.client().patchMachines(backup.patches()).results();
            for (int i = 0; i < results.size(); i++) {
                if (!UnitCreator.succeeded(results.get(i))) {
                    var patch = backup.patches().get(i);
                    session.err("Not restored: " + what(patch) + " of machine " + patch.getMachineId() + ": "
                            + UnitCreator.reason(results.get(i)));
                    refused++;
                }
            }
            return refused;
        }

        private static String what(MachinePatch patch) {
            return !patch.hasOrder()
                    ? patch.getKey()
                    : patch.getOrder().getKind() == MachineOrder.Kind.KIND_DRAIN ? "the drain" : "the cordon";
        }

        private int create(BackupFile backup) {
            int refused = 0;
            var results = session.client().createUnits(backup.units(), false).results();
            for (int i = 0; i < results.size(); i++) {
                if (!UnitCreator.succeeded(results.get(i))) {
                    session.err("Not restored: unit " + backup.units().get(i).getName() + ": "
                            + UnitCreator.reason(results.get(i)));
                    refused++;
                }
            }
            return refused;
        }
    }
}
