package io.raftfleet.agent.manager;

import io.raftfleet.unit.UnitFile;
import io.raftfleet.unit.UnitHash;
import java.util.Collection;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;

/**
 * Runs units on one machine. It does what it is told and says what it sees; which unit should be how is the reconciler's
 * business.
 *
 * <p>One thread, the reconciler's, gives orders. Orders return at once; their futures complete, exceptionally with a
 * {@link UnitManagerException} that says why, at the latest after the manager's own deadline; stops as long as systemd stops.
 * Listeners are called on a thread of the manager and must not block.
 */
public interface UnitManager extends AutoCloseable {
    /**
     * Units that earlier orders left on this machine, also those of an agent process before this one: by name, the file
     * that is in place. Read at the agent's start.
     */
    Map<String, UnitFile> installed();

    /**
     * Puts unit files in place, all together: writes the files, links them into the search path, enables what has an
     * {@code [Install]} section, and has systemd read its files again only if one that it had loaded changed or went away.
     * Does not start or stop anything. Units whose file is in place already are left alone.
     *
     * @param toStart those of the units that are going to be started next: their states are told once that has begun, or some seconds
     *     later if it has not
     */
    CompletableFuture<Void> install(Map<String, UnitFile> files, Set<String> toStart);

    /**
     * The same for units of which some, {@code ours}, were started by an earlier order, and may run although their files are gone: they are
     * not taken for units of the host's.
     */
    default CompletableFuture<Void> install(Map<String, UnitFile> files, Set<String> toStart, Set<String> ours) {
        return install(files, toStart);
    }

    /** The same when none of them is going to be started next. */
    default CompletableFuture<Void> install(Map<String, UnitFile> files) {
        return install(files, Set.of());
    }

    /** Starts a unit; completes when systemd has accepted the job, not when the unit is up. Starting an active unit is fine. */
    CompletableFuture<Void> start(String name);

    /**
     * Stops a unit; completes when it is stopped (inactive or failed). That takes as long as the unit's own stop times allow, which may
     * be for ever: systemd ends a stop that takes longer.
     */
    CompletableFuture<Void> stop(String name);

    /**
     * Takes unit files away, all together; the opposite of {@link #install}. The caller has stopped the units. Clears
     * failed states. Units that are not installed are ignored.
     */
    CompletableFuture<Void> uninstall(Collection<String> names);

    /**
     * Until when the machine's lease is held, on the clock of its loop: fenced units run that long and no longer, whatever
     * becomes of the agent. A start that comes to a fenced unit without a lease starts nothing. Returns at once.
     */
    void renewLease(long untilNanos);

    /**
     * Units that ran when a lease was over, or were to start then, and were stopped or not started for that reason alone; not
     * those that were started since, or had ended by themselves.
     */
    CompletableFuture<Set<String>> stoppedByFence();

    /** All states of installed units, read now. */
    CompletableFuture<Map<String, ObservedState>> states();

    /**
     * From now on tells {@code listener} of each state that changed, and of a fresh full list after a break (a lost bus
     * connection, a restarted systemd). At most one listener.
     */
    void subscribe(Listener listener);

    /** Completes once the thread that does all this has come to it, whether or not systemd answers: then it does not stand still. */
    CompletableFuture<Void> answers();

    /**
     * The machine's boot id and, once it is known, when the unit manager itself began: see {@link BootIds}. Another one means that nothing
     * started before is running. Known with the first states; a later one before the full list that follows it.
     */
    String bootId();

    /** Lets go of connections and threads. Units keep running. */
    @Override
    void close();

    /**
     * What systemd says of a unit.
     *
     * @param loadState systemd's LoadState, such as "loaded"
     * @param activeState systemd's ActiveState, such as "active"
     * @param subState systemd's SubState, such as "running"
     * @param mainPid main process, 0 when there is none
     * @param hash of the file in place
     * @param error why the unit is not up, or not what its file says, in words that don't name it; empty when nothing is wrong
     * @param restarts how often systemd has started it again by itself since it was ordered to; 0 also when that is not known
     */
    record ObservedState(
            String loadState,
            String activeState,
            String subState,
            int mainPid,
            UnitHash hash,
            String error,
            int restarts) {
        /** Of a unit that systemd has not started again by itself. */
        public ObservedState(
                String loadState, String activeState, String subState, int mainPid, UnitHash hash, String error) {
            this(loadState, activeState, subState, mainPid, hash, error, 0);
        }

        /** Of a unit with which nothing is wrong. */
        public ObservedState(String loadState, String activeState, String subState, int mainPid, UnitHash hash) {
            this(loadState, activeState, subState, mainPid, hash, "");
        }
    }

    /** Hears of states. */
    interface Listener {
        /** A unit's state is now this. */
        void changed(String name, ObservedState state);

        /**
         * The job of a start that was accepted is over, whatever came of it: the states told before this are of after it. Not told
         * of jobs that were under way when there was a break.
         */
        void startEnded(String name);

        /** After a break: all states there are; installed units that are not in it have none. */
        void relisted(Map<String, ObservedState> all);
    }
}
