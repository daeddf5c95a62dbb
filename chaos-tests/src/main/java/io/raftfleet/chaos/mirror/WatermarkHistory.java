package io.raftfleet.chaos.mirror;

import io.raftfleet.etcd.testing.EtcdServer;
import io.raftfleet.etcd.testing.EtcdWatch;
import io.raftfleet.etcd.testing.EtcdWatch.Change;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Every transaction that etcd took below the mirror's prefix, checked as it comes: each moves the watermark, whose term never
 * goes down, so that no leader that has been replaced writes after its successor; and what it says to be complete up to does
 * not go down either, a comparison of all keys aside. Guarded by its own monitor.
 */
public final class WatermarkHistory implements AutoCloseable {
    private static final JsonMapper JSON = new JsonMapper();

    private final List<String> violations = new ArrayList<>();
    private final EtcdWatch watch;
    private String incarnation = "";
    private long term;
    private long from;
    private int transactions;
    private int keys;
    private long revision;

    /** From the first revision that this etcd still has. */
    public WatermarkHistory(EtcdServer etcd) {
        watch = EtcdWatch.open(etcd, MirrorKeys.PREFIX, 1, this::take);
    }

    /** Of the leader that wrote last. */
    public synchronized long term() {
        return term;
    }

    public synchronized int transactions() {
        return transactions;
    }

    /** Put and deleted, the watermark not counted. */
    public synchronized int keys() {
        return keys;
    }

    /** Of the latest transaction that was looked at. */
    public synchronized long revision() {
        return revision;
    }

    /** What must not be; empty when all was well. */
    public synchronized List<String> violations() {
        return List.copyOf(violations);
    }

    private synchronized void take(List<Change> changes) {
        var byRevision = new LinkedHashMap<Long, List<Change>>();
        changes.forEach(change -> byRevision
                .computeIfAbsent(change.revision(), r -> new ArrayList<>())
                .add(change));
        byRevision.forEach(this::transaction);
    }

    private void transaction(long at, List<Change> changes) {
        transactions++;
        keys += changes.size() - 1;
        revision = at;
        @Nullable String value = null;
        for (var change : changes) {
            if (change.key().equals(MirrorKeys.WATERMARK)) {
                value = change.value();
            }
        }
        if (value == null) {
            violations.add("revision " + at + " changes " + changes.getFirst().key() + " and " + (changes.size() - 1)
                    + " more without the watermark");
            return;
        }
        watermark(at, JSON.readTree(value));
    }

    private void watermark(long at, JsonNode mark) {
        var life = mark.path("incarnation").asString("");
        long newTerm = mark.path("term").longValue();
        long newFrom = mark.path("from").longValue();
        if (life.equals(incarnation)) {
            if (newTerm < term) {
                violations.add(
                        "revision " + at + ": written by the leader of term " + newTerm + " after that of " + term);
            }
            if (newFrom < from && !mark.path("comparing").booleanValue()) {
                violations.add("revision " + at + ": complete up to " + newFrom + ", before it was to " + from);
            }
        }
        incarnation = life;
        term = newTerm;
        from = newFrom;
    }

    @Override
    public void close() {
        watch.close();
    }
}
