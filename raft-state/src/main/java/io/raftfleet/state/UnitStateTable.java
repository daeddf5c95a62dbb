package io.raftfleet.state;

import com.google.protobuf.ByteString;
import io.raftfleet.proto.model.UnitState;
import io.raftfleet.unit.Digest;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Unit states by name and machine, with each machine's digest. Guarded by the registry's lock. */
final class UnitStateTable {
    private static final int MOST_SHARED = 10_000;
    private static final int LONGEST_WORD = 64;

    /** What one machine reported. */
    private static final class OfMachine {
        /** In the order of their names: that of a hash table would depend on how this engine came by them. */
        final SortedRows<String, UnitStateRecord> states = SortedRows.byKey();

        final Digest digest = new Digest();
    }

    /** By name, then machine. */
    private final SortedRows<UnitStatePlace, UnitStateRecord> states = SortedRows.ofThemselves(UnitStatePlace.ORDER);

    private final Map<String, OfMachine> byMachine = new HashMap<>();
    /** The few words that systemd has for states, and the errors that repeat, once each. */
    private final Map<String, String> words = new HashMap<>();
    /** Hashes of files, as far as there are not too many different ones, once each. */
    private final Map<ByteString, ByteString> hashes = new HashMap<>();

    /** Restarts told of, by active state. Counted for metrics: no part of the registry, and nothing is decided on it. */
    private final Map<String, Long> restarts = new TreeMap<>();

    private final RowLog rows;
    private int failed;

    UnitStateTable(RowLog rows) {
        this.rows = rows;
    }

    @Nullable
    UnitState get(String name, String machineId) {
        var record = states.get(new UnitStatePlace.Of(name, machineId));
        return record == null ? null : record.state();
    }

    /** How many say that systemd has the unit as failed. */
    int failed() {
        return failed;
    }

    /** Restarts by systemd told of by reports, by active state. */
    Map<String, Long> restarts() {
        return Map.copyOf(restarts);
    }

    /** States from a place on, by name, then machine. */
    Collection<UnitStateRecord> after(String name, String machineId) {
        return states.from(new UnitStatePlace.Of(name, machineId), false);
    }

    int size() {
        return states.size();
    }

    /** States of one unit, on whatever machines. */
    Collection<UnitStateRecord> ofUnit(String name) {
        var found = new ArrayList<UnitStateRecord>(1);
        for (var state : states.from(new UnitStatePlace.Of(name, ""), true)) {
            if (!state.name().equals(name)) {
                break;
            }
            found.add(state);
        }
        return found;
    }

    /** States of one machine, by name. */
    SortedRows<String, UnitStateRecord> ofMachine(String machineId) {
        var machine = byMachine.get(machineId);
        return machine == null ? SortedRows.byKey() : machine.states;
    }

    /** Digest over a machine's states; null when it has none. */
    @Nullable
    Digest digest(String machineId) {
        var machine = byMachine.get(machineId);
        return machine == null ? null : machine.digest;
    }

    /** Names of the machine's states in these buckets, in their order. */
    List<String> inBuckets(String machineId, Collection<Integer> buckets) {
        var names = new ArrayList<String>();
        if (!buckets.isEmpty()) {
            for (var state : ofMachine(machineId).values()) {
                if (buckets.contains(Digest.bucket(state.name()))) {
                    names.add(state.name());
                }
            }
        }
        return names;
    }

    /**
     * What has become of a state.
     *
     * @param before null when there was none
     */
    record Put(@Nullable UnitState before, UnitState after) {}

    /**
     * Puts a state; null when that changed nothing.
     *
     * @param unit that it is of; null when there is none of that name
     */
    @Nullable
    Put put(String machineId, UnitState reported, @Nullable UnitRecord unit) {
        var record = new UnitStateRecord(lean(machineId, reported, unit));
        rows.touch();
        var before = link(record);
        if (before != null && before.state().equals(record.state())) {
            return null;
        }
        rows.replaced(before, record);
        count(before, record.state());
        return new Put(before == null ? null : before.state(), record.state());
    }

    void restore(UnitState state, @Nullable UnitRecord unit) {
        var record = new UnitStateRecord(lean(state.getMachineId(), state, unit));
        link(record);
        rows.restored(record);
    }

    /** Removes a state; says whether there was one. */
    boolean remove(String name, String machineId) {
        rows.touch();
        var record = states.delete(new UnitStatePlace.Of(name, machineId));
        if (record == null) {
            return false;
        }
        failed -= failed(record);
        var machine = byMachine.get(machineId);
        if (machine != null) {
            machine.states.delete(name);
            machine.digest.remove(name, Digest.of(record.state()));
            if (machine.states.isEmpty()) {
                byMachine.remove(machineId);
            }
        }
        rows.replaced(record, null);
        return true;
    }

    void clear() {
        states.deleteAll();
        byMachine.clear();
        words.clear();
        hashes.clear();
        failed = 0;
    }

    private @Nullable UnitStateRecord link(UnitStateRecord record) {
        var before = states.insert(record, record);
        var machine = byMachine.computeIfAbsent(record.machineId(), id -> new OfMachine());
        machine.states.insert(record.name(), record);
        failed += failed(record);
        if (before != null) {
            failed -= failed(before);
            machine.digest.remove(record.name(), Digest.of(before.state()));
        }
        machine.digest.add(record.name(), Digest.of(record.state()));
        return before;
    }

    private void count(@Nullable UnitStateRecord before, UnitState now) {
        long known = before == null ? 0 : Integer.toUnsignedLong(before.state().getRestarts());
        long more = Integer.toUnsignedLong(now.getRestarts()) - known;
        if (more > 0) {
            // After 0 the number may be one that its agent has just learnt.
            restarts.merge(now.getActiveState(), known == 0 ? 1 : more, Long::sum);
        }
    }

    private static int failed(UnitStateRecord record) {
        return record.state().getActiveState().equals("failed") ? 1 : 0;
    }

    /** The same with strings and bytes that others have, too. */
    private UnitState lean(String machineId, UnitState state, @Nullable UnitRecord unit) {
        return state.toBuilder()
                .setName(unit == null ? state.getName() : unit.name())
                .setHash(shared(hashes, state.getHash()))
                .setMachineId(word(machineId))
                .setLoadState(word(state.getLoadState()))
                .setActiveState(word(state.getActiveState()))
                .setSubState(word(state.getSubState()))
                .build();
    }

    private String word(String text) {
        return text.length() > LONGEST_WORD ? text : shared(words, text);
    }

    /** A hostile agent may send what it likes: beyond some size nothing more is shared. */
    private static <T> T shared(Map<T, T> known, T value) {
        var same = known.size() < MOST_SHARED ? known.putIfAbsent(value, value) : known.get(value);
        return same == null ? value : same;
    }
}
