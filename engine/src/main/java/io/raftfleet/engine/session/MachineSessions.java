package io.raftfleet.engine.session;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;

/**
 * How each machine stands with this engine while it leads: which session its agent has, and when it was heard last. Soft state
 * of the leader alone, and the only place that holds any of it. {@link State} says in which states a machine can be,
 * {@link State#on} what takes it from one to another; this class decides which events there are.
 *
 * <p>What is known of presence and epochs comes from the registry, as it applies records. A new leader gives every present
 * machine one full TTL, so that a leader change never makes a machine look dead. A machine counts as given up only from when
 * its loss is in the queue of decisions; one that finds the queue full is tried again until it is in there or the machine is
 * heard. Each present machine has an alarm at all times, so that none is forgotten. Costs O(log machines) a heartbeat at most
 * and nothing for machines that are heard.
 *
 * <p>Guarded by its own monitor; a machine's session is read without it. Within the monitor it reads the registry and queues
 * decisions, so that nobody may call it who reads the registry at that moment. It calls no session: those that are over are
 * handed back to whoever caused that. Times are of a monotonic clock, in nanoseconds.
 *
 * @param <S> a session; told apart by identity
 */
@SuppressWarnings("ReferenceEquality") // Sessions and alarms are told apart by identity.
final class MachineSessions<S> {
    /** A restored registry's machines, which never had a session in its life, have so many TTLs to open one. */
    private static final int GRACE = 10;

    /** A loss that the queue did not take is offered again after this long. */
    private static final long RETRY_NANOS = Duration.ofMillis(250).toNanos();

    /** How a machine stands. */
    enum State {
        /** The registry has it as lost, or not at all; it has no session. Machines in this state are not remembered. */
        ABSENT(false, false),
        /** As before, but an agent has said hello and its session is being opened. */
        JOINING(false, true),
        /** Present, and without a session: not heard in this term yet, or its session broke. */
        EXPECTED(true, false),
        /** Present, and a session is being opened. */
        RETURNING(true, true),
        /** Present and in session. */
        OPEN(true, true),
        /** Silent for too long: its loss is in the queue, and its session is over. */
        LOSING(true, false),
        /** As before, but a session is being opened: which of the two is committed last counts. */
        LOSING_RETURNING(true, true);

        private final boolean present;
        private final boolean attended;

        State(boolean present, boolean attended) {
            this.present = present;
            this.attended = attended;
        }

        /** The state after an event; the same where the event means nothing. */
        State on(Event event) {
            return switch (event) {
                case CLAIMED ->
                    switch (this) {
                        case ABSENT, JOINING -> JOINING;
                        case EXPECTED, RETURNING, OPEN -> RETURNING;
                        case LOSING, LOSING_RETURNING -> LOSING_RETURNING;
                    };
                case PRESENT ->
                    switch (this) {
                        case ABSENT, EXPECTED, OPEN, LOSING -> EXPECTED;
                        case JOINING, RETURNING, LOSING_RETURNING -> RETURNING;
                    };
                case OPENED ->
                    switch (this) {
                        case RETURNING -> OPEN;
                        case ABSENT, JOINING, EXPECTED, OPEN, LOSING, LOSING_RETURNING -> this;
                    };
                case ENDED ->
                    switch (this) {
                        case JOINING -> ABSENT;
                        case RETURNING, OPEN -> EXPECTED;
                        case LOSING_RETURNING -> LOSING;
                        case ABSENT, EXPECTED, LOSING -> this;
                    };
                case LOSS_QUEUED ->
                    switch (this) {
                        case EXPECTED, OPEN, LOSING -> LOSING;
                        case RETURNING, LOSING_RETURNING -> LOSING_RETURNING;
                        case ABSENT, JOINING -> this;
                    };
                case LOST ->
                    switch (this) {
                        case ABSENT, EXPECTED, OPEN, LOSING -> ABSENT;
                        case JOINING, RETURNING, LOSING_RETURNING -> JOINING;
                    };
            };
        }
    }

    /** What happens to a machine. */
    enum Event {
        /** An agent has said hello, and may have the machine: its session takes the place of any other. */
        CLAIMED,
        /** The registry has it as present, with an epoch that no session of this engine is known to have. */
        PRESENT,
        /** Its session has the epoch that the registry has. */
        OPENED,
        /** Its session has ended. */
        ENDED,
        /** The queue has taken its loss. */
        LOSS_QUEUED,
        /** The registry has it as lost. */
        LOST
    }

    /**
     * Who speaks for a machine.
     *
     * @param instance the agent's process
     */
    record Agent(long instance, String address) {}

    /**
     * A machine as the registry has it.
     *
     * @param epoch of its latest session; 0 for none in this life of the registry
     * @param agent of that session
     */
    record Present(long epoch, Agent agent) {}

    /** What a hello came to. */
    sealed interface Claim<S> {
        /** This engine does not lead. */
        record NotLeading<S>() implements Claim<S> {}

        /** Another live agent has the machine's id. */
        record Held<S>(String address) implements Claim<S> {}

        /**
         * The session is the machine's.
         *
         * @param epoch once the session is open
         * @param displaced the session that is over for it
         */
        record Granted<S>(
                CompletableFuture<Long> epoch, @Nullable S displaced) implements Claim<S> {}
    }

    /**
     * A machine that was not heard for its TTL, and what it needs after it.
     *
     * @param epoch of the session in which it was to be heard
     * @param everHeard whether this leader had heard it at all
     * @param heardAt when, or from when on its time counts
     */
    record Silent(String machineId, long epoch, boolean everHeard, long heardAt) {}

    /** Takes losses to be decided. */
    @FunctionalInterface
    interface Losses {
        /** Whether it took this one. */
        boolean offer(String machineId, long epoch);
    }

    /**
     * What an attempt to give a machine up came to.
     *
     * @param queued whether its loss will be decided; otherwise it is found silent again, unless it is heard
     * @param over the session that it had
     */
    record Loss<S>(boolean queued, @Nullable S over) {}

    private record Alarm<S>(Machine<S> machine, long at) {}

    private static final class Machine<S> {
        final String id;
        State state = State.ABSENT;
        /** Of its latest session in the registry. */
        long epoch;
        /** Of that session; null while it is not present. */
        @Nullable
        Agent agent;

        /** Present in the states that are attended, and only there. */
        @Nullable
        S session;
        /** Of {@link #session}. */
        @Nullable
        Agent claimant;

        long heardAt;
        /** In this term at least once; otherwise {@link #heardAt} is from when on its time counts. */
        boolean everHeard;
        /** Others of this machine's in the queue mean nothing. */
        @Nullable
        Alarm<S> alarm;

        Machine(String id) {
            this.id = id;
        }
    }

    private final long ttlNanos;

    @GuardedBy("this")
    private final Map<String, Machine<S>> machines = new HashMap<>();

    /** Each machine's session, for those who may not wait: changed within the monitor with {@link #machines}, read without it. */
    private final ConcurrentMap<String, S> sessions = new ConcurrentHashMap<>();

    @GuardedBy("this")
    private final PriorityQueue<Alarm<S>> alarms = new PriorityQueue<>((a, b) -> Long.compare(a.at() - b.at(), 0));

    /** 0 while this engine does not lead. Changed within the monitor, read without it. */
    private final AtomicLong term = new AtomicLong();

    @GuardedBy("this")
    private long graceEnds;

    MachineSessions(Duration ttl) {
        ttlNanos = ttl.toNanos();
    }

    // --- Terms -----------------------------------------------------------------------------------------------------

    /**
     * A term begins: every present machine has until {@code now} plus TTL; one that had no session yet in this life of the
     * registry, because that was restored, has {@link #GRACE} times as long.
     */
    synchronized void begin(long newTerm, Map<String, Present> present, long now) {
        clear();
        for (var known : present.entrySet()) {
            var machine = new Machine<S>(known.getKey());
            machines.put(known.getKey(), machine);
            expect(machine, known.getValue(), known.getValue().epoch() == 0 ? now + (GRACE - 1) * ttlNanos : now);
        }
        term.set(newTerm);
        graceEnds = now + GRACE * ttlNanos;
    }

    /** How long machines of a restored registry have, from when a leader begins, to connect and to tell what they run. */
    Duration grace() {
        return Duration.ofNanos(GRACE * ttlNanos);
    }

    /** Whether that is over; said once a TTL. */
    synchronized boolean graceOver(long now) {
        if (term.get() == 0 || now - graceEnds < 0) {
            return false;
        }
        graceEnds = now + ttlNanos;
        return true;
    }

    /** The term is over; returns the sessions that end with it. */
    synchronized List<S> end() {
        term.set(0);
        var over = List.copyOf(sessions.values());
        clear();
        return over;
    }

    /** The term in which this engine takes sessions; 0 for none. */
    long term() {
        return term.get();
    }

    // --- Sessions --------------------------------------------------------------------------------------------------

    /**
     * An agent has said hello.
     *
     * @param open has the session opened; called when it is granted, so that sessions are opened in the order in which they
     *     were claimed
     */
    synchronized Claim<S> claim(String id, Agent agent, S session, Supplier<CompletableFuture<Long>> open) {
        if (term.get() == 0) {
            return new Claim.NotLeading<>();
        }
        var known = machines.get(id);
        if (known != null) {
            var holder = holder(known, agent);
            if (holder != null) {
                return new Claim.Held<>(holder);
            }
        }
        var machine = machines.computeIfAbsent(id, Machine::new);
        S displaced = machine.session;
        machine.session = session;
        machine.claimant = agent;
        sessions.put(id, session);
        var none = move(machine, Event.CLAIMED);
        if (none != null) {
            throw new IllegalStateException("a claim that ended its own session");
        }
        return new Claim.Granted<>(open.get(), displaced);
    }

    /** The address of the live agent that keeps this one from having the machine; null when there is none. */
    private static <S> @Nullable String holder(Machine<S> machine, Agent agent) {
        var claimant = machine.claimant;
        if (claimant != null) {
            return claimant.instance() == agent.instance() ? null : claimant.address();
        }
        var present = machine.agent;
        if (present == null || machine.epoch == 0 || present.instance() == agent.instance()) {
            return null;
        }
        // Present at another address, though not connected here: it counts as alive until it is lost.
        return present.address().equals(agent.address()) ? null : present.address();
    }

    /** A session has been given its epoch; false when it is over all the same: another took its place, or it counts as lost. */
    synchronized boolean opened(String id, S session, long epoch) {
        var machine = machines.get(id);
        if (machine == null || machine.session != session || machine.epoch != epoch) {
            return false;
        }
        move(machine, Event.OPENED);
        return machine.state == State.OPEN;
    }

    synchronized void ended(String id, S session) {
        var machine = machines.get(id);
        if (machine != null && machine.session == session) {
            move(machine, Event.ENDED);
        }
    }

    /**
     * A machine has been heard in a session. False when that is not open: its machine may have been given up, and its units be
     * starting elsewhere.
     */
    synchronized boolean heard(String id, S session, long now) {
        var machine = machines.get(id);
        if (machine == null || machine.state != State.OPEN || machine.session != session) {
            return false;
        }
        machine.heardAt = now;
        machine.everHeard = true;
        return true;
    }

    /**
     * Has what an agent said in its session queued to be decided; null when that session is over. Whatever is queued by this comes before
     * the machine's loss and before its next session in the lane of the agents, and so in the log. That alone tells sessions with the same
     * epoch apart, as there are when a machine was forgotten in between.
     */
    synchronized <T> @Nullable T inSession(String id, S session, Supplier<T> queue) {
        var machine = machines.get(id);
        return machine == null || machine.state != State.OPEN || machine.session != session ? null : queue.get();
    }

    /** The machine's session, if it is open. */
    synchronized @Nullable S open(String id) {
        var machine = machines.get(id);
        return machine != null && machine.state == State.OPEN ? machine.session : null;
    }

    /** The machine's session, open or being opened. Takes no lock. */
    @Nullable
    S session(String id) {
        return sessions.get(id);
    }

    /** All sessions, open or being opened. Takes no lock. */
    Collection<S> sessions() {
        return sessions.values();
    }

    // --- What the registry says ------------------------------------------------------------------------------------

    /** The registry has given a machine another epoch; returns the session that is over by that. */
    synchronized @Nullable S present(String id, Present present, long now) {
        if (term.get() == 0) {
            return null;
        }
        var machine = machines.computeIfAbsent(id, Machine::new);
        var over = expect(machine, present, now);
        machine.everHeard = true;
        return over;
    }

    /** The registry has a machine as lost; returns the session that is over by that. */
    synchronized @Nullable S lost(String id) {
        var machine = machines.get(id);
        return machine == null ? null : move(machine, Event.LOST);
    }

    // --- Silence ---------------------------------------------------------------------------------------------------

    /**
     * Machines whose TTL is over, and what they need after it. Whoever asks gives them up, or a respite; with neither they are
     * found again.
     *
     * @param extraNanos how much longer than its TTL to wait for a machine; asked only when the TTL is over
     */
    synchronized List<Silent> silent(long now, int limit, ToLongFunction<String> extraNanos) {
        var silent = new ArrayList<Silent>();
        for (var head = alarms.peek();
                head != null && head.at() - now <= 0 && silent.size() < limit;
                head = alarms.peek()) {
            alarms.remove();
            var machine = head.machine();
            if (machine.alarm != head) {
                continue;
            }
            long end = machine.heardAt + ttlNanos;
            if (end - now <= 0) {
                end += extraNanos.applyAsLong(machine.id);
            }
            if (end - now > 0) {
                alarm(machine, end);
            } else {
                alarm(machine, now + RETRY_NANOS);
                silent.add(new Silent(machine.id, machine.epoch, machine.everHeard, machine.heardAt));
            }
        }
        return silent;
    }

    /** Present machines that this leader has heard, and not after {@code until}. Looks at every machine. */
    synchronized List<Silent> unheardSince(long until) {
        var unheard = new ArrayList<Silent>();
        for (var machine : machines.values()) {
            if (machine.state.present && machine.everHeard && machine.heardAt - until <= 0) {
                unheard.add(new Silent(machine.id, machine.epoch, true, machine.heardAt));
            }
        }
        return unheard;
    }

    /** Has a machine that was found silent declared lost, unless it was heard meanwhile. */
    synchronized Loss<S> lose(Silent silent, long now, Losses losses) {
        var machine = machines.get(silent.machineId());
        if (machine == null
                || !machine.state.present
                || machine.epoch != silent.epoch()
                || machine.heardAt != silent.heardAt()
                || !losses.offer(machine.id, machine.epoch)) {
            return new Loss<>(false, null);
        }
        // Should nothing come of it, it is offered again.
        alarm(machine, now + ttlNanos);
        return new Loss<>(true, move(machine, Event.LOSS_QUEUED));
    }

    /** Gives machines that were found silent another TTL, unless they were heard meanwhile. */
    synchronized void respite(Collection<Silent> silent, long now) {
        for (var each : silent) {
            var machine = machines.get(each.machineId());
            if (machine != null && machine.epoch == each.epoch() && machine.heardAt == each.heardAt()) {
                machine.heardAt = now;
                machine.everHeard = false;
            }
        }
    }

    /** How many are in session, or on their way into one. */
    int attended() {
        return sessions.size();
    }

    /** How many machines are present, or on their way. */
    synchronized int size() {
        return machines.size();
    }

    @GuardedBy("this")
    private void clear() {
        machines.clear();
        sessions.clear();
        alarms.clear();
    }

    @GuardedBy("this")
    private @Nullable S expect(Machine<S> machine, Present present, long from) {
        machine.epoch = present.epoch();
        machine.agent = present.agent();
        machine.heardAt = from;
        long end = from + ttlNanos;
        var alarm = machine.alarm;
        if (alarm == null || alarm.at() - end > 0) {
            alarm(machine, end);
        }
        return move(machine, Event.PRESENT);
    }

    @GuardedBy("this")
    private void alarm(Machine<S> machine, long at) {
        var alarm = new Alarm<>(machine, at);
        machine.alarm = alarm;
        alarms.add(alarm);
    }

    /** Returns the session that is over by the event. */
    @GuardedBy("this")
    private @Nullable S move(Machine<S> machine, Event event) {
        machine.state = machine.state.on(event);
        S over = null;
        if (!machine.state.attended) {
            over = machine.session;
            machine.session = null;
            machine.claimant = null;
            sessions.remove(machine.id);
        }
        if (!machine.state.present) {
            machine.agent = null;
            machine.alarm = null;
        }
        if (machine.state == State.ABSENT) {
            machines.remove(machine.id);
        }
        return over;
    }
}
