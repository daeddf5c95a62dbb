package io.raftfleet.state;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import com.google.protobuf.ByteString;
import io.raftfleet.proto.log.ContentsStored;
import io.raftfleet.proto.log.Entry;
import io.raftfleet.proto.log.Record;
import io.raftfleet.proto.log.SessionOpened;
import io.raftfleet.proto.log.TargetStateSet;
import io.raftfleet.proto.log.UnitCreated;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.proto.model.UnitContents;
import io.raftfleet.unit.UnitHash;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Records that no sane leader writes are dropped on every engine alike, and stop none. */
class FaultyRecordsTest {
    private static final String TEXT = "[Service]\nExecStart=/bin/true\n";

    private final Registry registry = new Registry(100);
    private long index;

    @Test
    void aRecordThatCantBeAppliedIsDroppedAndThoseAroundItAreNot() {
        var dropped = apply(
                session("m1"),
                Record.newBuilder()
                        .setContentsStored(ContentsStored.newBuilder()
                                .setContents(UnitContents.newBuilder()
                                        .setHash(ByteString.copyFromUtf8("short"))
                                        .setText(TEXT)))
                        .build(),
                created("a.service", ByteString.copyFromUtf8("x"), 1),
                session("m2"));
        assertThat(dropped.get(0)).isNull();
        assertThat(dropped.get(1)).contains("at fault");
        assertThat(dropped.get(2)).contains("at fault");
        assertThat(dropped.get(3)).isNull();
        int machines = registry.read(view -> view.machines().size());
        assertThat(machines).isEqualTo(2);
    }

    @Test
    void targetStatesOfTheFutureAreDropped() {
        var hash = UnitHash.ofText(TEXT);
        var stored = Record.newBuilder()
                .setContentsStored(ContentsStored.newBuilder()
                        .setContents(UnitContents.newBuilder()
                                .setHash(hash.toByteString())
                                .setText(TEXT)))
                .build();
        var dropped = apply(stored, created("a.service", hash.toByteString(), 77));
        assertThat(dropped.get(1)).contains("target state");
        assertThat(apply(stored, created("a.service", hash.toByteString(), TargetState.TARGET_STATE_LOADED_VALUE)))
                .containsOnlyNulls();
        assertThat(apply(Record.newBuilder()
                        .setTargetStateSet(
                                TargetStateSet.newBuilder().setName("a.service").setTargetStateValue(77))
                        .build()))
                .first()
                .asString()
                .contains("target state");
    }

    @Test
    void contentsThatNobodyCanParseStopNobody() {
        var text = "[Service\n";
        var hash = UnitHash.ofText(text);
        var dropped = apply(
                Record.newBuilder()
                        .setContentsStored(ContentsStored.newBuilder()
                                .setContents(UnitContents.newBuilder()
                                        .setHash(hash.toByteString())
                                        .setText(text)))
                        .build(),
                created("a.service", hash.toByteString(), TargetState.TARGET_STATE_LOADED_VALUE));
        assertThat(dropped.get(1)).contains("at fault");
        boolean known = registry.read(view -> view.unit("a.service") != null);
        assertThat(known).isFalse();
    }

    @Test
    void aListenerThatThrowsIsToldThatItMissedSomethingAndOthersHear() {
        var missed = new ArrayList<Long>();
        var heard = new ArrayList<Long>();
        registry.addListener(new Registry.Listener() {
            @Override
            public void applied(Registry.Applied applied) {
                throw new IllegalStateException("test");
            }

            @Override
            public void missed(Registry.Applied applied) {
                missed.add(applied.index());
                throw new IllegalStateException("test, once more");
            }
        });
        registry.addListener(applied -> heard.add(applied.index()));
        assertThatCode(() -> apply(session("m1"))).doesNotThrowAnyException();
        assertThat(missed).containsExactly(1L);
        assertThat(heard).containsExactly(1L);
    }

    private List<@Nullable String> apply(Record... records) {
        index++;
        return registry.apply(
                        1,
                        index,
                        Entry.newBuilder()
                                .setFormat(1)
                                .setProposal(index)
                                .addAllRecords(List.of(records))
                                .build())
                .dropped();
    }

    private static Record session(String machine) {
        return Record.newBuilder()
                .setSessionOpened(
                        SessionOpened.newBuilder().setMachineId(machine).setSessionEpoch(1))
                .build();
    }

    private static Record created(String name, ByteString hash, int target) {
        return Record.newBuilder()
                .setUnitCreated(
                        UnitCreated.newBuilder().setName(name).setHash(hash).setTargetStateValue(target))
                .build();
    }
}
