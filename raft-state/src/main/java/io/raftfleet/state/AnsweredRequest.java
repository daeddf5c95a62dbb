package io.raftfleet.state;

import com.google.protobuf.ByteString;
import io.raftfleet.proto.fleet.ItemResult;
import io.raftfleet.proto.log.RequestRow;
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

    public AnsweredRequest {
        results = List.copyOf(results);
    }

    @Override
    public ByteString rowKey() {
        return ByteString.copyFromUtf8("q").concat(id).concat(ByteString.copyFrom(new byte[] {
            (byte) (firstItem >>> 24), (byte) (firstItem >>> 16), (byte) (firstItem >>> 8), (byte) firstItem
        }));
    }

    @Override
    public ByteString rowValue() {
        return RequestRow.newBuilder()
                .setId(id)
                .setFirstItem(firstItem)
                .setRequestDigest(requestDigest)
                .setAnsweredAtMs(answeredAtMs)
                .addAllResults(results)
                .build()
                .toByteString();
    }

    static AnsweredRequest from(RequestRow row) {
        return new AnsweredRequest(
                row.getId(), row.getFirstItem(), row.getRequestDigest(), row.getAnsweredAtMs(), row.getResultsList());
    }
}
