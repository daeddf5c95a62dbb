package io.raftfleet.engine.control;

import io.grpc.Status;
import io.raftfleet.engine.schedule.Scheduler;
import io.raftfleet.proto.fleet.ItemCode;
import io.raftfleet.proto.fleet.ItemResult;
import io.raftfleet.proto.fleet.PlanResponse;
import io.raftfleet.proto.fleet.PlannedPlace;
import io.raftfleet.proto.log.Record;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.state.Registry;
import io.raftfleet.state.UnitRecord;
import io.raftfleet.state.Versions;
import io.raftfleet.state.raft.ReplicatedState.ApplyResult;
import io.raftfleet.unit.SafeText;
import io.raftfleet.unit.limits.Limits;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * What writes would do: decided as they would be, but on a trial of the scheduler and a draft that are thrown away. It needs a batch and a
 * draft of its own, and adds nothing to the batch.
 */
final class PlanWork implements Work {
    /** Moves that are followed up; a machine may have more units. */
    static final int MOST_MOVES = 9_000;

    /** So long nothing else is decided at most, but for what the item or step takes that is under way then. */
    private static final long MOST_NANOS = TimeUnit.SECONDS.toNanos(2);

    private static final int MOST_EXPLAINED = 100;
    private static final int MOVES_A_STEP = 256;

    /**
     * What is asked.
     *
     * @param create items of the request's part of that name; so with the others
     * @param named units that the items name, in order
     * @param drained the machine that an item orders to drain; null for none
     */
    record Asked(
            List<Item> create,
            List<Item> targets,
            List<Item> machines,
            List<String> named,
            @Nullable String drained) {}

    private final Registry registry;
    private final Asked asked;
    private final LongSupplier nanoClock;
    private final CompletableFuture<PlanResponse> answer = new CompletableFuture<>();

    /** @param nanoClock says how long it takes */
    PlanWork(Registry registry, Asked asked, LongSupplier nanoClock) {
        this.registry = registry;
        this.asked = asked;
        this.nanoClock = nanoClock;
    }

    CompletableFuture<PlanResponse> answer() {
        return answer;
    }

    @Override
    public WorkQueue.Lane lane() {
        return WorkQueue.Lane.PLANS;
    }

    @Override
    public boolean open() {
        return !answer.isDone();
    }

    @Override
    public String describe() {
        return "a plan of " + (asked.create.size() + asked.targets.size() + asked.machines.size()) + " items";
    }

    @Override
    public boolean decide(Batch batch, Draft draft, long nowMs) {
        if (open()) {
            var revision = registry.read(view -> view.revision(Versions.wholeEntry(view.appliedIndex())));
            var plan = draft.scheduler().tryOut(() -> new Trying(draft).run());
            answer.complete(plan.setRevision(revision).build());
        }
        return true;
    }

    @Override
    public void applied(ApplyResult result) {
        // It writes nothing.
    }

    @Override
    public void abandon(boolean fateUnknown, String reason) {
        answer.completeExceptionally(new Abandoned(false, reason));
    }

    @Override
    public void refuse(RuntimeException why) {
        answer.completeExceptionally(why);
    }

    private @Nullable String machineNow(String unit) {
        return registry.read(view -> {
            var record = view.unit(unit);
            return record == null ? null : record.machineId();
        });
    }

    /** One trial. */
    private final class Trying {
        private final Draft draft;
        private final Scheduler scheduler;
        private final PlanResponse.Builder plan = PlanResponse.newBuilder();
        /** Why each unit moves that does, the last time that it does. */
        private final Map<String, String> moved = new TreeMap<>();

        private final long begin = nanoClock.getAsLong();
        private int moves;
        private int explained;

        Trying(Draft draft) {
            this.draft = draft;
            this.scheduler = draft.scheduler();
        }

        PlanResponse.Builder run() {
            if (asked.drained != null && scheduler.drains().isPaused()) {
                throw Status.UNAVAILABLE
                        .withDescription(
                                "machines are awaited that had units before the cluster was restored: until they are back,"
                                        + " or given up, nothing is moved off a machine; ask again then")
                        .asRuntimeException();
            }
            asked.create.forEach(item -> plan.addCreate(decide(item)));
            asked.targets.forEach(item -> plan.addTargets(decide(item)));
            asked.machines.forEach(item -> plan.addMachines(decide(item)));
            place();
            places();
            return plan;
        }

        /** To be called often: while this goes on nothing else is decided. */
        private void checkTime() {
            if (nanoClock.getAsLong() - begin > MOST_NANOS) {
                throw Status.FAILED_PRECONDITION
                        .withDescription("planning this takes more than " + TimeUnit.NANOSECONDS.toSeconds(MOST_NANOS)
                                + " s, in which the leader decides nothing else: plan fewer units at once")
                        .asRuntimeException();
            }
        }

        private ItemResult decide(Item item) {
            checkTime();
            var records = new ArrayList<Record>();
            var result = item.decide(draft, records);
            int bytes = records.stream().mapToInt(Batch::bytesOf).sum();
            return bytes <= Batch.MAX_PART_BYTES
                    ? result
                    : Item.result(ItemCode.ITEM_CODE_INVALID, Batch.tooLarge(bytes));
        }

        private void place() {
            var others = Set.copyOf(scheduler.drains().underWay());
            boolean more = true;
            while (more && moves < MOST_MOVES) {
                while (scheduler.hasWork() && moves < MOST_MOVES) {
                    checkTime();
                    for (var decision : scheduler.decide(MOVES_A_STEP)) {
                        moves++;
                        moved.put(decision.unit(), decision.reason());
                        var unused = draft.schedule(decision);
                    }
                }
                var arrived = new HashSet<>(scheduler.drains().underWay());
                arrived.removeAll(others);
                more = !arrived.isEmpty();
                scheduler.drains().arrived(arrived);
            }
            plan.setCut(scheduler.hasWork());
        }

        private void places() {
            var named = new LinkedHashSet<>(asked.named);
            named.forEach(unit -> add(unit, true));
            var others = new TreeSet<>(moved.keySet());
            if (asked.drained != null) {
                others.addAll(scheduler.unitsOn(asked.drained));
            }
            for (var unit : others) {
                if (plan.getPlacesCount() >= MOST_MOVES) {
                    plan.setCut(true);
                    return;
                }
                if (!named.contains(unit)) {
                    add(unit, false);
                }
            }
        }

        private void add(String name, boolean named) {
            checkTime();
            var unit = draft.unit(name);
            if (unit == null) {
                return; // It would not be created: its item says why.
            }
            var before = Objects.requireNonNullElse(machineNow(name), "");
            var after = Objects.requireNonNullElse(unit.machineId(), "");
            var place = PlannedPlace.newBuilder()
                    .setUnit(name)
                    .setNamed(named)
                    .setMachineBefore(before)
                    .setMachineAfter(after)
                    .setTargetState(unit.target());
            if (!before.equals(after)) {
                place.setReason(SafeText.cut(moved.getOrDefault(name, ""), Limits.MESSAGE_BYTES));
            } else if (!named && moved.containsKey(name) && !isOnDrained(unit)) {
                return; // It would come back.
            }
            boolean wanted = unit.target() != TargetState.TARGET_STATE_INACTIVE;
            if (unit.global()) {
                place.setGlobal(true);
                if (explained++ < MOST_EXPLAINED) {
                    place.setMachines(scheduler.runs(name));
                }
            } else if (wanted && (after.isEmpty() || isOnDrained(unit)) && explained++ < MOST_EXPLAINED) {
                place.addAllVetoes(scheduler.explain(name));
            }
            plan.addPlaces(place);
        }

        private boolean isOnDrained(UnitRecord unit) {
            return asked.drained != null && asked.drained.equals(unit.machineId());
        }
    }
}
