package io.raftfleet.state.raft;

import java.io.IOException;
import java.nio.file.Path;
import java.util.function.Function;
import java.util.function.LongConsumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes Ratis servers on this engine's files, each with a state machine of its own that goes on from the last one's registry. Owned by
 * the host's thread that opens.
 */
final class ServerOpener implements RatisHost.Opener {
    private static final Logger LOG = LoggerFactory.getLogger(ServerOpener.class);

    /** What one server's state machine tells. */
    abstract static class Events implements RegistryStateMachine.Events {
        private volatile boolean live;

        /** Whether the server takes part: what ends it then ends the engine. Not while it is made, nor when it is closed to be opened anew. */
        final boolean isLive() {
            return live;
        }
    }

    private final Home home;
    private final Function<Events, RegistryStateMachine> machines;
    private final Supplier<Events> newEvents;
    private final Onlookers onlookers;
    private final Checkpoints checkpoints;
    private final LongConsumer left;
    private @Nullable RegistryStateMachine machine;
    private @Nullable Events events;
    /** The server that was left last, of those that knew their vote: see {@link StoredVote}. */
    private @Nullable RatisServer closed;

    /** @param left told the term in which a server leaves its group to be opened anew */
    ServerOpener(
            Home home,
            Function<Events, RegistryStateMachine> machines,
            Supplier<Events> newEvents,
            Onlookers onlookers,
            Checkpoints checkpoints,
            LongConsumer left) {
        this.home = home;
        this.machines = machines;
        this.newEvents = newEvents;
        this.onlookers = onlookers;
        this.checkpoints = checkpoints;
        this.left = left;
    }

    @Override
    public RatisServer create() throws IOException {
        var directory = home.directory();
        Leftovers.clean(directory);
        for (Path stranger : directory.strangers()) {
            LOG.warn(
                    "Directory {} is no part of this cluster and is left alone: look where it came from, and remove it",
                    stranger);
        }
        var log = directory.group().resolve("current");
        RatisServer last = closed;
        if (last != null) {
            last.mendVote();
        } else if (StoredVote.isLostIn(log)) {
            throw new StartRefusedException("Engine '" + home.config().engineId() + "' does not know how it voted: "
                    + log.resolve("raft-meta")
                    + " is no whole file, as when the process was killed while its disk was full."
                    + " It must not vote under this id again: replace it like an engine whose disk was lost, by 'fleetctl"
                    + " cluster replace'.");
        }
        RegistryStateMachine before = machine;
        if (before != null) {
            LogCheck.rewriteOpen(log);
        }
        LogCheck.check(log);
        LogCheck.sync(log);
        Events own = newEvents.get();
        RegistryStateMachine next = machines.apply(own);
        if (before != null) {
            next.resume(before);
        }
        RatisServer server = RatisServer.create(home, next, onlookers);
        machine = next;
        events = own;
        return server;
    }

    @Override
    public void start(RatisServer server) throws IOException {
        var directory = home.directory();
        onlookers.attach(server);
        checkpoints.onPurge(index -> purge(server, index));
        if (!directory.formed() && directory.joined()) {
            try {
                Introduction.introduce(home.config(), server);
            } catch (StartRefusedException e) {
                directory.vacate(); // it is to begin again in this directory, under another id
                throw e;
            }
        }
        if (!directory.formed() && directory.restores()) {
            Introduction.requireLost(home.config(), server);
        }
        live(true);
        server.start(directory);
    }

    @Override
    public void leaving(RatisServer server) {
        live(false);
        onlookers.detach();
        checkpoints.onPurge(index -> {});
        closed = server.knowsItsVote() ? server : closed;
        left.accept(server.info().getCurrentTerm());
    }

    private void live(boolean now) {
        Events own = events;
        if (own != null) {
            own.live = now;
        }
    }

    private static void purge(RatisServer server, long index) {
        Futures.onEnd(server.division().getRaftLog().purge(index), (purged, failure) -> {
            if (failure != null) {
                LOG.warn("The log up to index {} could not be purged; the next checkpoint tries again", index, failure);
            }
        });
    }
}
