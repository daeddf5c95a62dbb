package io.raftfleet.state;

import io.raftfleet.unit.LegacyFacts;
import org.jspecify.annotations.Nullable;

/** Units by name. Guarded by the registry's lock. */
final class UnitTable {
    private final LayeredMap<String, UnitRecord> units;
    private final ContentsTable contents;
    private final SourceTable sources;
    private final RowLog rows;
    private final FactIndex facts;

    UnitTable(ContentsTable contents, SourceTable sources, RowLog rows, FactIndex facts) {
        this(LayeredMap.empty(), contents, sources, rows, facts);
    }

    private UnitTable(
            LayeredMap<String, UnitRecord> units,
            ContentsTable contents,
            SourceTable sources,
            RowLog rows,
            FactIndex facts) {
        this.units = units;
        this.contents = contents;
        this.sources = sources;
        this.rows = rows;
        this.facts = facts;
    }

    /** Changes over this table. */
    UnitTable over(ContentsTable newContents, SourceTable newSources, RowLog newRows, FactIndex newFacts) {
        return new UnitTable(units.over(), newContents, newSources, newRows, newFacts);
    }

    @Nullable
    UnitRecord get(String name) {
        return units.get(name);
    }

    SortedRows<String, UnitRecord> all() {
        return units.all();
    }

    /** Puts a unit in place of {@code before}; its contents must be there, and its file as it was submitted if it has one. */
    void put(@Nullable UnitRecord before, UnitRecord after) {
        rows.touch();
        contents.retain(after.hash());
        sources.retain(after.source());
        units.put(after.name(), after);
        rows.replaced(before, after);
        facts.put(Fact.Kind.UNIT, after.name(), before == null ? 0 : before.definedAt(), after.definedAt());
        facts.put(Fact.Kind.SCHEDULE, after.name(), placedAt(before), placedAt(after));
        if (before != null) {
            contents.release(before.hash());
            sources.release(before.source());
        }
    }

    /** Returns what the row stands for. */
    UnitRecord restore(UnitRecord row) {
        contents.retain(row.hash());
        sources.retain(row.source());
        var text = contents.text(row.hash());
        var asked = row.factsRecorded() || text == null ? row.wants().facts() : LegacyFacts.of(row.name(), text);
        var unit = row.with(contents.same(row.hash()), contents.wants(row.hash(), asked));
        units.put(unit.name(), unit);
        rows.restored(unit);
        facts.restore(Fact.Kind.UNIT, unit.name(), unit.definedAt());
        facts.restore(Fact.Kind.SCHEDULE, unit.name(), placedAt(unit));
        return unit;
    }

    void remove(UnitRecord unit) {
        rows.touch();
        units.remove(unit.name());
        rows.replaced(unit, null);
        facts.put(Fact.Kind.SCHEDULE, unit.name(), placedAt(unit), 0);
        facts.put(Fact.Kind.UNIT, unit.name(), unit.definedAt(), 0);
        contents.release(unit.hash());
        sources.release(unit.source());
    }

    void clear() {
        units.clear();
    }

    private static long placedAt(@Nullable UnitRecord unit) {
        return unit == null || unit.machineId() == null ? 0 : unit.placedAt();
    }
}
