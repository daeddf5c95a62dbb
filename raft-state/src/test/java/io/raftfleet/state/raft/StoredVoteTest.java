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
        for (String torn : new String[] {
            "", "#\n#Sun Nov", "#\nvotedFor=e1", "votedFor=e1\nterm=", "votedFor=e1\nterm=x", "#\nvotedFor=\\u12"
        }) {
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
        for (String vote : new String[] {"term=18\nvotedFor=\n", "term=17\nvotedFor=e3\n"}) {
            Files.writeString(dir.resolve("raft-meta"), vote);

            new StoredVote(17, "e2").mend(dir);

            assertThat(dir.resolve("raft-meta")).hasContent(vote);
        }
    }

    @Test
    void aVoteOfAnEarlierTermIsReplaced() throws Exception {
        Files.writeString(dir.resolve("raft-meta"), "term=16\nvotedFor=e3\n");

        new StoredVote(17, "e2").mend(dir);

        assertThat(dir.resolve("raft-meta")).content().contains("term=17", "votedFor=e2");
    }

    @Test
    void theSpareFileTakesTheVote() throws Exception {
        StoredVote.reserve(dir);
        StoredVote.reserve(dir);
        Path spare = dir.resolve(".raft-meta.spare");
        Object inode = Files.getAttribute(spare, "unix:ino");
        assertThat(spare).hasSize(512);
        Files.writeString(dir.resolve("raft-meta"), "");

        new StoredVote(17, "e2").mend(dir);

        assertThat(spare).doesNotExist();
        assertThat(Files.getAttribute(dir.resolve("raft-meta"), "unix:ino")).isEqualTo(inode);
        assertThat(StoredVote.isLostIn(dir)).isFalse();
    }

    @Test
    void whereNothingWasStoredYetNothingIsLost() {
        assertThat(StoredVote.isLostIn(dir)).isFalse();
    }
}
