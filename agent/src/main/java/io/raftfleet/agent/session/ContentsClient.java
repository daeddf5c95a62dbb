package io.raftfleet.agent.session;

import io.grpc.Channel;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import io.raftfleet.proto.agent.AgentGatewayGrpc;
import io.raftfleet.proto.agent.FetchContentsRequest;
import io.raftfleet.proto.model.UnitContents;
import io.raftfleet.unit.UnitFile;
import io.raftfleet.unit.UnitHash;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/**
 * Fetches contents by hash from one engine, checks each against its hash. A hash that the registry does not have fails
 * alone: the others are asked again without it. Safe for use by any thread.
 */
final class ContentsClient {
    /** Hashes in one call; with files of 256 KiB each the answer stays a stream of bounded messages anyway. */
    private static final int MAX_HASHES = 4096;

    private final Channel channel;
    private final String machineId;
    private final long sessionEpoch;
    private final Duration limit;

    ContentsClient(Channel channel, String machineId, long sessionEpoch, Duration limit) {
        this.channel = channel;
        this.machineId = machineId;
        this.sessionEpoch = sessionEpoch;
        this.limit = limit;
    }

    /** The answers of a machine that has no session: all fail at once. */
    static Map<UnitHash, CompletableFuture<UnitFile>> unavailable(List<UnitHash> hashes) {
        Map<UnitHash, CompletableFuture<UnitFile>> none = new LinkedHashMap<>();
        hashes.forEach(hash -> none.put(
                hash,
                CompletableFuture.failedFuture(failure(
                        hash,
                        Status.UNAVAILABLE.withDescription(
                                "no session with an engine; it is tried again once there is one")))));
        return none;
    }

    /** A future a hash; each ends within the limit of one call for each hash that turned out to be missing, and one. */
    Map<UnitHash, CompletableFuture<UnitFile>> fetch(List<UnitHash> hashes) {
        Map<UnitHash, CompletableFuture<UnitFile>> answers = new LinkedHashMap<>();
        hashes.forEach(hash -> answers.put(hash, new CompletableFuture<>()));
        for (int from = 0; from < hashes.size(); from += MAX_HASHES) {
            call(hashes.subList(from, Math.min(hashes.size(), from + MAX_HASHES)), answers);
        }
        return answers;
    }

    private void call(List<UnitHash> hashes, Map<UnitHash, CompletableFuture<UnitFile>> answers) {
        FetchContentsRequest.Builder request =
                FetchContentsRequest.newBuilder().setMachineId(machineId).setSessionEpoch(sessionEpoch);
        hashes.forEach(hash -> request.addHashes(hash.toByteString()));
        AgentGatewayGrpc.newStub(channel)
                .withDeadlineAfter(limit.toMillis(), TimeUnit.MILLISECONDS)
                .fetchContents(request.build(), new StreamObserver<>() {
                    @Override
                    public void onNext(UnitContents contents) {
                        received(contents, answers);
                    }

                    @Override
                    public void onError(Throwable cause) {
                        failed(hashes, answers, Status.fromThrowable(cause));
                    }

                    @Override
                    public void onCompleted() {
                        failed(hashes, answers, Status.DATA_LOSS.withDescription("the engine left it out"));
                    }
                });
    }

    private static void received(UnitContents contents, Map<UnitHash, CompletableFuture<UnitFile>> answers) {
        UnitHash hash;
        try {
            hash = UnitHash.from(contents.getHash());
        } catch (IllegalArgumentException e) {
            return;
        }
        CompletableFuture<UnitFile> answer = answers.get(hash);
        if (answer == null) {
            return;
        }
        UnitFile file = UnitFile.stored(contents.getText());
        if (file.hash().equals(hash)) {
            answer.complete(file);
        } else {
            answer.completeExceptionally(failure(
                    hash,
                    Status.DATA_LOSS.withDescription(
                            "what came has hash " + file.hash().toHex())));
        }
    }

    private void failed(List<UnitHash> hashes, Map<UnitHash, CompletableFuture<UnitFile>> answers, Status status) {
        List<UnitHash> open = new ArrayList<>();
        UnitHash named = null;
        String description = status.getDescription() == null ? "" : status.getDescription();
        for (UnitHash hash : hashes) {
            CompletableFuture<UnitFile> answer = answers.get(hash);
            if (answer != null && !answer.isDone()) {
                open.add(hash);
                if (status.getCode() == Status.Code.NOT_FOUND && description.contains(hash.toHex())) {
                    named = hash;
                }
            }
        }
        if (named != null) {
            CompletableFuture<UnitFile> answer = answers.get(named);
            open.remove(named);
            if (answer != null) {
                answer.completeExceptionally(failure(named, status));
            }
            if (!open.isEmpty()) {
                call(open, answers);
            }
            return;
        }
        for (UnitHash hash : open) {
            CompletableFuture<UnitFile> answer = answers.get(hash);
            if (answer != null) {
                answer.completeExceptionally(failure(hash, status));
            }
        }
    }

    private static RuntimeException failure(UnitHash hash, Status status) {
        return status.withDescription("contents " + hash.toHex() + " could not be fetched: " + status.getCode()
                        + (status.getDescription() == null ? "" : ", " + status.getDescription()))
                .asRuntimeException();
    }
}
