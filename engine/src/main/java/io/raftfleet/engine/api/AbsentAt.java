package io.raftfleet.engine.api;

import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.ProtoUtils;
import io.raftfleet.proto.model.Revision;

/** The failure of a read that found nothing, with the revision at which there is nothing, in the trailers. */
public final class AbsentAt {
    private static final Metadata.Key<Revision> REVISION =
            Metadata.Key.of("raftfleet-revision-bin", ProtoUtils.metadataMarshaller(Revision.getDefaultInstance()));

    private AbsentAt() {}

    /** NOT_FOUND at a revision of the registry. */
    public static StatusRuntimeException failure(String what, Revision revision) {
        var trailers = new Metadata();
        trailers.put(REVISION, revision);
        return Status.NOT_FOUND.withDescription(what).asRuntimeException(trailers);
    }

    /** The revision that a failure states, the default instance when it states none. */
    public static Revision of(Throwable failure) {
        var trailers = Status.trailersFromThrowable(failure);
        var revision = trailers == null ? null : trailers.get(REVISION);
        return revision == null ? Revision.getDefaultInstance() : revision;
    }
}
