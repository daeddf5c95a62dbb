package io.raftfleet.state;

import com.google.protobuf.ByteString;
import com.google.protobuf.MessageLite;
import io.raftfleet.proto.log.RolloutAdvanced;
import io.raftfleet.proto.log.RolloutFile;
import io.raftfleet.proto.log.RolloutRow;
import io.raftfleet.proto.log.RolloutStarted;
import io.raftfleet.proto.log.RolloutUnit;
import io.raftfleet.proto.model.RolloutPhase;
import io.raftfleet.unit.SafeText;
import io.raftfleet.unit.UnitHash;
import io.raftfleet.unit.UnitSource;
import io.raftfleet.unit.limits.Limits;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A rolling change. What each field is says {@code log.proto}.
 *
 * @param plan what it was started with
 * @param now how far it is
 * @param startedMs by the leader's clock, in milliseconds of Unix time
 * @param changedMs when it got on last
 */
public record Rollout(RolloutStarted plan, RolloutAdvanced now, long startedMs, long changedMs) implements StoredRow {
    /** The record with its messages, and its place in the table. */
    private static final long FIXED = 400;
    /** A message of a unit, with its name's string and its place in a list. */
    private static final long UNIT = 40 + 8;

    /** One that has just been started: its first group is under way. */
    static Rollout of(RolloutStarted plan, long nowMs) {
        var now = RolloutAdvanced.newBuilder()
                .setId(plan.getId())
                .setPhase(RolloutPhase.ROLLOUT_PHASE_RUNNING)
                .setTo(Math.min(plan.getCanary(), plan.getUnitsCount()))
                .setChangedBy(plan.getChangedBy())
                .build();
        return new Rollout(plan, now, nowMs, nowMs);
    }

    Rollout advanced(RolloutAdvanced record, long nowMs) {
        return new Rollout(plan, record, startedMs, nowMs);
    }

    /** One that got on later, when the clock by which it counts is set back: it did so then. */
    Rollout setBack(long clockMs) {
        return new Rollout(plan, now, Math.min(startedMs, clockMs), clockMs);
    }

    @Override
    public String id() {
        return plan.getId();
    }

    /** Whether it goes on, or can without being asked whether another one is in its way. */
    public boolean active() {
        return now.getPhase() == RolloutPhase.ROLLOUT_PHASE_RUNNING
                || now.getPhase() == RolloutPhase.ROLLOUT_PHASE_PAUSED;
    }

    /** The record of its next step, the same as now. */
    public RolloutAdvanced.Builder next() {
        return now.toBuilder().setStep(now.getStep() + 1).clearChangedBy();
    }

    /** Units of the group that is under way, or was last. */
    public List<RolloutUnit> group() {
        return plan.getUnitsList().subList(now.getFrom(), now.getTo());
    }

    /** The file that a unit is to have, as it goes now, by its hash. */
    public UnitHash goal(RolloutUnit unit) {
        return hash(now.getBack() ? unit.getBefore() : unit.getAfter());
    }

    /** The file that a unit is to have no longer. */
    public UnitHash origin(RolloutUnit unit) {
        return hash(now.getBack() ? unit.getAfter() : unit.getBefore());
    }

    /** The file that a unit is to have as it was submitted, by its digest; null when it is what its contents are. */
    public @Nullable String goalSource(RolloutUnit unit) {
        return source(plan.getFiles(now.getBack() ? unit.getBefore() : unit.getAfter()));
    }

    private UnitHash hash(int file) {
        return UnitHash.from(plan.getFiles(file).getHash());
    }

    static @Nullable String source(RolloutFile file) {
        return UnitSource.toHex(file.getSourceDigest());
    }

    @Override
    public char table() {
        return 'o';
    }

    @Override
    public ByteString rowKey() {
        return StoredRow.key('o', id());
    }

    @Override
    public MessageLite rowValue() {
        return RolloutRow.newBuilder()
                .setStarted(plan)
                .setNow(now)
                .setStartedMs(startedMs)
                .setChangedMs(changedMs)
                .build();
    }

    static Rollout from(RolloutRow row) {
        return new Rollout(row.getStarted(), row.getNow(), row.getStartedMs(), row.getChangedMs());
    }

    @Override
    public long heapBytes() {
        return heapBytes(plan) + HeapBytes.of(now.getReason()) + HeapBytes.of(now.getFirstLeftAlone());
    }

    /** Of one that was started with this, besides its files. */
    public static long heapBytes(RolloutStarted plan) {
        long bytes = FIXED + plan.getFilesCount() * 160L + HeapBytes.of(plan.getChangedBy());
        for (var unit : plan.getUnitsList()) {
            bytes += UNIT + HeapBytes.ofName(unit.getName());
        }
        return bytes;
    }

    /** The message for clients. */
    public io.raftfleet.proto.model.Rollout message(boolean withGroup) {
        var message = io.raftfleet.proto.model.Rollout.newBuilder()
                .setId(id())
                .setPhase(now.getPhase())
                .setBack(now.getBack())
                .setUnits(plan.getUnitsCount())
                .setFirstUnit(plan.getUnitsCount() == 0 ? "" : plan.getUnits(0).getName())
                .setGroupFrom(now.getFrom())
                .setGroupTo(now.getTo())
                .setMaxUnavailable(plan.getMaxUnavailable())
                .setCanary(plan.getCanary())
                .setHealthWaitMs(plan.getHealthWaitMs())
                .setStartWaitMs(plan.getStartWaitMs())
                .setRollback(plan.getRollback())
                .setReason(SafeText.cut(now.getReason(), Limits.MESSAGE_BYTES))
                .setBy(plan.getChangedBy())
                .setChangedBy(now.getChangedBy())
                .setStartedMs(startedMs)
                .setChangedMs(changedMs)
                .setLeftAlone(now.getLeftAlone())
                .setFirstLeftAlone(now.getFirstLeftAlone());
        if (withGroup) {
            group().forEach(unit -> message.addGroup(unit.getName()));
        }
        return message.build();
    }

    /** How far it is, for people. Kept in events: without what a newer format says, the same to the letter in all versions. */
    String words() {
        int units = plan.getUnitsCount();
        var what = switch (now.getPhase()) {
            case ROLLOUT_PHASE_RUNNING -> {
                var group = group();
                var names = group.isEmpty()
                        ? "no unit"
                        : group.getFirst().getName()
                                + (group.size() == 1
                                        ? ""
                                        : " to " + group.getLast().getName());
                yield (now.getBack() ? "goes back with " : "goes on with ") + names + " ("
                        + (now.getBack()
                                ? now.getFrom() + " of " + units + " left to go back"
                                : now.getTo() + " of " + units)
                        + ")" + behind();
            }
            case ROLLOUT_PHASE_PAUSED -> "paused, " + now.getTo() + " of " + units + " units begun";
            case ROLLOUT_PHASE_STOPPED -> "stopped" + behind();
            case ROLLOUT_PHASE_DONE -> now.getBack() ? "rolled back" + leftAlone() + behind() : "done, " + done();
            case ROLLOUT_PHASE_UNSPECIFIED, UNRECOGNIZED -> "unknown";
        };
        return "rollout " + id() + ": " + what;
    }

    private String done() {
        int units = plan.getUnitsCount();
        return now.getLeftAlone() == 0
                ? units + " units"
                : units - now.getLeftAlone() + " of " + units + " units" + leftAlone();
    }

    private String leftAlone() {
        return now.getLeftAlone() == 0
                ? ""
                : ", but for " + now.getLeftAlone() + " that were gone or had got another file meanwhile, "
                        + now.getFirstLeftAlone() + " first";
    }

    private String behind() {
        return now.getReason().isEmpty() ? "" : ": " + now.getReason();
    }
}
