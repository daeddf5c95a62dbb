package io.raftfleet.state.raft;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Properties;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StoredVoteTest {
    @TempDir
    Path dir;

    @Test
    void aFileThatCouldNotBeWrittenIsWrittenAgain() throws Exception {
        for (String torn : new String[] {"", "#\n#Sun Nov", "#\nvotedFor=e1", "#\nvotedFor=\\u12"}) {
            Files.writeString(dir.resolve("raft-meta"), torn);
            assertThat(StoredVote.isLostIn(dir)).as(torn).isTrue();

            new StoredVote(17, "e2").mend(dir);

            assertThat(StoredVote.isLostIn(dir)).isFalse();
            var stored = new Properties();
            try (var file = Files.newBufferedReader(dir.resolve("raft-meta"))) {
                stored.load(file);
            }
            assertThat(stored)
                    .containsEntry("term", "17")
                    .containsEntry("votedFor", "e2")
                    .hasSize(2);
            try (var files = Files.list(dir)) {
                assertThat(files).hasSize(1);
            }
        }
    }

    @Test
    void aVoteThatIsThereStays() throws Exception {
        Files.writeString(dir.resolve("raft-meta"), "term=18\nvotedFor=\n");

        new StoredVote(17, "e2").mend(dir);

        assertThat(dir.resolve("raft-meta")).hasContent("term=18\nvotedFor=\n");
    }

    @Test
    void whereNothingWasStoredYetNothingIsLost() {
        assertThat(StoredVote.isLostIn(dir)).isFalse();
    }
}
