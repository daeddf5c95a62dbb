package io.raftfleet.state;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.io.BaseEncoding;
import com.google.protobuf.ByteString;
import io.raftfleet.proto.log.Entry;
import io.raftfleet.state.raft.ReplicatedState.Row;
import io.raftfleet.unit.Requirements;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * A log and a checkpoint that version 0.1 wrote, both of the same registry. Beside engines of that version this one must come to
 * the same digest, or either is taken for damaged.
 */
class OldRegistryTest {
    private static final String DIGEST = "aba990ead881c2283936569b846d8266";

    @Test
    void theLogGivesTheSameRegistry() throws IOException {
        var registry = replayed();

        assertThat(digest(registry)).isEqualTo(DIGEST);
        hasWhatFilesAskFor(registry);
    }

    @Test
    void theCheckpointGivesTheSameRegistry() throws IOException {
        var registry = restored();

        assertThat(digest(registry)).isEqualTo(DIGEST);
        assertThat(registry.capture().rows()).isEmpty();
        hasWhatFilesAskFor(registry);
    }

    @Test
    void bothGoOnTheSameWithRecordsOfToday() throws IOException {
        var replayed = replayed();
        var restored = restored();
        for (var registry : List.of(replayed, restored)) {
            var unit = unit(registry, "a.service");
            assertThat(registry.apply(
                                    1,
                                    11,
                                    Entries.entry(
                                            Entries.contents(Entries.GLOBAL_SSD),
                                            Entries.withFacts(Entries.create(
                                                    "a.service", Entries.GLOBAL_SSD, unit.target(), unit.version()))))
                            .dropped())
                    .containsOnlyNulls();
            assertThat(unit(registry, "a.service").global()).isTrue();
            assertThat(unit(registry, "a.service").factsRecorded()).isTrue();
            assertThat(unit(registry, "b.service").factsRecorded()).isFalse();
        }
        assertThat(digest(replayed)).isEqualTo(digest(restored)).isNotEqualTo(DIGEST);
    }

    private static void hasWhatFilesAskFor(Registry registry) {
        assertThat(wants(registry, "a.service")).isEqualTo(Requirements.NONE);
        assertThat(wants(registry, "b.service").peers()).containsExactly("a.service", "b.service");
        assertThat(wants(registry, "b.service").metadata())
                .isEqualTo(Map.of("disk", Set.of("ssd"), "zone", Set.of("eu")));
        assertThat(wants(registry, "web@1.service").conflicts()).containsExactly("old.*", "web@*.service", "db*");
        assertThat(wants(registry, "web@.service").peers()).containsExactly("web@.service");
        assertThat(wants(registry, "k.service").global()).isTrue();
        assertThat(wants(registry, "h.service").global()).isTrue();
        registry.read(view -> {
            assertThat(view.wantedGlobals()).containsExactly("g.service", "h.service", "k.service");
            assertThat(view.departuresFrom("m2")).containsExactly("web@2.service");
            assertThat(view.units().values()).noneMatch(UnitRecord::factsRecorded);
            return 0;
        });
    }

    private static Registry replayed() throws IOException {
        var registry = new Registry(100);
        try (var in = open("entries.bin")) {
            long index = 0;
            for (@Nullable Entry entry = Entry.parseDelimitedFrom(in);
                    entry != null;
                    entry = Entry.parseDelimitedFrom(in)) {
                assertThat(registry.apply(1, ++index, entry).dropped()).containsOnlyNulls();
            }
        }
        return registry;
    }

    private static Registry restored() throws IOException {
        var rows = new ArrayList<Row>();
        try (var in = new DataInputStream(open("rows.bin"))) {
            while (in.available() > 0) {
                rows.add(new Row(bytes(in), bytes(in)));
            }
        }
        var registry = new Registry(100);
        registry.restore(1, 10, rows.iterator());
        return registry;
    }

    private static ByteString bytes(DataInputStream in) throws IOException {
        return ByteString.copyFrom(in.readNBytes(in.readInt()));
    }

    private static InputStream open(String file) {
        return Objects.requireNonNull(OldRegistryTest.class.getResourceAsStream("/version-0.1/" + file));
    }

    private static Requirements wants(Registry registry, String name) {
        return unit(registry, name).wants();
    }

    private static UnitRecord unit(Registry registry, String name) {
        return Objects.requireNonNull(registry.<@Nullable UnitRecord>read(view -> view.unit(name)));
    }

    private static String digest(Registry registry) {
        return BaseEncoding.base16().lowerCase().encode(registry.digest().toByteArray());
    }
}
