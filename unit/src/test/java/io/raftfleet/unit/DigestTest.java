package io.raftfleet.unit;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import io.raftfleet.proto.agent.AssignedUnit;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.proto.model.UnitState;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

class DigestTest {
    private static final ByteString HASH =
            UnitHash.fromHex("1c6fb6f3684bafb0c173d8b8b957ceff031180c1").toByteString();
    private static final AssignedUnit ASSIGNED = AssignedUnit.newBuilder()
            .setName("foo.service")
            .setHash(HASH)
            .setTargetState(TargetState.TARGET_STATE_LAUNCHED)
            .setStartGeneration(7)
            .build();
    private static final UnitState STATE = UnitState.newBuilder()
            .setName("foo.service")
            .setMachineId("148a18ff6e954cd892dac9de9bb90d5a")
            .setLoadState("loaded")
            .setActiveState("active")
            .setSubState("running")
            .setHash(HASH)
            .setLaunched(true)
            .setMainPid(4242)
            .build();

    /**
     * Engines and agents of different versions compare these numbers, so they must never change. Computed by a program
     * of its own: FNV-1a seeded with SplitMix64's finaliser, field by field.
     */
    @Test
    void staysTheSameAcrossVersions() {
        assertThat(Digest.of(ASSIGNED)).isEqualTo(0xf04189f410239265L);
        assertThat(Digest.of(STATE)).isEqualTo(0x5384527dccb0aa36L);
        assertThat(Digest.bucket("foo.service")).isEqualTo(9);
        assertThat(Digest.bucket("web@1.service")).isEqualTo(46);
    }

    @Test
    void everyFieldOfAnOrderCounts() {
        assertDistinct(List.of(
                Digest.of(ASSIGNED),
                Digest.of(ASSIGNED.toBuilder().setName("fop.service").build()),
                Digest.of(ASSIGNED.toBuilder().setHash(HASH.substring(1)).build()),
                Digest.of(ASSIGNED.toBuilder()
                        .setTargetState(TargetState.TARGET_STATE_LOADED)
                        .build()),
                Digest.of(ASSIGNED.toBuilder().setStartGeneration(8).build())));
    }

    @Test
    void everyFieldOfAStateButItsMachineCounts() {
        assertDistinct(List.of(
                Digest.of(STATE),
                Digest.of(STATE.toBuilder().setName("fop.service").build()),
                Digest.of(STATE.toBuilder().setLoadState("").build()),
                Digest.of(STATE.toBuilder().setActiveState("failed").build()),
                Digest.of(STATE.toBuilder().setSubState("exited").build()),
                Digest.of(STATE.toBuilder().setHash(ByteString.EMPTY).build()),
                Digest.of(STATE.toBuilder().setLaunched(false).build()),
                Digest.of(STATE.toBuilder().setMainPid(0).build()),
                Digest.of(STATE.toBuilder().setError("no such file").build())));
        assertThat(Digest.of(STATE.toBuilder().setMachineId("").build())).isEqualTo(Digest.of(STATE));
    }

    @Test
    void textThatMovesFromOneFieldToTheNextCounts() {
        UnitState one =
                UnitState.newBuilder().setLoadState("ab").setActiveState("c").build();
        UnitState other =
                UnitState.newBuilder().setLoadState("a").setActiveState("bc").build();

        assertThat(Digest.of(one)).isNotEqualTo(Digest.of(other));
    }

    @Test
    void orderAndStateOfAUnitDiffer() {
        AssignedUnit order = AssignedUnit.newBuilder().setName("a.service").build();
        UnitState state = UnitState.newBuilder().setName("a.service").build();

        assertThat(Digest.of(order)).isNotEqualTo(Digest.of(state));
    }

    @Property
    void dependsOnTheSetAndNotOnItsHistory(@ForAll Set<String> names, @ForAll long seed) {
        List<String> shuffled = new ArrayList<>(names);
        Collections.shuffle(shuffled, new Random(seed));
        Digest straight = new Digest();
        Digest roundabout = new Digest();

        names.forEach(name -> straight.add(name, entry(name, 1)));
        shuffled.forEach(name -> roundabout.add(name, entry(name, 2)));
        Collections.reverse(shuffled);
        for (String name : shuffled) {
            roundabout.add(name, entry(name, 1));
            roundabout.remove(name, entry(name, 2));
        }

        assertThat(roundabout.whole()).isEqualTo(straight.whole());
        long sum = 0;
        for (int bucket = 0; bucket < Digest.BUCKETS; bucket++) {
            assertThat(roundabout.bucketDigest(bucket)).isEqualTo(straight.bucketDigest(bucket));
            sum += straight.bucketDigest(bucket);
        }
        assertThat(sum).isEqualTo(straight.whole());
        names.forEach(name -> straight.remove(name, entry(name, 1)));
        assertThat(straight.whole()).isZero();
    }

    @Test
    void aChangeShowsInItsBucketAlone() {
        Digest before = new Digest();
        Digest after = new Digest();
        for (int i = 0; i < 1000; i++) {
            String name = "web@" + i + ".service";
            before.add(name, entry(name, 1));
            after.add(name, entry(name, i == 500 ? 2 : 1));
        }

        assertThat(after.whole()).isNotEqualTo(before.whole());
        for (int bucket = 0; bucket < Digest.BUCKETS; bucket++) {
            assertThat(after.bucketDigest(bucket) == before.bucketDigest(bucket))
                    .as("bucket %d", bucket)
                    .isEqualTo(bucket != Digest.bucket("web@500.service"));
        }
    }

    @Test
    void spreadsInstancesOverAllBuckets() {
        int[] sizes = new int[Digest.BUCKETS];
        for (int i = 0; i < 64_000; i++) {
            sizes[Digest.bucket("web@" + i + ".service")]++;
        }

        assertThat(Arrays.stream(sizes)).allMatch(size -> size > 800 && size < 1200);
    }

    private static long entry(String name, long generation) {
        return Digest.of(ASSIGNED.toBuilder()
                .setName(name)
                .setStartGeneration(generation)
                .build());
    }

    private static void assertDistinct(List<Long> hashes) {
        assertThat(new HashSet<>(hashes)).hasSameSizeAs(hashes);
    }
}
