package io.raftfleet.fleetctl;

import io.raftfleet.client.FleetClientException;
import io.raftfleet.proto.model.Rollout;
import io.raftfleet.proto.model.RolloutPhase;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Tells how a rollout gets on, until it is over, stops or is paused. It is the cluster's: to give up here changes nothing. To be used by one thread. */
final class RolloutWaiter {
    private static final long LOOK_MILLIS = 500;

    private final Session session;
    private final String id;
    private final boolean backMeant;
    private final ProgressLine progress;
    private final Patience patience;
    private String told = "";

    /** @param backMeant whether it is well that it goes back */
    RolloutWaiter(Session session, String id, boolean backMeant) {
        this.session = session;
        this.id = id;
        this.backMeant = backMeant;
        this.progress = new ProgressLine(session.terminal());
        this.patience = new Patience(session);
    }

    /**
     * Waits; returns the exit code.
     *
     * @param limit how long; null: as long as it takes
     */
    int await(@Nullable Duration limit) {
        long begun = System.nanoTime();
        try {
            while (true) {
                Integer exit = look();
                if (exit != null) {
                    return exit;
                }
                if (limit != null && System.nanoTime() - begun >= limit.toNanos()) {
                    return failed("rollout " + id + " is not done yet; it goes on, see: fleetctl rollout status " + id);
                }
                Thread.sleep(LOOK_MILLIS);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return failed("interrupted; rollout " + id + " goes on, see: fleetctl rollout status " + id);
        } finally {
            progress.clear();
        }
    }

    /** The exit code, once it is known. That engines do not answer for a while is borne. */
    private @Nullable Integer look() throws InterruptedException {
        List<Rollout> found;
        try {
            found = session.client().listRollouts(id);
        } catch (FleetClientException failure) {
            progress.clear();
            patience.bear(failure);
            return null;
        }
        patience.answered();
        if (found.isEmpty()) {
            return failed("rollout " + id + " is kept no longer: fleetctl events says what became of it");
        }
        return judge(found.getFirst());
    }

    private @Nullable Integer judge(Rollout rollout) {
        return switch (rollout.getPhase()) {
            case ROLLOUT_PHASE_DONE -> {
                if (rollout.getBack() && !backMeant) {
                    yield failed("rollout " + id + " was rolled back" + reason(rollout));
                }
                if (rollout.getLeftAlone() > 0 && !rollout.getBack()) {
                    yield failed("rollout " + id + " is done with " + done(rollout) + " only" + leftAlone(rollout));
                }
                progress.clear();
                session.out("Rollout " + id
                        + (rollout.getBack() ? " rolled back" + leftAlone(rollout) : " done, " + done(rollout)));
                yield 0;
            }
            case ROLLOUT_PHASE_STOPPED ->
                failed("rollout " + id + " has stopped" + reason(rollout) + "; " + remedy(rollout));
            case ROLLOUT_PHASE_PAUSED ->
                failed("rollout " + id + " is paused"
                        + (rollout.getChangedBy().isEmpty() ? "" : " by " + rollout.getChangedBy())
                        + "; fleetctl rollout resume " + id + " has it go on");
            default -> {
                tell(rollout);
                yield null;
            }
        };
    }

    private void tell(Rollout rollout) {
        String line = "Rollout " + id + ": " + state(rollout) + ", " + begun(rollout)
                + (rollout.getGroupCount() == 0
                        ? ""
                        : ": " + rollout.getGroup(0)
                                + (rollout.getGroupCount() == 1
                                        ? ""
                                        : " to " + rollout.getGroup(rollout.getGroupCount() - 1)))
                + (rollout.getBack() ? reason(rollout) : "");
        if (session.terminal().interactive()) {
            progress.show(line);
        } else if (!line.equals(told)) {
            session.out(line);
            session.terminal().out().flush();
        }
        told = line;
    }

    private int failed(String why) {
        progress.clear();
        session.err("Error: " + why);
        return 1;
    }

    /** How many units it has begun to replace, or has still to take back; of one that is done, how many it has replaced. */
    static String begun(Rollout rollout) {
        return rollout.getBack()
                ? rollout.getGroupFrom() + " of " + rollout.getUnits() + " units left"
                : (over(rollout) ? passed(rollout) : rollout.getGroupTo()) + " of " + rollout.getUnits() + " units";
    }

    /** What can be done about one that has stopped. */
    static String remedy(Rollout rollout) {
        String id = rollout.getId();
        return "fleetctl rollout resume " + id + " looks at that unit again"
                + (rollout.getBack() ? "" : ", fleetctl rollout undo " + id + " gives all units their former files");
    }

    /** How many units it is through with, or has still to take back. */
    static int passed(Rollout rollout) {
        return over(rollout) && !rollout.getBack()
                ? rollout.getUnits() - rollout.getLeftAlone()
                : rollout.getGroupFrom();
    }

    private static String done(Rollout rollout) {
        return (rollout.getLeftAlone() == 0 ? "" : rollout.getUnits() - rollout.getLeftAlone() + " of ")
                + rollout.getUnits()
                + (rollout.getUnits() == 1 ? " unit" : " units");
    }

    /** Which units it has passed by; empty for none. */
    static String leftAlone(Rollout rollout) {
        int units = rollout.getLeftAlone();
        return units == 0
                ? ""
                : "; " + units + (units == 1 ? " was" : " were")
                        + " destroyed or got another file meanwhile and " + (units == 1 ? "was" : "were")
                        + " left alone: " + rollout.getFirstLeftAlone()
                        + (units == 1 ? "" : " and " + (units - 1) + " more");
    }

    static String state(Rollout rollout) {
        boolean back = rollout.getBack();
        return switch (rollout.getPhase()) {
            case ROLLOUT_PHASE_RUNNING -> back ? "going back" : "running";
            case ROLLOUT_PHASE_PAUSED -> "paused";
            case ROLLOUT_PHASE_STOPPED -> "stopped";
            case ROLLOUT_PHASE_DONE -> back ? "rolled back" : "done";
            case ROLLOUT_PHASE_UNSPECIFIED, UNRECOGNIZED -> "unknown";
        };
    }

    private static String reason(Rollout rollout) {
        return rollout.getReason().isEmpty() ? "" : ": " + rollout.getReason();
    }

    /** Whether there is nothing left to do. */
    static boolean over(Rollout rollout) {
        return rollout.getPhase() == RolloutPhase.ROLLOUT_PHASE_DONE;
    }
}
