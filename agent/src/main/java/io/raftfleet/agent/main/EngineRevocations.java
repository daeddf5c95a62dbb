package io.raftfleet.agent.main;

import io.grpc.StatusRuntimeException;
import io.raftfleet.agent.session.EngineChannels;
import io.raftfleet.identity.Identity;
import io.raftfleet.identity.SpiffeId;
import io.raftfleet.identity.ca.PrivateFile;
import io.raftfleet.identity.tls.TlsIdentity;
import io.raftfleet.proto.agent.AgentGatewayGrpc;
import io.raftfleet.proto.agent.RevokedEngine;
import io.raftfleet.proto.agent.RevokedEnginesRequest;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Which engines' certificates the cluster has revoked, so that whoever stole one can't pass for an engine to this machine. Asked of the
 * engines about once a minute, and kept on the disk: nothing that was once known is forgotten, whatever an engine says later, as one may
 * lag or be an impostor.
 *
 * <p>Safe for threads: an immutable map, replaced by the thread that calls {@link #look}.
 */
final class EngineRevocations implements TlsIdentity.Objection {
    /** How often engines are asked; between half of it and half as much again. */
    static final Duration EVERY = Duration.ofMinutes(1);

    private static final Logger log = LoggerFactory.getLogger(EngineRevocations.class);
    private static final int CALL_SECONDS = 10;

    private final Path file;
    private volatile Map<String, Long> beforeMs;

    /** Who knows. */
    @FunctionalInterface
    interface Source {
        /** @throws StatusRuntimeException when it can't be asked, or can't say, as engines of older versions */
        List<RevokedEngine> list();
    }

    /**
     * With what was known before.
     *
     * @throws IOException when that can't be read, saying what to do
     */
    EngineRevocations(Path file) throws IOException {
        this.file = file;
        this.beforeMs = read(file);
    }

    private static Map<String, Long> read(Path file) throws IOException {
        if (!Files.exists(file)) {
            return Map.of();
        }
        try {
            return Files.readAllLines(file, StandardCharsets.US_ASCII).stream()
                    .map(line -> line.split(" ", 2))
                    .collect(Collectors.toUnmodifiableMap(words -> words[0], words -> Long.parseLong(words[1])));
        } catch (IllegalStateException | IllegalArgumentException | ArrayIndexOutOfBoundsException e) {
            throw new IOException(
                    file + ", which names engines whose certificates are revoked, can't be read (" + e.getMessage()
                            + "): mend it, or remove it, and have the engines say it again",
                    e);
        }
    }

    /** Looks from now on, on a thread of its own. */
    void start(EngineChannels engines, RandomGenerator random) {
        Thread.ofPlatform().daemon().name("revocations").start(() -> {
            try {
                while (true) {
                    engines.configured().forEach(engine -> look(() -> ask(engines, engine)));
                    Thread.sleep(Duration.ofMillis((long) (EVERY.toMillis() * (0.5 + random.nextDouble()))));
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
    }

    private static List<RevokedEngine> ask(EngineChannels engines, String engine) {
        return AgentGatewayGrpc.newBlockingStub(engines.to(engine))
                .withDeadlineAfter(CALL_SECONDS, TimeUnit.SECONDS)
                .revokedEngines(RevokedEnginesRequest.getDefaultInstance())
                .getRevokedList();
    }

    /** Adds what one says. */
    void look(Source source) {
        List<RevokedEngine> said;
        try {
            said = source.list();
        } catch (StatusRuntimeException e) {
            log.debug("an engine does not say whose certificates are revoked", e);
            return;
        }
        Map<String, Long> all = new TreeMap<>(beforeMs);
        said.forEach(engine -> all.merge(engine.getEngineId(), engine.getBeforeMs(), Math::max));
        if (!all.equals(beforeMs)) {
            beforeMs = Map.copyOf(all);
            log.warn(
                    "certificates of engines are revoked, and not taken any more: {}", String.join(", ", all.keySet()));
            keep(all);
        }
    }

    private void keep(Map<String, Long> all) {
        try {
            PrivateFile.replace(
                    file,
                    all.entrySet().stream()
                            .map(engine -> engine.getKey() + " " + engine.getValue() + "\n")
                            .collect(Collectors.joining()));
        } catch (IOException e) {
            log.error(
                    "{} can't be written ({}): after a restart this agent has to be told again", file, e.getMessage());
        }
    }

    @Override
    public @Nullable String to(Identity peer, Instant began) {
        Long before = peer.id().kind() == SpiffeId.Kind.ENGINE
                ? beforeMs.get(peer.id().name())
                : null;
        return before == null || began.toEpochMilli() >= before
                ? null
                : "it was revoked at " + Instant.ofEpochMilli(before)
                        + ": an engine of that name joins again with a new token";
    }
}
