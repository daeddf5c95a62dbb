package io.raftfleet.state;

import static org.assertj.core.api.Assertions.assertThat;

import io.raftfleet.proto.log.LeaderStarted;
import io.raftfleet.proto.log.Record;
import io.raftfleet.state.raft.RaftConfig;
import java.util.List;
import org.junit.jupiter.api.Test;

class EntryFormatsTest {
    @Test
    void everyKindOfRecordThatThisVersionKnowsCanBeWrittenByIt() {
        var kinds = Record.getDescriptor().getOneofs().getFirst().getFields();
        assertThat(kinds).isNotEmpty().allSatisfy(kind -> {
            var record = Record.newBuilder();
            record.setField(kind, record.newBuilderForField(kind).build());
            assertThat(EntryFormats.needed(List.of(record.build()))).isBetween(1, RaftConfig.ENTRY_FORMAT);
        });
    }

    @Test
    void whatTheFirstVersionKnewIsWrittenInTheFirstFormat() {
        var known = Record.newBuilder()
                .setLeaderStarted(LeaderStarted.getDefaultInstance())
                .build();
        assertThat(EntryFormats.needed(List.of(known, known))).isEqualTo(1);
        assertThat(EntryFormats.needed(List.of())).isEqualTo(1);
    }
}
