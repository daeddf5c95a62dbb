package io.raftfleet.engine.admission;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** Counts what was refused. */
final class CountedRefusals implements AdmissionMetrics {
    private final Map<String, Integer> counts = new ConcurrentHashMap<>();

    /** @param what kind and reason, as "call/bytes"; method and code, as "other UNIMPLEMENTED"; or "connection" */
    int of(String what) {
        return counts.getOrDefault(what, 0);
    }

    @Override
    public void admitted(String kind) {}

    @Override
    public void ended(String kind) {}

    @Override
    public void closed(String method, String code) {
        counts.merge(method + " " + code, 1, Integer::sum);
    }

    @Override
    public void refused(String kind, String reason) {
        counts.merge(kind + "/" + reason, 1, Integer::sum);
    }

    @Override
    public void connectionRefused() {
        counts.merge("connection", 1, Integer::sum);
    }
}
