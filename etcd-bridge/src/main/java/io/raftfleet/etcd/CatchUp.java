package io.raftfleet.etcd;

import io.raftfleet.etcd.MirrorSource.Change;
import io.raftfleet.etcd.MirrorSource.Place;
import io.raftfleet.etcd.MirrorWriter.Outpaced;
import io.raftfleet.etcd.Watermark.Cursor;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Brings the mirror from its watermark to the registry's present. What fits into one transaction goes in one, as of one
 * moment. More goes in steps: contents, files, units, schedule, metadata, removals, in pages, so that every prefix can be restored;
 * what changes meanwhile is for the next round. Contents that are used no longer go only together with a state of one
 * moment, in which no unit has them. Owned by the mirror's thread.
 */
final class CatchUp {
    private record Step(MirrorValue.Kind kind, boolean removals) {}

    private static final List<Step> STEPS = List.of(
            new Step(MirrorValue.Kind.CONTENTS, false),
            new Step(MirrorValue.Kind.SOURCE, false),
            new Step(MirrorValue.Kind.UNIT, false),
            new Step(MirrorValue.Kind.SCHEDULE, false),
            new Step(MirrorValue.Kind.METADATA, false),
            new Step(MirrorValue.Kind.SCHEDULE, true),
            new Step(MirrorValue.Kind.UNIT, true),
            new Step(MirrorValue.Kind.METADATA, true));

    private final MirrorSource source;
    private final MirrorMonitor monitor;
    private final BooleanSupplier goOn;

    /** @param goOn whether this engine still leads; asked between transactions */
    CatchUp(MirrorSource source, MirrorMonitor monitor, BooleanSupplier goOn) {
        this.source = source;
        this.monitor = monitor;
        this.goOn = goOn;
    }

    /** Until a transaction left the mirror as the registry was at one moment, or leadership ended. */
    void run(MirrorWriter writer) throws EtcdException, InterruptedException, Outpaced {
        while (goOn.getAsBoolean()) {
            var mark = writer.mark();
            var head = source.head();
            if (mark.complete() && head.last() <= mark.to()) {
                monitor.covered(mark.to(), head.asOf());
                return;
            }
            monitor.behind(mark.from(), head.last());
            if (mark.cursor() == null && atOnce(writer)) {
                if (writer.mark().complete() || writer.mark().comparing()) {
                    return;
                }
            } else {
                if (mark.cursor() == null) {
                    writer.plan(mark.on(head.last(), new Cursor(0, mark.from(), "")));
                }
                inSteps(writer);
            }
        }
    }

    /** One transaction with all there is; false when it is too much. */
    private boolean atOnce(MirrorWriter writer) throws EtcdException, InterruptedException, Outpaced {
        var mark = writer.mark();
        var found = source.diff(mark.from(), mark.unusedFrom(), MirrorWriter.MAX_KEYS, MirrorWriter.MAX_BYTES);
        if (found.isEmpty()) {
            return false;
        }
        var diff = found.get();
        var writes = diff.changes().stream().map(writer::write).toList();
        if (writes.stream().mapToLong(EtcdStore.Write::bytes).sum() > MirrorWriter.MAX_BYTES && writes.size() > 1) {
            return false; // Larger as JSON than it seemed.
        }
        writer.commit(mark.reached(diff.to(), diff.unusedTo()), writes);
        if (writer.mark().complete()) {
            monitor.covered(diff.to(), diff.asOf());
        }
        return true;
    }

    private void inSteps(MirrorWriter writer) throws EtcdException, InterruptedException, Outpaced {
        var batch = writer.new Batch();
        var cursor = writer.mark().cursor();
        while (cursor != null && goOn.getAsBoolean()) {
            var mark = writer.mark();
            var step = STEPS.get(cursor.step());
            var page = source.changes(
                    step.kind(), step.removals(), place(cursor, mark), mark.to(), batch.room(), batch.bytesLeft());
            boolean full = false;
            for (var change : page) {
                var write = writer.write(change);
                if (!batch.hasRoom(write)) {
                    full = true;
                    break;
                }
                batch.add(write);
                cursor = at(cursor, change);
            }
            if (page.isEmpty()) {
                cursor = next(cursor, mark);
            }
            if (cursor == null) {
                batch.commit(mark.reached(mark.to(), mark.unusedFrom()));
            } else if (full || batch.room() == 0 || batch.bytesLeft() <= 0) {
                batch.commit(mark.on(mark.to(), cursor));
            }
        }
    }

    private static Place place(Cursor cursor, Watermark mark) {
        return cursor.id().isEmpty() ? Place.after(mark.from()) : new Place(cursor.version(), cursor.id());
    }

    private static Cursor at(Cursor cursor, Change change) {
        return new Cursor(cursor.step(), change.version(), change.id());
    }

    private static @Nullable Cursor next(Cursor cursor, Watermark mark) {
        return cursor.step() + 1 == STEPS.size() ? null : new Cursor(cursor.step() + 1, mark.from(), "");
    }
}
