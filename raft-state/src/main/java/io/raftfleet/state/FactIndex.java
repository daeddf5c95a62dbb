package io.raftfleet.state;

import java.util.Collection;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Persistent facts by the version of their last change, and the removals of the newest past, so that what changed since a
 * version is found without looking at what did not. Facts come from the rows of the other tables; removals are rows of
 * their own, at most {@link #MAX_REMOVALS}: older ones are forgotten, and how far is remembered. The same on every engine.
 * Guarded by the registry's lock.
 */
final class FactIndex {
    static final int MAX_REMOVALS = 32_768;

    private final Map<Fact.Kind, SortedRows<Fact, Fact>> facts = new EnumMap<>(Fact.Kind.class);
    private final Map<Fact.Kind, SortedRows<Fact, Fact>> removedByVersion = new EnumMap<>(Fact.Kind.class);
    private final Map<Fact.Kind, Map<String, Removal>> removedById = new EnumMap<>(Fact.Kind.class);
    private final SortedRows<Removal, Removal> removals = SortedRows.ofThemselves(Comparator.<Removal>naturalOrder());
    private final RowLog rows;
    private long now;
    private long forgotten;
    private long last;

    FactIndex(RowLog rows) {
        this.rows = rows;
        for (var kind : Fact.Kind.values()) {
            facts.put(kind, SortedRows.ofThemselves(Comparator.<Fact>naturalOrder()));
            removedByVersion.put(kind, SortedRows.ofThemselves(Comparator.<Fact>naturalOrder()));
            removedById.put(kind, new HashMap<>());
        }
    }

    /** What follows is changed at this version. */
    void now(long version) {
        now = version;
    }

    long now() {
        return now;
    }

    /** A fact is new or changed. Versions of 0 stand for none. */
    void put(Fact.Kind kind, String id, long before, long after) {
        if (before == after || !rows.kept()) {
            return;
        }
        if (before != 0) {
            of(facts, kind).delete(new Fact(before, id));
        }
        if (after == 0) {
            remove(kind, id);
            return;
        }
        add(of(facts, kind), after, id);
        last = Math.max(last, after);
        var removal = of(removedById, kind).get(id);
        if (removal != null) {
            unlink(removal);
            rows.replaced(removal, null);
        }
    }

    void restore(Fact.Kind kind, String id, long version) {
        if (version != 0) {
            add(of(facts, kind), version, id);
            last = Math.max(last, version);
        }
    }

    void restore(Removal removal) {
        link(removal);
        rows.restored(removal);
    }

    /** Removals up to this version are known no longer. */
    void restoreForgotten(long version) {
        forgotten = version;
        last = Math.max(last, version);
    }

    long forgotten() {
        return forgotten;
    }

    /** Version of the latest change of a fact. */
    long last() {
        return last;
    }

    /** Facts after the place of one, in the order of their versions. */
    Collection<Fact> factsAfter(Fact.Kind kind, Fact after) {
        return of(facts, kind).from(after, false);
    }

    /** Removals after the place of one, in the order of their versions. */
    Collection<Fact> removalsAfter(Fact.Kind kind, Fact after) {
        return of(removedByVersion, kind).from(after, false);
    }

    /** When a fact was removed; 0 when that is not known. */
    long removedAt(Fact.Kind kind, String id) {
        var removal = of(removedById, kind).get(id);
        return removal == null ? 0 : removal.version();
    }

    void clear() {
        List.of(facts, removedByVersion).forEach(byKind -> byKind.values().forEach(SortedRows::deleteAll));
        removedById.values().forEach(Map::clear);
        removals.deleteAll();
        forgotten = 0;
        last = 0;
    }

    private void remove(Fact.Kind kind, String id) {
        var removal = new Removal(kind, id, now);
        link(removal);
        rows.replaced(null, removal);
        while (removals.size() > MAX_REMOVALS) {
            var oldest = removals.values().iterator().next();
            forgotten = oldest.version();
            unlink(oldest);
            rows.replaced(oldest, null);
        }
    }

    private void link(Removal removal) {
        removals.insert(removal, removal);
        add(of(removedByVersion, removal.kind()), removal.version(), removal.id());
        of(removedById, removal.kind()).put(removal.id(), removal);
        last = Math.max(last, removal.version());
    }

    private void unlink(Removal removal) {
        removals.delete(removal);
        of(removedByVersion, removal.kind()).delete(new Fact(removal.version(), removal.id()));
        of(removedById, removal.kind()).remove(removal.id());
    }

    private static void add(SortedRows<Fact, Fact> facts, long version, String id) {
        var fact = new Fact(version, id);
        facts.insert(fact, fact);
    }

    private static <T> T of(Map<Fact.Kind, T> byKind, Fact.Kind kind) {
        var found = byKind.get(kind);
        if (found == null) {
            throw new IllegalStateException("no table for " + kind);
        }
        return found;
    }
}
