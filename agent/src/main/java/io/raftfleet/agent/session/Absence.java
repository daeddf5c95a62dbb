package io.raftfleet.agent.session;

import io.raftfleet.agent.loop.Loop;
import java.time.Duration;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Says for people that a machine has no session: once that has lasted a while, and from then on once a minute. Owned by the machine's
 * loop.
 */
final class Absence {
    /** A change of leaders takes less. */
    static final Duration FIRST = Duration.ofSeconds(10);

    static final Duration AGAIN = Duration.ofMinutes(1);

    private final Loop loop;
    private final Lease lease;
    private final Consumer<String> say;
    private Loop.@Nullable Timer timer;
    private long since;
    private String asked = "no engine has been asked yet";

    /** @param say told each line */
    Absence(Loop loop, Lease lease, Consumer<String> say) {
        this.loop = loop;
        this.lease = lease;
        this.say = say;
    }

    /** There is no session from now on. */
    void begins() {
        since = loop.nanoTime();
        cancel();
        timer = loop.schedule(FIRST, this::report);
    }

    /** There is a session, or there is to be none. */
    void ends() {
        cancel();
    }

    /** All engines were asked who leads, and these answered. */
    void heard(List<LeaderFinder.Answer> answers, List<String> engines) {
        if (answers.isEmpty()) {
            asked = "of " + engines + " none answers";
        } else {
            asked = answers.stream().map(LeaderFinder.Answer::address).sorted().toList() + " of " + engines
                    + " answer, none of them leads or knows who does";
        }
    }

    private void report() {
        long now = loop.nanoTime();
        String held = !lease.everHeld()
                ? ""
                : lease.heldAt(now)
                        ? "; its lease lasts " + seconds(lease.heldUntil() - now) + " s yet"
                        : "; its lease has been over for " + seconds(now - lease.heldUntil())
                                + " s, so that units with Fence=true don't run and all may be started elsewhere";
        say.accept("no session with a leader for " + seconds(now - since) + " s: " + asked + ". Units run on" + held);
        timer = loop.schedule(AGAIN, this::report);
    }

    private void cancel() {
        if (timer != null) {
            timer.cancel();
            timer = null;
        }
    }

    private static long seconds(long nanos) {
        return Duration.ofNanos(nanos).toSeconds();
    }
}
