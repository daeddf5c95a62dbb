package io.raftfleet.fleetctl;

import io.raftfleet.proto.fleet.StartRolloutRequest;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** Flags by which {@code start --replace} becomes a rollout. */
final class RolloutOptions {
    private static final int MOST = 1000;
    private static final int PERCENT = 100;
    private static final String USUAL_HEALTH = "10";

    @Nullable
    String maxUnavailable;

    @Nullable
    String healthWait;

    @Nullable
    String startWait;

    @Nullable
    Integer canary;

    boolean rollback;

    /** Whether a rollout is meant. */
    boolean given() {
        return !flag().isEmpty();
    }

    /** The first flag that means one; empty when none is given. */
    String flag() {
        return maxUnavailable != null
                ? "--max-unavailable"
                : healthWait != null
                        ? "--health-wait"
                        : startWait != null
                                ? "--start-wait"
                                : canary != null ? "--canary" : rollback ? "--rollback" : "";
    }

    /**
     * The call, without units.
     *
     * @param units how many it will have
     * @throws CommandException when a flag makes no sense
     */
    StartRolloutRequest.Builder request(int units) {
        String most = maxUnavailable;
        if (most == null) {
            throw CommandException.usage(
                    "--health-wait, --start-wait, --canary and --rollback go with --max-unavailable");
        }
        var request = StartRolloutRequest.newBuilder()
                .setMaxUnavailable(atOnce(most, units))
                .setHealthWaitMs(Words.duration(healthWait == null ? USUAL_HEALTH : healthWait)
                        .toMillis())
                .setRollback(rollback);
        if (startWait != null) {
            Duration wait = Words.duration(startWait);
            request.setStartWaitMs(wait.toMillis());
        }
        if (canary != null) {
            if (canary < 1 || canary > MOST) {
                throw CommandException.usage("--canary must be 1 to " + MOST + ", it is " + canary);
            }
            request.setCanary(canary);
        }
        return request;
    }

    private static int atOnce(String most, int units) {
        boolean percent = most.endsWith("%");
        int number;
        try {
            number = Integer.parseInt(percent ? most.substring(0, most.length() - 1) : most);
        } catch (NumberFormatException e) {
            number = 0;
        }
        if (number < 1 || number > (percent ? PERCENT : MOST)) {
            throw CommandException.usage("--max-unavailable must be 1 to " + MOST + ", or 1% to 100%, it is " + most);
        }
        return percent ? Math.clamp((long) units * number / PERCENT, 1, MOST) : number;
    }

    /** Adds them. */
    void describe(Syntax syntax) {
        syntax.add(Syntax.value(String.class, given -> maxUnavailable = given, "--max-unavailable")
                .paramLabel("N|N%")
                .description(
                        "With --replace: have the cluster replace so many units at a time, 1 to 1000, or so many in a hundred, rounded down, at"
                                + " least one; the next follow once these are healthy."));
        syntax.add(Syntax.value(String.class, given -> healthWait = given, "--health-wait")
                .paramLabel("TIME")
                .description(
                        "With --max-unavailable: a unit is healthy once it has been active for so long (30, 30s, 5m) without being started again by"
                                + " systemd; 10 seconds if not said."));
        syntax.add(Syntax.value(String.class, given -> startWait = given, "--start-wait")
                .paramLabel("TIME")
                .description(
                        "With --max-unavailable: how long a unit may take to become active; 2 minutes if not said."));
        syntax.add(
                Syntax.value(Integer.class, given -> canary = given, "--canary")
                        .paramLabel("N")
                        .description(
                                "With --max-unavailable: replace N units first, no more than at a time then, and look whether they are healthy."));
        syntax.add(Syntax.yesOrNo(given -> rollback = given, "--rollback")
                .description(
                        "With --max-unavailable: when a unit does not get healthy, give all of them their former files"
                                + " again; without it the rollout stops where it is."));
    }
}
