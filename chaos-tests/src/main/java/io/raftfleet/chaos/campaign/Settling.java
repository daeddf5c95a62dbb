package io.raftfleet.chaos.campaign;

import io.grpc.StatusRuntimeException;
import io.raftfleet.chaos.check.Check;
import io.raftfleet.chaos.check.EqualMirror;
import io.raftfleet.chaos.check.SettledStates;
import io.raftfleet.chaos.cluster.Await;
import io.raftfleet.chaos.cluster.Cluster;
import io.raftfleet.chaos.cluster.NotInTimeException;
import io.raftfleet.chaos.history.Event;
import io.raftfleet.chaos.history.Event.Running;
import io.raftfleet.chaos.history.History;
import io.raftfleet.chaos.history.Recorder;
import io.raftfleet.client.FleetClientException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/**
 * Waits until a cluster without traffic and faults is what it promises to be once quiet, and notes what it, its machines and etcd say
 * then; or, when that does not happen in time, what they say at last, which the checks will not pass.
 */
final class Settling {
    private static final Duration LIMIT = Duration.ofSeconds(90);
    private static final Duration QUIET_LIMIT = Duration.ofSeconds(60);

    private final Cluster cluster;
    private final Recorder recorder;
    private final QuietViews views;

    /** @param inMemory what runs on machines in memory, by machine and unit */
    Settling(Cluster cluster, Recorder recorder, Supplier<Map<String, Map<String, Running>>> inMemory) {
        this.cluster = cluster;
        this.recorder = recorder;
        this.views = new QuietViews(cluster, recorder, inMemory);
    }

    /** Whether the cluster came back. */
    boolean settle() {
        try {
            cluster.awaitReady(LIMIT);
            Await.until("all units that are to run do", QUIET_LIMIT, views::launchedAreActive);
            cluster.awaitEqual(LIMIT);
            recorder.add(new Event.Settled(recorder.now(), true, ""));
            return true;
        } catch (NotInTimeException | AssertionError e) {
            recorder.add(new Event.Settled(recorder.now(), false, String.valueOf(e.getMessage())));
            return false;
        }
    }

    /** Notes what the cluster, its machines and etcd say. */
    void note() {
        try {
            last(new SettledStates(), views::states).forEach(recorder::add);
            cluster.etcd()
                    .ifPresent(etcd ->
                            last(new EqualMirror(), () -> views.mirror(etcd)).forEach(recorder::add));
        } catch (FleetClientException | StatusRuntimeException | NotInTimeException | IllegalStateException e) {
            recorder.add(new Event.Settled(recorder.now(), false, "no view of the quiet cluster: " + e.getMessage()));
        }
    }

    /** The first view that a check passes, or the last one in time. */
    private static List<Event> last(Check check, Supplier<List<Event>> view) {
        var seen = new ArrayList<Event>();
        try {
            Await.until(check.promise(), QUIET_LIMIT, () -> {
                var now = view.get();
                seen.clear();
                seen.addAll(now);
                return check.check(new History(now)).violations().isEmpty();
            });
        } catch (NotInTimeException e) {
            if (seen.isEmpty()) {
                throw e;
            }
        }
        return seen;
    }
}
