package io.raftfleet.engine.control;

import static org.assertj.core.api.Assertions.assertThat;

import io.raftfleet.engine.schedule.Scheduler;
import io.raftfleet.proto.fleet.CreateUnitsRequest;
import io.raftfleet.proto.fleet.ItemCode;
import io.raftfleet.proto.fleet.NewUnit;
import io.raftfleet.proto.log.Entry;
import io.raftfleet.proto.log.Record;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.state.EntryFormats;
import io.raftfleet.state.Registry;
import io.raftfleet.state.RegistryView;
import io.raftfleet.state.UnitRecord;
import io.raftfleet.unit.Units;
import java.util.ArrayList;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/** Of what is submitted, what is kept to the byte, and what of it makes another unit. */
class SubmittedFilesTest {
    private static final String PLAIN = "[Service]\nExecStart=/bin/true\n";
    private static final String COMMENTED = "# why\r\n" + PLAIN;

    private final Registry registry = new Registry(100);
    private final Scheduler scheduler = new Scheduler();
    private int format = EntryFormats.WITH_SOURCES;
    private long room = Long.MAX_VALUE;
    private long index;

    @Test
    void aFileIsKeptToTheByteOnceAllEnginesKeepFiles() {
        format = EntryFormats.WITH_SOURCES - 1;
        assertThat(create(unit("old.service", COMMENTED))).isEqualTo(ItemCode.ITEM_CODE_OK);
        assertThat(replace(unit("old.service", "# other\n" + PLAIN))).isEqualTo(ItemCode.ITEM_CODE_UNCHANGED);
        format = EntryFormats.WITH_SOURCES;
        create(unit("new.service", COMMENTED));
        create(unit("plain.service", PLAIN));
        assertThat(source("old.service")).isEmpty();
        assertThat(source("new.service")).isEqualTo(COMMENTED);
        assertThat(source("plain.service")).as("it is what the contents are").isEmpty();
        assertThat(record("old.service").hash())
                .isEqualTo(record("new.service").hash())
                .isEqualTo(record("plain.service").hash());
        assertThat(record("old.service").changed().by()).isEmpty();
        assertThat(record("new.service").changed().by()).isEqualTo("user/alice");
    }

    @Test
    void otherCommentsReplaceTheFileWhenToldSoAndNothingIsStartedForThem() {
        create(unit("a.service", PLAIN, TargetState.TARGET_STATE_LAUNCHED));
        var before = record("a.service");
        assertThat(create(unit("a.service", COMMENTED, TargetState.TARGET_STATE_LAUNCHED)))
                .isEqualTo(ItemCode.ITEM_CODE_UNCHANGED);
        assertThat(source("a.service")).isEmpty();
        assertThat(replace(unit("a.service", COMMENTED, TargetState.TARGET_STATE_LAUNCHED)))
                .isEqualTo(ItemCode.ITEM_CODE_REPLACED);
        assertThat(source("a.service")).isEqualTo(COMMENTED);
        assertThat(record("a.service").asksTheSameAs(before)).isTrue();
        assertThat(replace(unit("a.service", COMMENTED))).isEqualTo(ItemCode.ITEM_CODE_UNCHANGED);
        assertThat(replace(unit("a.service", PLAIN, TargetState.TARGET_STATE_LOADED)))
                .isEqualTo(ItemCode.ITEM_CODE_REPLACED);
        assertThat(source("a.service")).isEmpty();
        assertThat(record("a.service").target()).isEqualTo(TargetState.TARGET_STATE_LOADED);
    }

    @Test
    void optionsAloneSayNothingOfTheFile() {
        create(unit("a.service", COMMENTED));
        assertThat(decide(request(unit("a.service", PLAIN)).setReplace(true).setOptionsOnly(true)))
                .isEqualTo(ItemCode.ITEM_CODE_UNCHANGED);
        assertThat(source("a.service")).isEqualTo(COMMENTED);
        assertThat(decide(request(unit("b.service", COMMENTED)).setOptionsOnly(true)))
                .isEqualTo(ItemCode.ITEM_CODE_OK);
        assertThat(source("b.service")).isEmpty();
    }

    @Test
    void anInstanceMadeByItsTemplatesHashHasTheTemplatesFile() {
        create(unit("a@.service", COMMENTED));
        var hash = record("a@.service").hash().toByteString();
        create(NewUnit.newBuilder().setName("a@1.service").setHash(hash).build());
        create(NewUnit.newBuilder().setName("b.service").setHash(hash).build());
        assertThat(source("a@1.service")).isEqualTo(COMMENTED);
        assertThat(source("b.service")).isEmpty();
    }

    @Test
    void theLargestFileFitsAnEntryWithAllThatIsKeptOfItAndALongerOneIsKeptAsItsOptions() {
        var lines = ("Environment=" + "x".repeat(1000) + "\n").repeat(Units.MAX_BYTES / 1013 - 1);
        var file = "[Service]\n\n" + lines + "ExecStart=/bin/true\n";
        assertThat(file.length()).isBetween(Units.MAX_BYTES - 2_000, Units.MAX_BYTES);
        assertThat(create(unit("big.service", file))).isEqualTo(ItemCode.ITEM_CODE_OK);
        assertThat(source("big.service")).isEqualTo(file);
        create(unit("long.service", "#" + "c".repeat(Units.MAX_BYTES) + "\n" + PLAIN));
        assertThat(source("long.service")).isEmpty();
        assertThat(record("long.service").hash().toHex())
                .isEqualTo(io.raftfleet.unit.UnitHash.ofText(PLAIN).toHex());
    }

    @Test
    void whatIsKeptOfFilesCountsAgainstTheQuota() {
        create(unit("a.service", PLAIN));
        var comments = "# a line that nobody needs\n".repeat(1000) + PLAIN;
        room = registry.read(RegistryView::memory).held() + 20_000;
        assertThat(replace(unit("a.service", comments))).isEqualTo(ItemCode.ITEM_CODE_RESOURCE_EXHAUSTED);
        assertThat(create(unit("b.service", comments))).isEqualTo(ItemCode.ITEM_CODE_RESOURCE_EXHAUSTED);
        assertThat(create(unit("c.service", PLAIN))).isEqualTo(ItemCode.ITEM_CODE_OK);
    }

    private ItemCode create(NewUnit unit) {
        return decide(request(unit));
    }

    private ItemCode replace(NewUnit unit) {
        return decide(request(unit).setReplace(true));
    }

    private ItemCode decide(CreateUnitsRequest.Builder request) {
        long held = registry.read(RegistryView::memory).held();
        var draft = new Draft(registry, scheduler, new Budget(held, room), format, new Batch());
        var records = new ArrayList<Record>();
        var code = Items.of(request.build(), "user/alice")
                .getFirst()
                .decide(draft, records)
                .getCode();
        var entry = Entry.newBuilder()
                .setFormat(EntryFormats.needed(records))
                .setLeaderTimeMs(1_000)
                .addAllRecords(records)
                .build();
        assertThat(entry.getFormat()).isLessThanOrEqualTo(format);
        assertThat(entry.getSerializedSize()).isLessThan(Batch.MAX_PART_BYTES);
        assertThat(registry.apply(1, ++index, entry).dropped()).allMatch(Objects::isNull);
        return code;
    }

    private static CreateUnitsRequest.Builder request(NewUnit unit) {
        return CreateUnitsRequest.newBuilder().addUnits(unit);
    }

    private static NewUnit unit(String name, String text) {
        return unit(name, text, TargetState.TARGET_STATE_UNSPECIFIED);
    }

    private static NewUnit unit(String name, String text, TargetState target) {
        return NewUnit.newBuilder()
                .setName(name)
                .setText(text)
                .setTargetState(target)
                .build();
    }

    private UnitRecord record(String name) {
        return registry.read(view -> Objects.requireNonNull(view.unit(name)));
    }

    private String source(String name) {
        return registry.read(view -> view.message(Objects.requireNonNull(view.unit(name)), true)
                .getContents()
                .getSource());
    }
}
