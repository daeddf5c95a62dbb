package io.raftfleet.state.raft;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DataDirectoryTest {
    private static final UUID CLUSTER = UUID.fromString("00000000-0000-4000-8000-000000000001");
    private static final UUID OTHER = UUID.fromString("00000000-0000-4000-8000-000000000002");

    @TempDir
    Path dir;

    private RaftConfig config(String engine, UUID cluster, boolean bootstrap) {
        return config(engine, cluster, bootstrap, 1);
    }

    private RaftConfig config(String engine, UUID cluster, boolean bootstrap, int port) {
        EnginePeer peer = new EnginePeer(engine, "127.0.0.1:" + port, "127.0.0.1:2", "127.0.0.1:3");
        return RaftConfig.builder(engine, cluster, dir.resolve("data"), List.of(peer))
                .bootstrap(bootstrap)
                .build();
    }

    @Test
    void belongsToOneEngineOfOneCluster() throws IOException {
        DataDirectory.open(config("e1", CLUSTER, true)).close();

        assertThatThrownBy(() -> DataDirectory.open(config("e1", OTHER, true)))
                .hasMessageContaining(dir.resolve("data").toString())
                .hasMessageContaining(CLUSTER.toString())
                .hasMessageContaining(OTHER.toString());
        assertThatThrownBy(() -> DataDirectory.open(config("e2", CLUSTER, true)))
                .hasMessageContaining("'e1'")
                .hasMessageContaining("'e2'");
    }

    @Test
    void isForItsOwnerAlone() throws IOException {
        DataDirectory.open(config("e1", CLUSTER, true)).close();
        DataDirectory.prepare(dir.resolve("prepared"), CLUSTER, "e2", false);
        for (var made : List.of("data", "prepared")) {
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(dir.resolve(made))))
                    .isEqualTo("rwx------");
        }
    }

    @Test
    void isHeldByOneProcessAtATime() throws IOException {
        try (DataDirectory held = DataDirectory.open(config("e1", CLUSTER, true))) {
            assertThat(held.live()).startsWithRaw(dir);
            assertThatThrownBy(() -> DataDirectory.open(config("e1", CLUSTER, true)))
                    .hasMessageContaining("in use")
                    .hasMessageContaining(dir.resolve("data").toString());
        }
        DataDirectory.open(config("e1", CLUSTER, true)).close();
    }

    @Test
    void emptyOneIsRefusedUnlessBootstrapped() throws IOException {
        assertThatThrownBy(() -> DataDirectory.open(config("e1", CLUSTER, false)))
                .hasMessageContaining("is empty")
                .hasMessageContaining("bootstrap");
        Files.createDirectories(dir.resolve("data"));
        Files.writeString(dir.resolve("data").resolve("letter.txt"), "dear");
        assertThatThrownBy(() -> DataDirectory.open(config("e1", CLUSTER, true)))
                .hasMessageContaining("not empty");
    }

    @Test
    void certificatesAndOldRegistriesAreNotInTheWay() throws IOException {
        Path data = dir.resolve("data");
        Files.createDirectories(data.resolve("certificates"));
        Files.createDirectories(data.resolve("former-1"));
        Files.createDirectories(data.resolve("lost+found"));
        DataDirectory.open(config("e1", CLUSTER, true)).close();
        Files.delete(data.resolve("engine.properties"));
        FirstStart.prepare(data, CLUSTER, "e1", true);
        Files.delete(data.resolve("engine.properties"));

        Files.createDirectories(data.resolve("raft"));

        assertThatThrownBy(() -> DataDirectory.open(config("e1", CLUSTER, true)))
                .hasMessageContaining("it has " + data.resolve("raft"))
                .hasMessageContaining("keep the certificates");
        assertThatThrownBy(() -> FirstStart.prepare(data, CLUSTER, "e1", true))
                .hasMessageContaining("it has " + data.resolve("raft"))
                .hasMessageContaining("keep the certificates");
    }

    @Test
    void whatAnEngineWroteIsSetAsideAndNothingElse() throws IOException {
        Path data = dir.resolve("data");
        Path certificates = Files.createDirectories(data.resolve("certificates"));
        assertThat(FirstStart.setAside(data)).isEmpty();
        try (DataDirectory directory = DataDirectory.open(config("e1", CLUSTER, true))) {
            directory.markFormed();
            Files.createDirectories(directory.group());
            directory.noteFormat(7);
            directory.quarantine("its registry differs");
            Files.writeString(data.resolve("letter.txt"), "dear");
            assertThatThrownBy(() -> FirstStart.setAside(data)).hasMessageContaining("in use");
        }

        for (var unfinished : List.of("restore.backup.part", "entry-format.part", "engine.properties.part")) {
            Files.writeString(data.resolve(unfinished), "half");
        }

        Path former = FirstStart.setAside(data).orElseThrow();

        assertThat(former).isDirectoryContaining(file -> file.endsWith("raft"));
        assertThat(former.resolve("engine.properties")).exists();
        assertThat(former.resolve("quarantined")).exists();
        assertThat(former.resolve("entry-format")).exists();
        try (var left = Files.list(data)) {
            assertThat(left)
                    .containsExactlyInAnyOrder(former, certificates, data.resolve("letter.txt"), data.resolve("lock"));
        }
    }

    @Test
    void aRestorationIsSaidOnceAndTheEngineBeginsWithIt() throws IOException {
        Path data = dir.resolve("data");
        Path backup = Files.writeString(dir.resolve("fleet.backup"), "units");
        try (DataDirectory directory = DataDirectory.open(config("e1", CLUSTER, true))) {
            directory.markFormed();
            Files.createDirectories(directory.group());
        }

        Path former =
                FirstStart.restore(data, CLUSTER, "e1", Optional.of(backup)).orElseThrow();
        Files.delete(backup);

        assertThat(former.resolve("raft")).exists();
        try (DataDirectory directory = DataDirectory.open(config("e1", CLUSTER, false))) {
            assertThat(directory.restores()).isTrue();
            assertThat(directory.joined()).isFalse();
            assertThat(directory.backup().orElseThrow()).hasContent("units");
            directory.markFormed();
            Files.createDirectories(directory.group());
        }
        // One that ended before its registry was whole goes on.
        try (DataDirectory directory = DataDirectory.open(config("e1", CLUSTER, false))) {
            assertThat(directory.backup().orElseThrow()).hasContent("units");
            directory.markRestored();
            assertThat(data.resolve("restore.backup")).doesNotExist();
        }
        try (DataDirectory directory = DataDirectory.open(config("e1", CLUSTER, false))) {
            assertThat(directory.restores()).isFalse();
            assertThat(directory.backup()).isEmpty();
        }
        FirstStart.restore(data, CLUSTER, "e1", Optional.empty());
        try (DataDirectory directory = DataDirectory.open(config("e1", CLUSTER, false))) {
            assertThat(directory.restoresFromEtcd()).isTrue();
            assertThat(directory.backup()).isEmpty();
        }
    }

    @Test
    void howToBeginIsSaidOnceAndGoneWithTheFirstStart() throws IOException {
        FirstStart.prepare(dir.resolve("data"), CLUSTER, "e1", true);
        FirstStart.prepare(dir.resolve("data"), CLUSTER, "e1", true); // Again, as whoever could not join at first does.
        try (DataDirectory directory = DataDirectory.open(config("e1", CLUSTER, false))) {
            assertThat(directory.joined()).isTrue();
            directory.markFormed();
            Files.createDirectories(directory.group());
        }
        DataDirectory.open(config("e1", CLUSTER, false)).close();
        assertThatThrownBy(() -> FirstStart.prepare(dir.resolve("data"), CLUSTER, "e1", false))
                .hasMessageContaining("is not empty");
        Files.delete(dir.resolve("data/raft").resolve(CLUSTER.toString()));
        assertThatThrownBy(() -> DataDirectory.open(config("e1", CLUSTER, false)))
                .hasMessageContaining("has lost its log");
    }

    @Test
    void oneThatLostItsLogIsRefusedEvenWithBootstrap() throws IOException {
        try (DataDirectory directory = DataDirectory.open(config("e1", CLUSTER, true))) {
            assertThat(directory.formed()).isFalse();
            directory.markFormed();
            Files.createDirectories(directory.group());
        }
        DataDirectory.open(config("e1", CLUSTER, false)).close();

        Files.delete(dir.resolve("data").resolve("raft").resolve(CLUSTER.toString()));

        assertThatThrownBy(() -> DataDirectory.open(config("e1", CLUSTER, true)))
                .hasMessageContaining("lost its log")
                .hasMessageContaining(dir.resolve("data").toString());
    }

    @Test
    void oneThatHasNeverTakenPartIsAsGoodAsEmpty() throws IOException {
        DataDirectory.open(config("e1", CLUSTER, true)).close();

        assertThatThrownBy(() -> DataDirectory.open(config("e1", CLUSTER, false)))
                .hasMessageContaining("is empty");
        DataDirectory.open(config("e1", CLUSTER, true)).close();
    }

    @Test
    void aPortInUseIsNamed() throws IOException {
        try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
                RaftNode node = new RaftNode(
                        config("e1", CLUSTER, true, taken.getLocalPort()),
                        new KeyValueState(),
                        new RaftListener() {})) {
            assertThatThrownBy(node::start).hasMessageContaining("127.0.0.1:" + taken.getLocalPort());
        }
    }
}
