package io.raftfleet.state;

import static org.assertj.core.api.Assertions.assertThat;

import io.raftfleet.proto.model.Revision;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class EventWindowTest {
    private static final int ROUNDS = 2_000;

    private final long seed = System.nanoTime();
    private final Random random = new Random(seed);

    /** All that was added since the last restart, of which the window keeps the last. */
    private final List<Event> all = new ArrayList<>();

    @Test
    @DisplayName("after any version at all, odd ones of a client's making too, come all changes or none")
    void comparesEveryVersionTheSameWay() {
        for (int round = 0; round < ROUNDS; round++) {
            int capacity = 1 + random.nextInt(20);
            var window = new EventWindow(capacity, Long.MAX_VALUE);
            all.clear();
            long index = random.nextInt(3) == 0 ? 0 : random.nextLong(1L << random.nextInt(1, 42));
            window.restart(index);
            long restarted = Versions.wholeEntry(index);
            for (int entry = random.nextInt(12); entry > 0; entry--) {
                index += 1 + random.nextInt(3);
                var changes = new ArrayList<Change>();
                for (int ordinal = 0; ordinal < random.nextInt(4); ordinal++) {
                    changes.add(new Change.OfStateGone("u" + ordinal + ".service", "m"));
                    all.add(new Event(Versions.of(index, ordinal), changes.getLast()));
                }
                window.add(index, changes);
            }
            int lost = Math.max(0, all.size() - capacity);
            long floor = lost == 0 ? restarted : all.get(lost - 1).version();
            long newest = Versions.wholeEntry(index);
            for (long version : versions(floor, newest)) {
                int limit = 1 + random.nextInt(8);
                var got = window.after(version, limit);
                if (version < floor || version > newest) {
                    assertThat(got)
                            .as("seed %d, after %d, kept from %d to %d", seed, version, floor, newest)
                            .isEmpty();
                } else {
                    assertThat(got.orElseThrow())
                            .as("seed %d, after %d, kept from %d to %d", seed, version, floor, newest)
                            .isEqualTo(all.stream()
                                    .filter(event -> event.version() > version)
                                    .limit(limit)
                                    .toList());
                }
            }
        }
    }

    @Test
    @DisplayName(
            "a client's revision beyond all that there can be comes after all that there is, and never wraps around")
    void neverWrapsAround() {
        for (long index :
                new long[] {1L << 43, (1L << 44) - 1, 1L << 44, 1L << 45, Long.MAX_VALUE, Long.MIN_VALUE, -1}) {
            for (int ordinal : new int[] {0, 1 << 20, -1}) {
                assertThat(Versions.of(Revision.newBuilder()
                                .setIndex(index)
                                .setOrdinal(ordinal)
                                .build()))
                        .as("index %s, ordinal %d", Long.toUnsignedString(index), ordinal)
                        .isEqualTo(Long.MAX_VALUE);
            }
        }
        assertThat(Versions.of(Revision.newBuilder()
                        .setIndex(Versions.MAX_INDEX)
                        .setOrdinal(-1)
                        .build()))
                .isEqualTo(Versions.wholeEntry(Versions.MAX_INDEX));
    }

    private long[] versions(long floor, long newest) {
        return new long[] {
            0,
            -1,
            Long.MIN_VALUE,
            Long.MAX_VALUE,
            floor - 1,
            floor,
            floor + 1,
            newest - 1,
            newest,
            newest + 1,
            random.nextLong(),
            floor + random.nextLong(newest - floor + 1),
            all.isEmpty() ? floor : all.get(random.nextInt(all.size())).version()
        };
    }
}
