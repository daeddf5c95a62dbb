package io.raftfleet.state;

import io.raftfleet.proto.log.RolloutAdvanced;
import io.raftfleet.proto.log.RolloutForgotten;
import io.raftfleet.proto.log.RolloutStarted;
import io.raftfleet.unit.UnitHash;
import java.util.Collection;
import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Rolling changes, each with all files of its units as long as it is here. Guarded by the registry's lock. */
final class RolloutTable {
    private final Map<String, Rollout> rollouts;
    private final ContentsTable contents;
    private final SourceTable sources;
    private final RowLog rows;

    RolloutTable(ContentsTable contents, SourceTable sources, RowLog rows) {
        this(new TreeMap<>(), contents, sources, rows);
    }

    private RolloutTable(Map<String, Rollout> rollouts, ContentsTable contents, SourceTable sources, RowLog rows) {
        this.rollouts = rollouts;
        this.contents = contents;
        this.sources = sources;
        this.rows = rows;
    }

    /** Changes over this table: a copy, for there are some dozens. */
    RolloutTable over(ContentsTable newContents, SourceTable newSources, RowLog newRows) {
        return new RolloutTable(new TreeMap<>(rollouts), newContents, newSources, newRows);
    }

    Collection<Rollout> all() {
        return Collections.unmodifiableCollection(rollouts.values());
    }

    @Nullable
    Rollout get(String id) {
        return rollouts.get(id);
    }

    /** Returns null, or why the record is dropped; as all of these. */
    @Nullable
    String apply(RolloutStarted record, long clockMs) {
        if (rollouts.containsKey(record.getId())) {
            return "rollout " + record.getId() + " exists";
        }
        for (var file : record.getFilesList()) {
            var source = Rollout.source(file);
            if (contents.version(UnitHash.from(file.getHash())) == 0
                    || (source != null && sources.get(source) == null)) {
                return "a file of rollout " + record.getId() + " is unknown";
            }
        }
        var after = Rollout.of(record, clockMs);
        rows.touch();
        retain(after);
        rollouts.put(after.id(), after);
        rows.replaced(null, after);
        return null;
    }

    @Nullable
    String apply(RolloutAdvanced record, long clockMs) {
        var before = rollouts.get(record.getId());
        if (before == null) {
            return "there is no rollout " + record.getId();
        }
        if (record.getStep() != before.now().getStep() + 1) {
            return "rollout " + record.getId() + " has got on meanwhile";
        }
        var after = before.advanced(record, clockMs);
        rows.touch();
        rollouts.put(after.id(), after);
        rows.replaced(before, after);
        return null;
    }

    @Nullable
    String apply(RolloutForgotten record) {
        var before = rollouts.get(record.getId());
        if (before == null) {
            return "there is no rollout " + record.getId();
        }
        rows.touch();
        rollouts.remove(before.id());
        rows.replaced(before, null);
        for (var file : before.plan().getFilesList()) {
            contents.release(UnitHash.from(file.getHash()));
            sources.release(Rollout.source(file));
        }
        return null;
    }

    void setBack(long clockMs) {
        rollouts.replaceAll((id, before) -> {
            if (before.changedMs() <= clockMs) {
                return before;
            }
            var after = before.setBack(clockMs);
            rows.touch();
            rows.replaced(before, after);
            return after;
        });
    }

    void restore(Rollout row) {
        retain(row);
        rollouts.put(row.id(), row);
        rows.restored(row);
    }

    void clear() {
        rollouts.clear();
    }

    private void retain(Rollout rollout) {
        for (var file : rollout.plan().getFilesList()) {
            contents.retain(UnitHash.from(file.getHash()));
            sources.retain(Rollout.source(file));
        }
    }
}
