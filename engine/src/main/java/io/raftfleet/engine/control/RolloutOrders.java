package io.raftfleet.engine.control;

import io.raftfleet.proto.fleet.ControlRolloutRequest;
import io.raftfleet.proto.fleet.ItemCode;
import io.raftfleet.proto.fleet.ItemResult;
import io.raftfleet.proto.fleet.NewUnit;
import io.raftfleet.proto.fleet.StartRolloutRequest;
import io.raftfleet.proto.log.Record;
import io.raftfleet.proto.log.RolloutAdvanced;
import io.raftfleet.proto.log.RolloutFile;
import io.raftfleet.proto.log.RolloutStarted;
import io.raftfleet.proto.log.RolloutUnit;
import io.raftfleet.proto.model.RolloutPhase;
import io.raftfleet.state.Rollout;
import io.raftfleet.state.UnitRecord;
import io.raftfleet.unit.InvalidUnitException;
import io.raftfleet.unit.Requirements;
import io.raftfleet.unit.SafeText;
import io.raftfleet.unit.UnitFile;
import io.raftfleet.unit.UnitHash;
import io.raftfleet.unit.UnitSource;
import io.raftfleet.unit.Units;
import io.raftfleet.unit.limits.Limits;
import io.raftfleet.unit.limits.MessageCheck;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What operators want of rolling changes, as items of a write. */
final class RolloutOrders {
    /** Units in a group. */
    static final int MOST_AT_ONCE = 1_000;
    /** Rollouts that are under way. */
    static final int MOST_ACTIVE = 64;
    /** Bytes of the heap that the files before may take, of one rollout, and of all that have ended together. */
    static final long MOST_KEPT_BYTES = 32 << 20;

    /** What the log takes of one, in bytes: its records are together in an entry. */
    private static final int MOST_LOG_BYTES = Batch.MAX_PART_BYTES - 16 * 1024;

    private static final Duration LONGEST_HEALTH = Duration.ofHours(1);
    private static final Duration LONGEST_START = Duration.ofDays(1);
    private static final Duration USUAL_START = Duration.ofMinutes(2);

    private RolloutOrders() {}

    /** What a unit is to have, read on the caller's thread. Without a file: that of the hash, which the cluster then has. */
    private record Wanted(
            String name, @Nullable UnitFile file, @Nullable UnitSource source, UnitHash hash) {
        @Nullable
        String digest() {
            return source == null ? null : source.digest();
        }

        /** Of its texts, at most. */
        long bytes() {
            return (file == null ? 0 : SafeText.bytes(file.text()))
                    + (source == null ? 0 : SafeText.bytes(source.text()));
        }
    }

    /**
     * @param id of the rollout
     * @param by who asks for it, as {@code Unit.changed_by} has it
     */
    static Item start(String id, StartRolloutRequest request, String by) {
        var fault = fault(request);
        if (fault != null) {
            return Item.invalid("rollout: " + fault);
        }
        var wanted = new ArrayList<Wanted>();
        var names = new HashSet<String>();
        Map<UnitHash, Wanted> texts = new HashMap<>();
        for (var unit : request.getUnitsList()) {
            var wrong = MessageCheck.fault(unit);
            if (wrong != null) {
                return Items.invalid("unit", unit.getName(), wrong);
            }
            if (!names.add(unit.getName())) {
                return Item.invalid("unit " + unit.getName() + " is named twice");
            }
            try {
                wanted.add(read(unit, texts));
            } catch (InvalidUnitException e) {
                return Item.invalid(String.valueOf(e.inUnit(unit.getName()).getMessage()));
            }
        }
        var plan = RolloutStarted.newBuilder()
                .setId(id)
                .setMaxUnavailable(Math.max(1, request.getMaxUnavailable()))
                .setHealthWaitMs(request.getHealthWaitMs())
                .setStartWaitMs(request.getStartWaitMs() == 0 ? USUAL_START.toMillis() : request.getStartWaitMs())
                .setRollback(request.getRollback())
                .setChangedBy(by);
        plan.setCanary(request.getCanary() == 0 ? plan.getMaxUnavailable() : request.getCanary());
        return (draft, out) -> start(plan.clone(), wanted, draft, out);
    }

    private static @Nullable String fault(StartRolloutRequest request) {
        if (request.getUnitsCount() == 0) {
            return "units: there are none";
        }
        if (request.getUnitsCount() > Limits.ITEMS) {
            return "units: there are " + request.getUnitsCount() + "; at most " + Limits.ITEMS
                    + " are allowed: roll some of them first";
        }
        if (Integer.compareUnsigned(request.getMaxUnavailable(), MOST_AT_ONCE) > 0) {
            return "max_unavailable: it is " + Integer.toUnsignedString(request.getMaxUnavailable()) + "; at most "
                    + MOST_AT_ONCE + " are allowed";
        }
        int most = Math.max(1, request.getMaxUnavailable());
        if (Integer.compareUnsigned(request.getCanary(), most) > 0) {
            return "canary: it is " + Integer.toUnsignedString(request.getCanary()) + ", and max_unavailable is " + most
                    + ": no more than that are replaced at a time, the first ones neither";
        }
        if (Long.compareUnsigned(request.getHealthWaitMs(), LONGEST_HEALTH.toMillis()) > 0) {
            return "health_wait_ms: it is more than " + LONGEST_HEALTH.toHours() + " hour";
        }
        return Long.compareUnsigned(request.getStartWaitMs(), LONGEST_START.toMillis()) > 0
                ? "start_wait_ms: it is more than " + LONGEST_START.toDays() + " day"
                : null;
    }

    /** @param texts that came before in the request, each under its hash: units after the first one may name that alone */
    private static Wanted read(NewUnit unit, Map<UnitHash, Wanted> texts) throws InvalidUnitException {
        if (unit.getText().isEmpty() && unit.getHash().size() == UnitHash.BYTES) {
            var hash = UnitHash.from(unit.getHash());
            var same = texts.get(hash);
            if (same == null || same.file() == null) {
                return new Wanted(unit.getName(), null, null, hash);
            }
            Units.validate(unit.getName(), same.file());
            return new Wanted(unit.getName(), same.file(), same.source(), hash);
        }
        var file = UnitFile.parse(unit.getText());
        Units.validate(unit.getName(), file);
        var wanted = new Wanted(unit.getName(), file, UnitSource.of(unit.getText(), file), file.hash());
        texts.putIfAbsent(wanted.hash(), wanted);
        return wanted;
    }

    private static ItemResult start(RolloutStarted.Builder plan, List<Wanted> wanted, Draft draft, List<Record> out) {
        var old = draft.unrollable();
        if (old != null) {
            return refused(old);
        }
        if (draft.rollout(plan.getId()) != null) {
            // Of another request: the answer to this one would have been given again.
            return refused("there is a rollout " + plan.getId()
                    + ", whose request's id begins as this one's: send this one again with a new request id");
        }
        var refusal =
                overlapping(plan.getId(), wanted.stream().map(Wanted::name).toList(), draft);
        if (refusal != null) {
            return refusal;
        }
        // Each file once, the files before first: what they take is what will be kept.
        var files = new LinkedHashMap<RolloutFile, Integer>();
        var before = new ArrayList<UnitRecord>();
        for (var unit : wanted) {
            var there = draft.unit(unit.name());
            var result = unrollable(unit, there, draft);
            if (result != null || there == null) {
                return result == null ? Item.notFound(unit.name()) : result;
            }
            before.add(there);
            files.putIfAbsent(file(there.hash(), there.source()), files.size());
        }
        long kept = draft.bytesOf(files.keySet());
        if (kept > MOST_KEPT_BYTES) {
            return refused("the files before take " + (kept >> 20) + " MiB, and at most " + (MOST_KEPT_BYTES >> 20)
                    + " are kept to go back to: roll fewer units at a time");
        }
        var fresh = new ArrayList<Wanted>();
        for (int i = 0; i < wanted.size(); i++) {
            var unit = wanted.get(i);
            var after = file(unit.hash(), unit.digest());
            if (files.putIfAbsent(after, files.size()) == null && unit.file() != null) {
                fresh.add(unit);
            }
            plan.addUnits(RolloutUnit.newBuilder()
                    .setName(unit.name())
                    .setBefore(files.getOrDefault(
                            file(before.get(i).hash(), before.get(i).source()), 0))
                    .setAfter(files.getOrDefault(after, 0)));
        }
        var record = plan.addAllFiles(files.keySet()).setKeptBytes(kept).build();
        long bytes = record.getSerializedSize()
                + fresh.stream().mapToLong(Wanted::bytes).sum();
        if (bytes > MOST_LOG_BYTES) {
            return refused("its names and new files take " + (bytes >> 10) + " KiB, and at most "
                    + (MOST_LOG_BYTES >> 10) + " are allowed: roll fewer units at a time");
        }
        long growth = 0;
        for (var unit : fresh) {
            growth += draft.growthBy(Objects.requireNonNull(unit.file()), unit.source());
        }
        var full = draft.takeRoom(record, growth);
        if (full != null) {
            return Budget.refusal(full);
        }
        for (var unit : fresh) {
            draft.store(Objects.requireNonNull(unit.file()), unit.source(), out);
        }
        out.add(draft.rollout(Record.newBuilder().setRolloutStarted(record).build()));
        return Item.OK;
    }

    /** Why a unit can't get its file by a rollout; null when it can. */
    private static @Nullable ItemResult unrollable(Wanted unit, @Nullable UnitRecord there, Draft draft) {
        var name = unit.name();
        if (there == null) {
            return Item.result(
                    ItemCode.ITEM_CODE_NOT_FOUND,
                    "unit " + name + " does not exist: a rollout is of units that are there; start it first");
        }
        if (there.global()) {
            return refused("unit " + name
                    + " is global: all its machines get a new file at once; replace it without a rollout");
        }
        if (there.hash().equals(unit.hash())) {
            return refused("unit " + name + " has these contents already: leave it out");
        }
        var file = unit.file();
        try {
            if (file == null) {
                var text = draft.contents(unit.hash());
                if (text == null) {
                    return Item.result(
                            ItemCode.ITEM_CODE_NOT_FOUND,
                            "unit " + name + ": the cluster has no contents of hash "
                                    + unit.hash().toHex() + ": send the text");
                }
                file = UnitFile.stored(text);
                Units.validate(name, file);
            }
            return Requirements.of(name, file).global()
                    ? refused("unit " + name + " would be global: replace it without a rollout")
                    : null;
        } catch (InvalidUnitException e) {
            return Item.result(
                    ItemCode.ITEM_CODE_INVALID, String.valueOf(e.inUnit(name).getMessage()));
        }
    }

    /** Why a rollout of these units can't go on beside those that are under way; null when it can. */
    private static @Nullable ItemResult overlapping(String id, List<String> units, Draft draft) {
        int active = 0;
        var names = Set.copyOf(units);
        for (var other : draft.rollouts()) {
            if (!other.active() || other.id().equals(id)) {
                continue;
            }
            active++;
            for (var unit : other.plan().getUnitsList()) {
                if (names.contains(unit.getName())) {
                    return refused("unit " + unit.getName() + " is in rollout " + other.id()
                            + ", which is under way: wait for its end, or give it up with: fleetctl rollout undo "
                            + other.id());
                }
            }
        }
        return active >= MOST_ACTIVE
                ? refused(active + " rollouts are under way, as many as there may be: wait for the end of one")
                : null;
    }

    private static RolloutFile file(UnitHash hash, @Nullable String source) {
        return RolloutFile.newBuilder()
                .setHash(hash.toByteString())
                .setSourceDigest(UnitSource.toBytes(source))
                .build();
    }

    /** @param by who asks for it, as {@code Unit.changed_by} has it */
    static Item control(ControlRolloutRequest request, String by) {
        var fault = MessageCheck.fault(request);
        if (fault != null) {
            return Item.invalid("rollout: " + fault);
        }
        return switch (request.getOrder()) {
            case ORDER_UNSPECIFIED, UNRECOGNIZED ->
                Item.invalid("rollout: order: " + request.getOrderValue() + " is none of pause, resume, undo");
            case ORDER_PAUSE, ORDER_RESUME, ORDER_UNDO ->
                (draft, out) -> {
                    var rollout = draft.rollout(request.getId());
                    return rollout == null
                            ? Item.result(
                                    ItemCode.ITEM_CODE_NOT_FOUND,
                                    "there is no rollout " + request.getId()
                                            + ", or it is kept no longer: fleetctl rollout status lists those that are")
                            : control(rollout, request.getOrder(), by, draft, out);
                };
        };
    }

    private static ItemResult control(
            Rollout rollout, ControlRolloutRequest.Order order, String by, Draft draft, List<Record> out) {
        var now = rollout.now();
        boolean done = now.getPhase() == RolloutPhase.ROLLOUT_PHASE_DONE;
        boolean running = now.getPhase() == RolloutPhase.ROLLOUT_PHASE_RUNNING;
        var next = rollout.next().setChangedBy(by);
        var told = "rollout " + rollout.id();
        switch (order) {
            case ORDER_PAUSE -> {
                if (now.getPhase() == RolloutPhase.ROLLOUT_PHASE_PAUSED) {
                    return Item.unchanged(told + " is paused");
                }
                if (!running) {
                    return refused(told + (done ? " is done" : " has stopped already"));
                }
                next.setPhase(RolloutPhase.ROLLOUT_PHASE_PAUSED);
            }
            case ORDER_RESUME -> {
                if (running) {
                    return Item.unchanged(told + " is under way");
                }
                if (done) {
                    return refused(told + (now.getBack() ? " is rolled back" : " is done"));
                }
                next.setPhase(RolloutPhase.ROLLOUT_PHASE_RUNNING);
            }
            default -> {
                if (now.getBack() && (running || done)) {
                    return Item.unchanged(told + (done ? " is rolled back" : " goes back"));
                }
                if (!now.getBack()) {
                    back(rollout, next);
                }
                next.setPhase(RolloutPhase.ROLLOUT_PHASE_RUNNING);
            }
        }
        var refusal = rollout.active()
                ? null
                : overlapping(
                        rollout.id(),
                        rollout.plan().getUnitsList().stream()
                                .map(RolloutUnit::getName)
                                .toList(),
                        draft);
        if (refusal != null) {
            return refusal;
        }
        if (order != ControlRolloutRequest.Order.ORDER_UNDO) {
            next.clearReason();
        }
        out.add(draft.rollout(next.build()));
        return Item.OK;
    }

    /** A rollout turns round: the units that were replaced last go back first. */
    static void back(Rollout rollout, RolloutAdvanced.Builder next) {
        next.setBack(true)
                .clearLeftAlone()
                .clearFirstLeftAlone()
                .setFrom(Math.max(0, next.getTo() - rollout.plan().getMaxUnavailable()));
    }

    private static ItemResult refused(String why) {
        return Item.result(ItemCode.ITEM_CODE_REFUSED, why);
    }
}
