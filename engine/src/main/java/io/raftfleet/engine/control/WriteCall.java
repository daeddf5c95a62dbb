package io.raftfleet.engine.control;

import com.google.common.io.BaseEncoding;
import com.google.protobuf.CodedOutputStream;
import io.grpc.Status;
import io.raftfleet.engine.trace.WriteTrace;
import io.raftfleet.proto.fleet.ItemCode;
import io.raftfleet.proto.fleet.ItemResult;
import io.raftfleet.proto.fleet.RequestId;
import io.raftfleet.proto.fleet.WriteResponse;
import io.raftfleet.proto.log.Record;
import io.raftfleet.proto.log.RequestAnswered;
import io.raftfleet.proto.model.Revision;
import io.raftfleet.state.AnsweredRequest;
import io.raftfleet.state.Registry;
import io.raftfleet.state.Versions;
import io.raftfleet.state.raft.ReplicatedState.ApplyResult;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A client's write. Each entry that holds some of its items also holds their answers, under the request's id; a retry is
 * answered from there, and goes on with what was not answered yet.
 */
final class WriteCall implements Work {
    private static final Logger log = LoggerFactory.getLogger(WriteCall.class);
    /** An answer record in an entry without its answers: the request's id, digest and counts, with their lengths. */
    private static final int ANSWER_BYTES = 80;

    /** Reasons that are kept for a retry, in characters, all of a call together. */
    private static final int MAX_REASONS = 2048;

    /** After so many faults in one call all that is left of it is refused: each costs the leader a new start. */
    private static final int MAX_FAULTS = 3;

    /** In place of the reason, which may be long: what is refused for want of room is not to take much itself. */
    private static final ItemResult NO_ROOM =
            Item.result(ItemCode.ITEM_CODE_RESOURCE_EXHAUSTED, "the registry had no room");

    private final Registry registry;
    private final RequestId id;
    private final long requestDigest;
    private final List<Item> items;
    private final @Nullable ItemResult[] results;
    private final CompletableFuture<WriteResponse> reply = new CompletableFuture<>();
    /** Null when nobody traces it. */
    private final @Nullable WriteTrace trace;

    /** It came in time, whatever the time is by now. */
    private boolean begun;

    private int next;
    /** Place of the last answer in the entry that is under way; -1 when nothing of this call is. */
    private int answerRecord = -1;

    /** How many records behind it carry out what it answers. */
    private int guarded;

    private int firstUnderWay;
    /** Item that is being decided; -1 for none. */
    private int deciding = -1;
    /** How many items to decide at once: fewer while one of them is found out that can't be written. */
    private int most = Integer.MAX_VALUE;

    private int faults;
    private int reasons;
    private long version;

    WriteCall(Registry registry, RequestId id, long requestDigest, List<Item> items, @Nullable WriteTrace trace) {
        this.registry = registry;
        this.id = id;
        this.requestDigest = requestDigest;
        this.items = new ArrayList<>(items);
        this.results = new ItemResult[items.size()];
        this.trace = trace;
    }

    /**
     * What is kept of an answer for a retry: its reason as long as those of the call are short together. A call of many items that all
     * fail, each for a reason with its own name in it, would otherwise take megabytes of the registry for ten minutes.
     */
    private ItemResult remembered(ItemResult result) {
        int reason = result.getMessage().length();
        if (reason == 0 || reasons + reason <= MAX_REASONS) {
            reasons += reason;
            return result;
        }
        return Item.result(result.getCode(), "the reason was told with the first answer and is not kept");
    }

    private static boolean noRoom(ItemResult result) {
        return result.getCode() == ItemCode.ITEM_CODE_RESOURCE_EXHAUSTED;
    }

    /** Completes with the answer, or with {@link Abandoned}, or with a status that is final. */
    CompletableFuture<WriteResponse> reply() {
        return reply;
    }

    @Override
    public boolean decide(Batch batch, Draft draft, long nowMs) {
        firstUnderWay = next;
        if (reply.isDone() || batch.answers(id.getId()) || !resume(nowMs)) {
            // A request that came twice is decided once: the second call has its turn when the first one's answers are
            // applied.
            return true;
        }
        firstUnderWay = next;
        var full = next == 0 ? draft.takeAnswer() : null;
        if (full != null) {
            refuse(Budget.failure(full));
            return true;
        }
        if (trace != null) {
            trace.deciding();
        }
        batch.reserve(ANSWER_BYTES);
        var records = new ArrayList<Record>();
        var answers = new ArrayList<ItemResult>();
        // One at least: answers to no items would stand in the way of those to the next.
        while (next < items.size() && (answers.isEmpty() || !batch.full()) && next - firstUnderWay < most) {
            deciding = next;
            int before = records.size();
            var result = items.get(next).decide(draft, records);
            var kept = noRoom(result) ? NO_ROOM : remembered(result);
            int bytes = CodedOutputStream.computeMessageSize(RequestAnswered.RESULTS_FIELD_NUMBER, kept);
            for (var record : records.subList(before, records.size())) {
                bytes += Batch.bytesOf(record);
            }
            batch.reserve(bytes);
            results[next++] = result;
            answers.add(kept);
        }
        deciding = -1;
        if (next == items.size() && answers.stream().allMatch(WriteCall::noRoom)) {
            // Kept for retries these answers would take what there is no room for. Nothing was done: a retry is decided
            // anew.
            version = Versions.wholeEntry(registry.appliedIndex());
            finish();
            return true;
        }
        // Also what changes nothing is answered when it is committed, and not before: it was decided on what this entry
        // is only
        // about to change, by a leader that may have been replaced.
        batch.answering(id.getId());
        answerRecord = batch.addReserved(Record.newBuilder()
                .setRequestAnswered(RequestAnswered.newBuilder()
                        .setRequestId(id)
                        .setFirstItem(firstUnderWay)
                        .setRequestDigest(requestDigest)
                        .addAllResults(answers)
                        .setGuardedRecords(records.size()))
                .build());
        records.forEach(batch::addReserved);
        guarded = records.size();
        if (trace != null) {
            trace.decided(records);
        }
        return next == items.size();
    }

    @Override
    public void proposing() {
        if (trace != null) {
            trace.proposing();
        }
    }

    @Override
    public void applied(ApplyResult result) {
        if (answerRecord < 0 || reply.isDone()) {
            return;
        }
        if (!held(result)) {
            return;
        }
        answerRecord = -1;
        if (trace != null) {
            trace.applied(result.index());
        }
        version = Versions.wholeEntry(result.index());
        if (next == items.size()) {
            finish();
        }
    }

    /**
     * Whether all that was decided also held when it was applied. It always does, unless this engine decides wrongly: then
     * the answer in the registry is wrong too, and no success may be told.
     */
    private boolean held(ApplyResult result) {
        for (var dropped : result.dropped().subList(answerRecord, answerRecord + 1 + guarded)) {
            if (dropped != null) {
                log.error("{} was decided wrongly: when it was applied, {}", describe(), dropped);
                reply.completeExceptionally(Status.INTERNAL
                        .withDescription("the write did not hold when it was applied (" + dropped
                                + "), which is a fault of this engine: read what is there, and write again with a new"
                                + " request id")
                        .asRuntimeException());
                return false;
            }
        }
        return true;
    }

    @Override
    public WorkQueue.Lane lane() {
        return WorkQueue.Lane.CLIENTS;
    }

    @Override
    public boolean open() {
        return !reply.isDone() && next < items.size();
    }

    @Override
    public void undone() {
        if (trace != null) {
            trace.undone();
        }
        next = firstUnderWay;
        answerRecord = -1;
        deciding = -1;
    }

    /** The item at fault is answered for; if it is not known which it is, fewer are decided at once until it is. */
    @Override
    public void fault(Throwable cause) {
        int underWay = next - firstUnderWay;
        int culprit = deciding >= 0 ? deciding : underWay == 1 ? firstUnderWay : -1;
        undone();
        if (culprit >= 0 && ++faults <= MAX_FAULTS) {
            var refusal = Work.refusal(cause).getStatus();
            var answer = Item.result(
                    refusal.getCode() == Status.Code.INVALID_ARGUMENT
                            ? ItemCode.ITEM_CODE_INVALID
                            : ItemCode.ITEM_CODE_INTERNAL,
                    String.valueOf(refusal.getDescription()));
            items.set(culprit, (draft, out) -> answer);
            most = Integer.MAX_VALUE;
        } else if (culprit < 0 && underWay > 1) {
            most = underWay / 2;
        } else {
            refuse(Work.refusal(cause));
        }
    }

    @Override
    public String describe() {
        return "request " + BaseEncoding.base16().lowerCase().encode(id.getId().toByteArray()) + " of " + items.size()
                + " items, from item " + (deciding >= 0 ? deciding : firstUnderWay) + " on";
    }

    @Override
    public void abandon(boolean fateUnknown, String reason) {
        reply.completeExceptionally(new Abandoned(next > 0 && (fateUnknown || answerRecord < 0), reason));
    }

    @Override
    public void refuse(RuntimeException why) {
        reply.completeExceptionally(why);
    }

    /**
     * Takes what was answered before, here or to another call with its id, however long ago; refuses a request that is too old to be done. False
     * when there is nothing left to do.
     */
    private boolean resume(long nowMs) {
        takeAnswers(registry.read(view -> view.answers(id.getId())));
        if (!reply.isDone() && next == items.size()) {
            version = Versions.wholeEntry(registry.appliedIndex());
            finish();
        }
        if (!reply.isDone() && !begun) {
            registry.read(view -> view.refuseRequestMadeAt(id.getIssuedAtMs(), nowMs))
                    .ifPresent(why -> reply.completeExceptionally(
                            Status.FAILED_PRECONDITION.withDescription(why).asRuntimeException()));
            begun = true;
        }
        return !reply.isDone();
    }

    private void takeAnswers(List<AnsweredRequest> answered) {
        for (var answer : answered) {
            if (answer.requestDigest() != requestDigest) {
                reply.completeExceptionally(Status.INVALID_ARGUMENT
                        .withDescription("the request id was used for another request: make a new id for each write")
                        .asRuntimeException());
                return;
            }
            if (answer.firstItem() == next) {
                for (var result : answer.results()) {
                    results[next++] = result;
                }
            }
        }
    }

    private void finish() {
        Revision revision = registry.read(view -> view.revision(version));
        reply.complete(WriteResponse.newBuilder()
                .addAllResults(Arrays.asList(results))
                .setRevision(revision)
                .build());
    }
}
