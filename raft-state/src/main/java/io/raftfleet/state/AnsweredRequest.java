package io.raftfleet.state;

import com.google.protobuf.ByteString;
import com.google.protobuf.MessageLite;
import io.raftfleet.proto.fleet.ItemCode;
import io.raftfleet.proto.fleet.ItemResult;
import io.raftfleet.proto.log.RequestRow;
import java.util.HashSet;
import java.util.List;

/**
 * Answers to consecutive items of a client's request.
 *
 * @param id the client's 16 bytes
 * @param firstItem index of the first item answered
 * @param requestDigest over the whole request
 * @param answeredAtMs registry clock
 */
public record AnsweredRequest(
        ByteString id, int firstItem, long requestDigest, long answeredAtMs, List<ItemResult> results)
        implements StoredRow {

    /** Record, id, list of the results with its runs, places by id and by age. */
    private static final long PLACES = 40 + 24 + 32 + 24 + 24 + 24 + 32 + 24 + HeapBytes.HASH_ENTRY + 8;

    /** A run of equal answers: a reference, and where it ends. */
    private static final long RUN = 8;

    private static final ItemResult OK =
            ItemResult.newBuilder().setCode(ItemCode.ITEM_CODE_OK).build();

    public AnsweredRequest {
        // Most items of a request have the same answer as the one before.
        results = Runs.of(results);
    }

    /** The same answer, at another time. */
    AnsweredRequest answeredAt(long ms) {
        return new AnsweredRequest(id, firstItem, requestDigest, ms, results);
    }

    @Override
    public char table() {
        return 'q';
    }

    @Override
    public Object in() {
        return firstItem;
    }

    @Override
    public ByteString rowKey() {
        return ByteString.copyFromUtf8("q").concat(id).concat(ByteString.copyFrom(new byte[] {
            (byte) (firstItem >>> 24), (byte) (firstItem >>> 16), (byte) (firstItem >>> 8), (byte) firstItem
        }));
    }

    @Override
    public MessageLite rowValue() {
        return RequestRow.newBuilder()
                .setId(id)
                .setFirstItem(firstItem)
                .setRequestDigest(requestDigest)
                .setAnsweredAtMs(answeredAtMs)
                .addAllResults(results)
                .build();
    }

    @Override
    public long heapBytes() {
        long bytes = PLACES;
        var different = new HashSet<ItemResult>();
        for (var run : Runs.runs(results)) {
            bytes += RUN;
            if (!run.equals(OK) && different.add(run)) {
                bytes += 40 + HeapBytes.of(run.getMessage());
            }
        }
        return bytes;
    }

    static AnsweredRequest from(RequestRow row) {
        return new AnsweredRequest(
                row.getId(), row.getFirstItem(), row.getRequestDigest(), row.getAnsweredAtMs(), row.getResultsList());
    }
}
