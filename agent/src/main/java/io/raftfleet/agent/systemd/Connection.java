package io.raftfleet.agent.systemd;

import io.raftfleet.agent.manager.BootIds;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Connects to a systemd, again and again with growing pauses, and says what is known by the connection that there is. Owned by the
 * {@link ManagerThread}, but for what is told to others: the boot, and its end.
 */
final class Connection {
    private static final Logger LOG = LoggerFactory.getLogger(Connection.class);

    /** After so many failed attempts, some seconds, the log says it again. */
    private static final int REMINDER = 8;

    private final SystemdConfig config;
    private final ManagerThread thread;
    private final Host host;
    private volatile boolean closed;
    private volatile String bootId;

    private @Nullable BusSession session;
    /** Completes when it is known what has become of the last attempt. */
    private CompletableFuture<Void> attempted = new CompletableFuture<>();
    /** Completes when the boot id is the one of the last connection; fails when that is lost before. */
    private CompletableFuture<Void> bootKnown = new CompletableFuture<>();
    /** Completes when it is known which files of the host systemd takes, on a connection that has not been lost since. */
    private CompletableFuture<Void> hostKnown = new CompletableFuture<>();

    private int attempts;
    private String fault = "not connected yet";

    /** What is done by each connection, on the thread. */
    interface Host {
        /**
         * Begins to use a connection.
         *
         * @throws IOException when what units are made of can't be read: another connection is tried
         */
        BusSession session(BusLink.Opened link) throws IOException;

        /** From where this systemd takes files of units. */
        void searchPathIs(List<String> path);

        /** Catches up with what happened without a connection. */
        CompletableFuture<Void> prepare(BusSession opened);

        /** All is known: orders may go on. */
        void ready(BusSession opened);

        /** There is none any more, and another is tried. */
        void lost(String reason);
    }

    /** @param kernelBoot of the kernel, as long as the systemd has not said when it began */
    Connection(SystemdConfig config, String kernelBoot, ManagerThread thread, Host host) {
        this.config = config;
        this.bootId = kernelBoot;
        this.thread = thread;
        this.host = host;
    }

    /** Null when there is none. */
    @Nullable
    BusSession session() {
        return session;
    }

    CompletableFuture<Void> attempted() {
        return attempted;
    }

    CompletableFuture<Void> bootKnown() {
        return bootKnown;
    }

    CompletableFuture<Void> hostKnown() {
        return hostKnown;
    }

    boolean knowsHost() {
        return hostKnown.isDone();
    }

    /** Why there was no connection when there was none last. */
    String fault() {
        return fault;
    }

    /** Of the life of systemd that the last connection was to. To be called by any thread. */
    String bootId() {
        return bootId;
    }

    /** Tries to connect. Orders go on meanwhile: files are written, and the lease too, while systemd does not take the connection. New units' files wait. */
    void open() {
        if (closed) {
            return;
        }
        CompletableFuture<BusLink.Opened> opening =
                BusLink.open(config.address(), config.timing().call());
        var unused = opening.thenAccept(late -> {
            if (closed) {
                late.close();
            }
        });
        var outcome = new CompletableFuture<Void>();
        attempted = outcome;
        Futures.handle(
                opening,
                thread.executor(),
                opened -> {
                    connected(opened);
                    outcome.complete(null);
                },
                failed -> {
                    retry(String.valueOf(failed.getMessage()));
                    outcome.complete(null);
                });
    }

    private void connected(BusLink.Opened link) {
        if (closed) {
            link.close();
            return;
        }
        BusSession opened;
        String kernelBoot;
        try {
            kernelBoot = config.readBootId();
            opened = host.session(link);
        } catch (IOException failed) {
            link.close();
            retry(String.valueOf(failed.getMessage()));
            return;
        } catch (RuntimeException defect) {
            LOG.error("connecting to systemd at {} failed; please report this", config.address(), defect);
            link.close();
            retry(String.valueOf(defect));
            return;
        }
        session = opened;
        bootKnown = opened.systemd()
                .subscribe()
                .thenCompose(subscribed -> opened.systemd().startedAt())
                .thenAcceptAsync(start -> bootId = BootIds.of(kernelBoot, start), thread.executor());
        CompletableFuture<Void> prepared = bootKnown
                .thenCompose(known -> opened.systemd().searchPath())
                .thenAcceptAsync(
                        path -> {
                            host.searchPathIs(path);
                            if (opened == session) {
                                hostKnown.complete(null);
                            }
                        },
                        thread.executor())
                .thenCompose(looked -> host.prepare(opened));
        Futures.handle(
                prepared,
                thread.executor(),
                listed -> {
                    if (opened == session) {
                        attempts = 0;
                        host.ready(opened);
                    }
                },
                failure -> opened.giveUp("systemd could not be asked for its units: " + failure.getMessage()));
    }

    /** A session says that its connection is lost. */
    void lost(BusSession lost, String reason) {
        if (lost == session) {
            session = null;
            if (hostKnown.isDone()) {
                hostKnown = new CompletableFuture<>();
            }
            host.lost(reason);
            retry(reason);
        }
    }

    private void retry(String reason) {
        if (closed) {
            return;
        }
        if (attempts == 0 || attempts == REMINDER) {
            LOG.warn(
                    "no connection to systemd at {}: {}; units run on, and it is tried again and again",
                    config.address(),
                    reason);
        }
        fault = "no connection to systemd: " + reason;
        Duration longest = config.timing().retryMax();
        long pause = Math.min(longest.toMillis(), config.timing().retryMin().toMillis() << Math.min(attempts, 16));
        attempts++;
        long jittered = pause / 2 + ThreadLocalRandom.current().nextLong(pause / 2 + 1);
        thread.later(this::open, Duration.ofMillis(jittered));
    }

    /** No other is tried from now on. To be called by any thread. */
    void end() {
        closed = true;
    }

    /** Ends the one that there is, and what waits for one. */
    void close() {
        if (session != null) {
            session.close();
        }
        attempted.complete(null);
        hostKnown.complete(null);
    }
}
