package io.raftfleet.engine.control;

import io.raftfleet.proto.log.Record;
import io.raftfleet.state.raft.ReplicatedState.ApplyResult;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/** One record that no decision goes by, and whose rules stand where it is applied: why it is dropped is its answer. */
final class RecordWork implements Work {
    private final Record record;
    private final String what;
    private final CompletableFuture<Optional<String>> done = new CompletableFuture<>();
    private int place = -1;

    /** @param what it is, for the log */
    RecordWork(Record record, String what) {
        this.record = record;
        this.what = what;
    }

    /** Completes once it is applied; with the reason when it was dropped. */
    CompletableFuture<Optional<String>> done() {
        return done;
    }

    @Override
    public WorkQueue.Lane lane() {
        return WorkQueue.Lane.CLIENTS;
    }

    @Override
    public boolean open() {
        return !done.isDone();
    }

    @Override
    public String describe() {
        return what;
    }

    @Override
    public boolean decide(Batch batch, Draft draft, long nowMs) {
        place = batch.addTentative(record);
        return true;
    }

    @Override
    public void applied(ApplyResult result) {
        if (place >= 0) {
            done.complete(Optional.ofNullable(result.dropped().get(place)));
        }
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
