package io.raftfleet.agent.main;

import io.raftfleet.agent.hollow.HollowJournal;
import io.raftfleet.agent.hollow.HollowUnitManager;
import io.raftfleet.agent.loop.Loop;
import io.raftfleet.agent.reconcile.Journal;
import io.raftfleet.agent.session.ClusterMemory;
import io.raftfleet.agent.session.SessionConfig;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** Many machines in memory. Their ids depend on nothing but the seed and their number. */
public final class HollowMachines {
    private HollowMachines() {}

    /**
     * Machines {@code 1} to {@code count}, not started. Machine {@code i} has metadata {@code host=h<i>} unless
     * {@code base} has another host.
     *
     * @param seed what the ids are derived from
     * @param base what the machines have in common; its id is not used
     */
    public static List<Machine> create(
            Shared shared, int count, String seed, SessionConfig base, Consumer<String> onFatal) {
        return create(id -> shared, count, seed, base, null, onFatal);
    }

    /**
     * The same.
     *
     * @param links what the machine of an id has of what it shares with others
     * @param journal of what runs on them; null for none
     */
    static List<Machine> create(
            Function<String, Shared> links,
            int count,
            String seed,
            SessionConfig base,
            @Nullable HollowJournal journal,
            Consumer<String> onFatal) {
        List<Machine> machines = new ArrayList<>(count);
        String bootId = UUID.randomUUID().toString().replace("-", "");
        for (int number = 1; number <= count; number++) {
            String id = machineId(seed, number);
            Shared shared = links.apply(id);
            Loop loop = shared.newLoop();
            HollowUnitManager manager = new HollowUnitManager(
                    loop,
                    bootId,
                    Clock.systemUTC(),
                    journal == null ? (unit, started, pid) -> {} : journal.witness(id));
            machines.add(new Machine(
                    shared,
                    loop,
                    new SessionConfig(
                            id,
                            base.primaryIp(),
                            metadata(base.metadata(), number),
                            base.version(),
                            base.instance(),
                            base.limits()),
                    manager,
                    manager,
                    Journal.inMemory(),
                    ClusterMemory.Keeper.inMemory(),
                    onFatal));
        }
        return machines;
    }

    /** Of machine {@code number}, which has what all have in common. */
    static Map<String, String> metadata(Map<String, String> base, int number) {
        Map<String, String> metadata = new HashMap<>(base);
        metadata.putIfAbsent("host", "h" + number);
        return metadata;
    }

    /** Of machines {@code 1} to {@code count}. */
    static List<String> machineIds(String seed, int count) {
        return IntStream.rangeClosed(1, count)
                .mapToObj(number -> machineId(seed, number))
                .toList();
    }

    /** 32 hexadecimal digits. */
    public static String machineId(String seed, int number) {
        return UUID.nameUUIDFromBytes(("hollow " + seed + " " + number).getBytes(StandardCharsets.UTF_8))
                .toString()
                .replace("-", "");
    }
}
