package io.raftfleet.engine.mirror;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import io.raftfleet.etcd.MirrorCopy;
import io.raftfleet.etcd.MirrorValue;
import io.raftfleet.proto.log.Record;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.unit.UnitHash;
import io.raftfleet.unit.UnitSource;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class RestorationTest {
    private static final String TEXT = "[Service]\nExecStart=/bin/true\n";
    private static final String FILE = "# As it came.\n" + TEXT;
    private static final int UNITS = 10_000;

    @Test
    void eachEntryHasTheFilesThatItsUnitsCameAsForTheOnesBeforeMayHaveBeenWrittenWithout() {
        var hash = UnitHash.ofText(TEXT).toHex();
        var source = UnitSource.of(FILE).digest();
        var units = new HashMap<String, MirrorValue.Unit>();
        for (int i = 0; i < UNITS; i++) {
            units.put(
                    "unit" + i + ".service",
                    new MirrorValue.Unit(hash, TargetState.TARGET_STATE_LAUNCHED, 1, false, source, "user/alice", 1));
        }

        var entries = Restoration.entries(
                new MirrorCopy(7, 0, 9, Map.of(hash, TEXT), Map.of(source, FILE), units, Map.of(), Map.of()));

        assertThat(entries).as("more than fits one").hasSizeGreaterThan(1);
        long restored = 0;
        for (var entry : entries) {
            restored += entry.stream().filter(Record::hasUnitRestored).count();
            assertThat(unknown(entry)).isEmpty();
            assertThat(entry.stream().filter(Record::hasSourceStored).count()).isLessThanOrEqualTo(1);
        }
        assertThat(restored).isEqualTo(UNITS);
    }

    /** Files that units of an entry name, and that it has not before them. */
    private static Set<ByteString> unknown(List<Record> entry) {
        var stored = new HashSet<ByteString>();
        var unknown = new HashSet<ByteString>();
        for (var record : entry) {
            if (record.hasSourceStored()) {
                stored.add(record.getSourceStored().getDigest());
            }
            var named = record.getUnitRestored().getSourceDigest();
            if (!named.isEmpty() && !stored.contains(named)) {
                unknown.add(named);
            }
        }
        return unknown;
    }
}
