package io.raftfleet.engine.http;

import com.google.protobuf.ByteString;
import io.raftfleet.proto.model.Revision;
import io.raftfleet.unit.SafeText;
import io.raftfleet.unit.limits.Limits;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;

/**
 * One answer.
 *
 * @param status HTTP status code
 * @param contentType of the body; empty for none
 * @param body the whole body
 * @param headers further headers
 */
public record HttpReply(int status, String contentType, ByteString body, Map<String, String> headers) {
    static final String JSON = "application/json";

    private static final String CONNECTION = "connection";
    /** A revision as three numbers: incarnation, index and ordinal, with dashes between them. */
    static final String REVISION = "Raftfleet-Revision";

    /** No body. */
    static HttpReply empty(int status) {
        return new HttpReply(status, "", ByteString.EMPTY, Map.of());
    }

    /** No body, but the type that one would have: so fleet answers a patch of machines. */
    static HttpReply emptyJson(int status) {
        return of(status, JSON, ByteString.EMPTY);
    }

    static HttpReply of(int status, String contentType, ByteString body) {
        return new HttpReply(status, contentType, body, Map.of());
    }

    /** A JSON body made of one of {@link Documents}' records. */
    static HttpReply json(int status, Object document) {
        return new HttpReply(status, JSON, Json.write(document), Map.of());
    }

    /** An error in fleet's form: {@code {"error":{"code":404,"message":"unit does not exist"}}}. */
    static HttpReply error(int status, String message) {
        return json(
                status,
                new Documents.ErrorDocument(new Documents.ErrorEntity(
                        status, SafeText.cut(SafeText.escape(message), Limits.MESSAGE_BYTES))));
    }

    HttpReply with(String header, String value) {
        Map<String, String> more = new LinkedHashMap<>(headers);
        more.put(header, value);
        return new HttpReply(status, contentType, body, Map.copyOf(more));
    }

    /** The connection is closed behind it. */
    HttpReply last() {
        return with(CONNECTION, "close");
    }

    boolean isLast() {
        return headers.containsKey(CONNECTION);
    }

    /** States the revision of the registry that was read, or behind which a read sees what was written. */
    HttpReply at(Revision revision) {
        return revision.getIndex() == 0 ? this : with(REVISION, text(revision));
    }

    static String text(Revision revision) {
        return Long.toUnsignedString(revision.getIncarnation()) + "-" + Long.toUnsignedString(revision.getIndex()) + "-"
                + Integer.toUnsignedString(revision.getOrdinal());
    }

    CompletableFuture<HttpReply> now() {
        return CompletableFuture.completedFuture(this);
    }
}
