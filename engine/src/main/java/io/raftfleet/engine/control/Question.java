package io.raftfleet.engine.control;

import io.raftfleet.engine.schedule.Scheduler;
import io.raftfleet.state.raft.ReplicatedState.ApplyResult;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;

/** Something to be read from the scheduler, which the decision thread alone may touch. */
final class Question<T> implements Work {
    private final Function<Scheduler, T> read;
    private final CompletableFuture<T> answer = new CompletableFuture<>();

    Question(Function<Scheduler, T> read) {
        this.read = read;
    }

    CompletableFuture<T> answer() {
        return answer;
    }

    @Override
    public WorkQueue.Lane lane() {
        return WorkQueue.Lane.CLIENTS;
    }

    @Override
    public boolean open() {
        return !answer.isDone();
    }

    @Override
    public String describe() {
        return "a question why units wait";
    }

    @Override
    public boolean decide(Batch batch, Draft draft, long nowMs) {
        if (open()) {
            answer.complete(read.apply(draft.scheduler()));
        }
        return true;
    }

    @Override
    public void applied(ApplyResult result) {
        // It asked, nothing more.
    }

    @Override
    public void abandon(boolean fateUnknown, String reason) {
        answer.completeExceptionally(new Abandoned(false, reason));
    }

    @Override
    public void refuse(RuntimeException why) {
        answer.completeExceptionally(why);
    }
}
