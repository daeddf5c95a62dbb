package io.raftfleet.chaos.traffic;

import io.grpc.Channel;
import io.grpc.StatusRuntimeException;
import io.raftfleet.chaos.history.Event;
import io.raftfleet.chaos.history.Recorder;
import io.raftfleet.proto.fleet.FleetGrpc;
import io.raftfleet.proto.fleet.ListUnitsRequest;
import io.raftfleet.proto.fleet.ListUnitsResponse;
import io.raftfleet.proto.fleet.Page;
import io.raftfleet.proto.fleet.ReadOptions;
import java.util.concurrent.TimeUnit;

/** Reads lists page by page and notes each page. */
final class Lists {
    private static final int CALL_LIMIT_MS = 4_000;

    private final Recorder recorder;

    Lists(Recorder recorder) {
        this.recorder = recorder;
    }

    /** Reads up to {@code pages} pages; whether the last one was among them. */
    boolean read(String client, String engine, Channel channel, boolean stale, int size, int pages) {
        var after = "";
        var token = "";
        long asked = recorder.now();
        try {
            for (int page = 0; page < pages; page++) {
                asked = recorder.now();
                var answer = page(channel, stale, size, token);
                token = answer.getNextToken();
                recorder.add(new Event.Listed(
                        recorder.now(),
                        asked,
                        client,
                        engine,
                        stale,
                        after,
                        token.isEmpty(),
                        Answer.position(answer.getRevision()),
                        answer.getUnitsList().stream().map(Contents::row).toList()));
                if (token.isEmpty()) {
                    return true;
                }
                if (answer.getUnitsCount() > 0) {
                    after = answer.getUnitsList().getLast().getName();
                }
            }
        } catch (StatusRuntimeException e) {
            // An engine that does not answer is what faults are about; what it does answer is checked.
            recorder.add(new Event.ListFailed(
                    recorder.now(),
                    asked,
                    client,
                    engine,
                    false,
                    stale,
                    after,
                    e.getStatus().getCode().name()));
            return false;
        }
        return false;
    }

    static ListUnitsResponse page(Channel channel, boolean stale, int size, String token) {
        var request = ListUnitsRequest.newBuilder()
                .setPage(Page.newBuilder().setSize(size).setToken(token))
                .setRead(ReadOptions.newBuilder().setStale(stale))
                .build();
        return FleetGrpc.newBlockingStub(channel)
                .withDeadlineAfter(CALL_LIMIT_MS, TimeUnit.MILLISECONDS)
                .listUnits(request);
    }
}
