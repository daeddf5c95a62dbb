package io.raftfleet.engine.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.raftfleet.proto.log.ContentsStored;
import io.raftfleet.proto.log.Entry;
import io.raftfleet.proto.log.Record;
import io.raftfleet.proto.log.UnitCreated;
import io.raftfleet.proto.log.UnitDestroyed;
import io.raftfleet.proto.model.UnitContents;
import io.raftfleet.settings.SettingsException;
import io.raftfleet.state.Registry;
import io.raftfleet.unit.UnitHash;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RegistryQuotaTest {
    private static final long HEAP = 512L << 20;

    @ParameterizedTest
    @CsvSource({
        "50%,268435456",
        "256M,268435456",
        "262144k,268435456",
        "268435456,268435456",
        "75%,402653184",
        "2m,2097152"
    })
    void aShareOfTheHeapOrASize(String text, long bytes) throws SettingsException {
        assertThat(RegistryQuota.parse(text, HEAP)).isEqualTo(bytes);
    }

    @ParameterizedTest
    @ValueSource(strings = {"80%", "1G", "0", "9999999999999G", "-1", "half", "50 %", "", "1000k"})
    void nothingElse(String text) {
        assertThatThrownBy(() -> RegistryQuota.parse(text, HEAP))
                .isInstanceOf(SettingsException.class)
                .hasMessageContaining("registry_quota");
    }

    @Test
    void theWarningComesOnceAndGoesWellBelow() {
        var registry = new Registry(10);
        var quota = new AtomicLong(1_000_000);
        var watch = new QuotaWatch("e1", registry, quota::get);
        var text = "[Service]\nExecStart=/bin/true\n" + ("Environment=V=" + "x".repeat(985) + "\n").repeat(840);
        var hash = UnitHash.ofText(text).toByteString();
        assertThat(watch.look()).isFalse();
        registry.apply(
                1,
                1,
                entry(
                        Record.newBuilder()
                                .setContentsStored(ContentsStored.newBuilder()
                                        .setContents(UnitContents.newBuilder()
                                                .setHash(hash)
                                                .setText(text)))
                                .build(),
                        Record.newBuilder()
                                .setUnitCreated(UnitCreated.newBuilder()
                                        .setName("a.service")
                                        .setHash(hash))
                                .build()));
        assertThat(watch.look()).isTrue();
        quota.set(1_100_000);
        assertThat(watch.look()).as("between the two marks nothing changes").isTrue();
        long version = registry.read(view -> {
            var unit = view.unit("a.service");
            return unit == null ? 0 : unit.version();
        });
        registry.apply(
                1,
                2,
                entry(Record.newBuilder()
                        .setUnitDestroyed(
                                UnitDestroyed.newBuilder().setName("a.service").setVersion(version))
                        .build()));
        assertThat(watch.look()).isFalse();
    }

    private static Entry entry(Record... records) {
        var entry = Entry.newBuilder().setFormat(1);
        for (var record : records) {
            entry.addRecords(record);
        }
        return entry.build();
    }
}
