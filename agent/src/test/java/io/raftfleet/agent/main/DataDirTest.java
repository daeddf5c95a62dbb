package io.raftfleet.agent.main;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.raftfleet.agent.session.ClusterMemory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DataDirTest {
    @TempDir
    Path folder;

    @Test
    void belongsToOneAgentAtATime() throws Exception {
        DataDir first = DataDir.open(folder);
        assertThatThrownBy(() -> DataDir.open(folder))
                .isInstanceOf(IOException.class)
                .hasMessageContaining(folder.toString())
                .hasMessageContaining("--data-dir");
        first.close();
        DataDir.open(folder).close();
    }

    @Test
    void isForItsOwnerAlone() throws Exception {
        Path made = folder.resolve("agent");
        DataDir.open(made).close();
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(made)))
                .isEqualTo("rwx------");
    }

    @Test
    void remembersTheClusterUntilToldToForget() throws Exception {
        ClusterMemory memory = new ClusterMemory("cluster-1", -5, 7);
        try (DataDir data = DataDir.open(folder)) {
            assertThat(data.clusterMemory(Runnable::run).load()).isEqualTo(ClusterMemory.NONE);
            data.clusterMemory(Runnable::run).keep(memory);
        }
        try (DataDir data = DataDir.open(folder)) {
            assertThat(data.clusterMemory(Runnable::run).load()).isEqualTo(memory);
            Files.writeString(data.revocations(), "e1 5\n");
            data.forgetCluster();
            assertThat(data.revocations())
                    .as("another cluster's engines have these names, too")
                    .doesNotExist();
            assertThat(data.clusterMemory(Runnable::run).load()).isEqualTo(ClusterMemory.NONE);
            Files.writeString(folder.resolve("cluster"), "cluster-1\n");
            assertThatThrownBy(() -> data.clusterMemory(Runnable::run).load())
                    .hasMessageContaining("cluster")
                    .hasMessageContaining("--adopt-cluster");
        }
    }
}
