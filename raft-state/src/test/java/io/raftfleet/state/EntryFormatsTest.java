package io.raftfleet.state;

import static org.assertj.core.api.Assertions.assertThat;

import io.raftfleet.proto.log.LeaderStarted;
import io.raftfleet.proto.log.Record;
import io.raftfleet.proto.model.TargetState;
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

    @Test
    void filesAsSubmittedAndWhoChangedAUnitTakeTheirOwnFormat() {
        var created = Entries.create("a.service", Entries.PLAIN, TargetState.TARGET_STATE_LAUNCHED, 0);
        var target = Entries.target("a.service", 1, TargetState.TARGET_STATE_LOADED);
        assertThat(EntryFormats.needed(List.of(created, target))).isEqualTo(1);
        assertThat(List.of(
                        Entries.by(created, "user/alice"),
                        Entries.from(created, "# a file\n"),
                        Entries.by(target, "user/alice"),
                        Entries.source("# a file\n"),
                        Entries.sourceSet("a.service", 1, "", "")))
                .allSatisfy(record ->
                        assertThat(EntryFormats.needed(List.of(record))).isEqualTo(EntryFormats.WITH_SOURCES));
    }
}
