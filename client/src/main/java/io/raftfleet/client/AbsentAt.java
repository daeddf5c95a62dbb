package io.raftfleet.client;

import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.protobuf.ProtoUtils;
import io.raftfleet.proto.model.Revision;
import org.jspecify.annotations.Nullable;

/** The revision at which an engine found nothing; it comes in the trailers of NOT_FOUND. */
public final class AbsentAt {
    private static final Metadata.Key<Revision> REVISION =
            Metadata.Key.of("raftfleet-revision-bin", ProtoUtils.metadataMarshaller(Revision.getDefaultInstance()));

    private AbsentAt() {}

    /** Of a failed call; null when the engine stated none. */
    public static @Nullable Revision revision(Throwable failure) {
        var trailers = Status.trailersFromThrowable(failure);
        return trailers == null ? null : trailers.get(REVISION);
    }
}
