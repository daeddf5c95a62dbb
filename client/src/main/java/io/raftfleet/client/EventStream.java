package io.raftfleet.client;

import io.raftfleet.proto.fleet.ListEventsRequest;
import io.raftfleet.proto.fleet.WatchEvent;
import io.raftfleet.proto.fleet.WatchRequest;
import io.raftfleet.proto.fleet.WatchResponse;
import io.raftfleet.proto.model.Event;
import io.raftfleet.proto.model.Revision;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What has happened and what happens, in order, each event once: first what is kept, then what comes, over leaders, engines and
 * connections. When it falls behind what watches resume from, it lists what was missed; events are kept longer than that. An event that
 * happens again alike comes again, with a higher count.
 *
 * <p>To be used by one thread. After a failure it goes on where it was when it is asked again.
 */
public final class EventStream implements AutoCloseable {
    private final FleetClient client;
    private final ListEventsRequest request;
    private Revision from;
    private Revision last;
    private boolean listed;
    private boolean gap;
    private @Nullable Watch watch;

    EventStream(FleetClient client, ListEventsRequest request) {
        this.client = client;
        this.request = request;
        this.from = request.getAfter();
        this.last = request.getAfter();
    }

    /**
     * The next events.
     *
     * @param timeout how long to wait for one; the first call waits for the list as well, for the client's request timeout at most
     * @return empty when there was none in time
     * @throws FleetClientException when engines can't be asked, or refuse: INVALID_ARGUMENT for what can't be asked for,
     *     PERMISSION_DENIED for who may not
     */
    public List<Event> next(Duration timeout) throws InterruptedException {
        long deadline = System.nanoTime() + timeout.toNanos();
        while (true) {
            if (!listed) {
                List<Event> kept = list();
                if (!kept.isEmpty()) {
                    return kept;
                }
            }
            long left = deadline - System.nanoTime();
            try {
                List<Event> come = watched(Duration.ofNanos(Math.max(0, left)));
                if (!come.isEmpty() || left <= 0) {
                    return come;
                }
            } catch (CompactedException e) {
                close();
                listed = false;
            }
        }
    }

    private List<Event> list() {
        var happened = FleetClient.join(
                client.listEventsAsync(request.toBuilder().setAfter(from).build()));
        gap |= happened.gap() && (request.getSinceMs() != 0 || !from.equals(Revision.getDefaultInstance()));
        from = happened.revision();
        listed = true;
        return fresh(happened.events());
    }

    private List<Event> watched(Duration timeout) throws CompactedException, InterruptedException {
        Watch open = watch;
        if (open == null) {
            open = client.watch(WatchRequest.newBuilder()
                    .setAfter(from)
                    .addAllNames(request.getNamesList())
                    .setEvents(true)
                    .build());
            watch = open;
        }
        WatchResponse frame = open.next(timeout);
        from = open.revision();
        return frame == null
                ? List.of()
                : fresh(frame.getEventsList().stream()
                        .filter(WatchEvent::hasEvent)
                        .map(WatchEvent::getEvent)
                        .filter(this::isAskedFor)
                        .toList());
    }

    /** What a list filters by itself, and a watch does not. */
    private boolean isAskedFor(Event event) {
        return (request.getMachineId().isEmpty() || request.getMachineId().equals(event.getMachineId()))
                && event.getTimeMs() >= request.getSinceMs();
    }

    /** A list of several pages is as of its last one, and a watch goes on from its first. */
    private List<Event> fresh(List<Event> events) {
        var fresh = new ArrayList<Event>(events.size());
        for (Event event : events) {
            if (isAfter(event.getRevision(), last)) {
                last = event.getRevision();
                fresh.add(event);
            }
        }
        return List.copyOf(fresh);
    }

    static boolean isAfter(Revision revision, Revision other) {
        return revision.getIncarnation() != other.getIncarnation()
                || Long.compareUnsigned(revision.getIndex(), other.getIndex()) > 0
                || (revision.getIndex() == other.getIndex() && revision.getOrdinal() > other.getOrdinal());
    }

    /** Whether some that were asked for may be missing, because they are kept no longer. Once true it stays so. */
    public boolean gap() {
        return gap;
    }

    /**
     * Where another stream would go on after the events that were returned: give it to {@link ListEventsRequest.Builder#setAfter}. It may
     * repeat some of the last ones.
     */
    public Revision revision() {
        return from;
    }

    /** Ends the stream. A later {@link #next} would go on with it. */
    @Override
    public void close() {
        Watch open = watch;
        watch = null;
        if (open != null) {
            open.close();
        }
    }
}
