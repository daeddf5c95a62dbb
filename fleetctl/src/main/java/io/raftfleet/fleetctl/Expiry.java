package io.raftfleet.fleetctl;

import io.raftfleet.identity.Identity;
import io.raftfleet.identity.SpiffeId;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import org.jspecify.annotations.Nullable;

/** When the certificate that a command shows ends: a person's is renewed by nobody. */
final class Expiry {
    /** That much of its life is left when it is first warned of, as engines and agents do in their logs: one in so many. */
    private static final int LAST = 5;

    private Expiry() {}

    /** What to tell whoever this is; null when there is time. */
    static @Nullable String warning(Identity self, Instant now) {
        Duration life = Duration.between(self.began(), self.expires());
        if (now.isBefore(self.expires().minus(life.dividedBy(LAST)))) {
            return null;
        }
        return "WARNING: the certificate of "
                + self.id().kind().label() + "/" + self.id().name() + " ends at "
                + self.expires().truncatedTo(ChronoUnit.SECONDS) + ", in "
                + time(Duration.between(now, self.expires())) + ". " + remedy(self);
    }

    private static String remedy(Identity self) {
        if (self.id().kind() != SpiffeId.Kind.USER) {
            return "Put a new one in its place, or see in the log of its daemon why it is not renewed";
        }
        String role = self.role().isPresent() ? self.role().get().label() : "ROLE";
        return "Log in again before that, by fleetctl login -, with a token of an admin: fleetctl user create "
                + self.id().name() + " --role " + role;
    }

    private static String time(Duration left) {
        if (left.toDays() > 1) {
            return left.toDays() + " days";
        }
        return left.toHours() > 1 ? left.toHours() + " hours" : Math.max(1, left.toMinutes()) + " minutes";
    }
}
