package io.raftfleet.engine.control;

import io.raftfleet.proto.log.MachineTold;
import io.raftfleet.proto.log.Record;
import io.raftfleet.state.raft.ReplicatedState.ApplyResult;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A machine has told what it has, in a registry that was restored and has some of it elsewhere. What runs there, and is not known to run
 * where it was to be, stays: that machine becomes its place, and it goes on without a stop. All else has to leave before it is started
 * where it is to be.
 */
final class ToldWork implements Work {
    private static final Logger log = LoggerFactory.getLogger(ToldWork.class);

    /** Keeps a record well below what a part of an entry may have. */
    private static final int NAMES_A_RECORD = 1000;
    /** Names in one line of the log. */
    private static final int MOST_NAMED = 20;

    private final String machineId;
    private final long sessionEpoch;
    private final List<String> found;
    private final CompletableFuture<Void> done = new CompletableFuture<>();
    /** So many names are committed, and so many are in the entry that is being decided, or before it. */
    private int settled;

    private int decided;
    private boolean complete;
    private final Set<String> stay = new LinkedHashSet<>();

    ToldWork(String machineId, long sessionEpoch, List<String> found) {
        this.machineId = machineId;
        this.sessionEpoch = sessionEpoch;
        this.found = List.copyOf(found);
    }

    CompletableFuture<Void> done() {
        return done;
    }

    @Override
    public int bytes() {
        return found.stream().mapToInt(String::length).sum();
    }

    @Override
    public WorkQueue.Lane lane() {
        return WorkQueue.Lane.AGENTS;
    }

    @Override
    public boolean open() {
        return !done.isDone();
    }

    @Override
    public String describe() {
        return "what machine " + machineId + " has told";
    }

    @Override
    public boolean decide(Batch batch, Draft draft, long nowMs) {
        var machine = draft.machine(machineId);
        if (machine == null || !machine.present() || machine.sessionEpoch() != sessionEpoch) {
            done.complete(null); // The next session tells again.
            return true;
        }
        do {
            var part = found.subList(decided, Math.min(found.size(), decided + NAMES_A_RECORD));
            var records = new ArrayList<Record>();
            var told = MachineTold.newBuilder().setMachineId(machineId).setSessionEpoch(sessionEpoch);
            for (var name : part) {
                if (draft.stays(name, machine, records)) {
                    stay.add(name);
                } else {
                    told.addFound(name);
                }
            }
            decided += part.size();
            complete = decided == found.size();
            records.forEach(batch::add);
            batch.add(draft.told(told.setComplete(complete).build()));
        } while (!complete && !batch.full());
        return complete;
    }

    @Override
    public void applied(ApplyResult result) {
        settled = decided;
        if (complete) {
            if (!stay.isEmpty()) {
                log.info(
                        "machine {} runs {} units that the restored registry had elsewhere: they stay there, such as {}",
                        machineId,
                        stay.size(),
                        stay.stream().limit(MOST_NAMED).toList());
            }
            done.complete(null);
        }
    }

    @Override
    public void undone() {
        decided = settled;
        complete = false;
    }

    @Override
    public void abandon(boolean fateUnknown, String reason) {
        done.completeExceptionally(new Abandoned(fateUnknown, reason));
    }

    @Override
    public void refuse(RuntimeException why) {
        done.completeExceptionally(why);
    }
}
