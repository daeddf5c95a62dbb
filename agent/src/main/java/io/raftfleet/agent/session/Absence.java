package io.raftfleet.agent.session;

import io.raftfleet.agent.loop.Loop;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Says for people that a machine hears no leader, be it that it has no session or that its session is silent: once that has lasted a
 * while, and from then on once a minute. Owned by the machine's loop.
 */
final class Absence {
    /** A change of leaders takes less. */
    static final Duration FIRST = Duration.ofSeconds(10);

    /** Longer than all engines are asked for: with a TTL of 40 s and more a silence is longer than {@link #FIRST} when it is found out. */
    static final Duration ASKED = Duration.ofSeconds(2);

    static final Duration AGAIN = Duration.ofMinutes(1);

    private final Loop loop;
    private final Lease lease;
    private final Consumer<String> say;
    private Loop.@Nullable Timer timer;
    private long since;
    private boolean said;
    private String asked = "no engine has been asked yet";

    /** @param say told each line */
    Absence(Loop loop, Lease lease, Consumer<String> say) {
        this.loop = loop;
        this.lease = lease;
        this.say = say;
    }

    /** No leader has been heard for so long. Nothing changes where that was known. */
    void begins(Duration quiet) {
        if (timer == null) {
            since = loop.nanoTime() - quiet.toNanos();
            timer = loop.schedule(
                    Duration.ofNanos(
                            Math.max(ASKED.toNanos(), FIRST.minus(quiet).toNanos())),
                    this::report);
        }
    }

    /** A leader is heard, or none is listened for any more; how long there was none, if that was said. */
    Optional<Duration> ends() {
        if (timer != null) {
            timer.cancel();
            timer = null;
        }
        boolean lasted = said;
        said = false;
        return lasted ? Optional.of(Duration.ofNanos(loop.nanoTime() - since)) : Optional.empty();
    }

    /** All engines were asked who leads, and these answered. */
    void heard(List<LeaderFinder.Answer> answers, List<String> engines) {
        var named = answers.stream()
                .map(answer -> answer.response().getLeading()
                        ? answer.address()
                        : answer.response().getLeaderGrpc())
                .filter(address -> !address.isEmpty())
                .distinct()
                .sorted()
                .toList();
        if (answers.isEmpty()) {
            asked = "of " + engines + " none answers";
        } else {
            asked = answers.stream().map(LeaderFinder.Answer::address).sorted().toList() + " of " + engines
                    + " answer, "
                    + (named.isEmpty()
                            ? "none of them leads or knows who does"
                            : "and say that " + String.join(", ", named) + " leads, which says nothing here");
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
        said = true;
        say.accept("no word from a leader for " + seconds(now - since) + " s: " + asked + ". Units run on" + held);
        timer = loop.schedule(AGAIN, this::report);
    }

    private static long seconds(long nanos) {
        return Duration.ofNanos(nanos).toSeconds();
    }
}
