package io.raftfleet.engine.trace;

import io.opentelemetry.api.common.Attributes;
import io.raftfleet.proto.log.Record;
import java.time.Instant;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A traced write's way through the decision thread: how long it waited for that, was decided on, and took to be committed; and which
 * units are to be followed further. Owned by that thread once the write waits for it.
 */
public final class WriteTrace {
    /** Units of one call that are followed: a call of thousands makes no thousands of spans. */
    static final int MOST_UNITS = 16;

    private final CallTrace call;
    /** Since when it has waited for what comes next. */
    private Instant since = Instant.now();

    private Instant deciding = since;
    private Instant decided = since;
    private Instant proposed = since;
    private int changed;
    private int followed;
    /** Followed units of what is under way. */
    private Set<String> underWay = Set.of();

    private int changedUnderWay;

    private WriteTrace(CallTrace call) {
        this.call = call;
    }

    /** Of the call that this thread serves; null when that is not traced. */
    public static @Nullable WriteTrace ofCall() {
        var call = CallTrace.current();
        return call == null || !call.span().isRecording() ? null : new WriteTrace(call);
    }

    public void deciding() {
        deciding = Instant.now();
    }

    /** @param records what carries out the decision */
    public void decided(List<Record> records) {
        decided = Instant.now();
        proposed = decided;
        var names = new LinkedHashSet<String>();
        for (var record : records) {
            var name = changedUnit(record);
            if (!name.isEmpty()) {
                names.add(name);
            }
        }
        changedUnderWay = names.size();
        while (names.size() > MOST_UNITS - followed) {
            names.removeLast();
        }
        underWay = names;
        call.units().follow(names, call.span().getSpanContext());
    }

    /** The entry goes out. */
    public void proposing() {
        proposed = Instant.now();
    }

    /** The entry has been applied. */
    public void applied(long index) {
        var now = Instant.now();
        var parent = call.span().getSpanContext();
        var entry = Attributes.builder().put("raftfleet.raft.index", index).build();
        call.traces().past("wait for the decision thread", parent, since, deciding, Attributes.empty());
        call.traces().past("decide on the write", parent, deciding, decided, Attributes.empty());
        call.traces().past("decide on places and the rest of the entry", parent, decided, proposed, Attributes.empty());
        call.traces().past("commit and apply", parent, proposed, now, entry);
        since = now;
        changed += changedUnderWay;
        followed += underWay.size();
        underWay = Set.of();
        call.span().setAttribute("raftfleet.units.changed", changed);
        call.span().setAttribute("raftfleet.units.followed", followed);
    }

    /** What was decided last is in no log. */
    public void undone() {
        call.units().forget(underWay);
        underWay = Set.of();
    }

    private static String changedUnit(Record record) {
        return switch (record.getRecordCase()) {
            case UNIT_CREATED -> record.getUnitCreated().getName();
            case TARGET_STATE_SET -> record.getTargetStateSet().getName();
            case UNIT_DESTROYED -> record.getUnitDestroyed().getName();
            default -> "";
        };
    }
}
