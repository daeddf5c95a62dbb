package io.raftfleet.chaos.check;

import io.raftfleet.chaos.history.Event;
import io.raftfleet.chaos.history.History;
import java.util.List;
import java.util.TreeSet;

/** Once all is quiet, etcd holds each fact of the registry under its key, and nothing else, whatever happened to etcd meanwhile. */
public final class EqualMirror implements Check {
    @Override
    public String promise() {
        return "the mirror in etcd equals the registry";
    }

    @Override
    public boolean applies(History history) {
        return history.began().mirrored();
    }

    @Override
    public Finding check(History history) {
        var collector = new Finding.Collector(promise());
        var looks = history.all(Event.Mirrored.class).toList();
        if (looks.isEmpty()) {
            collector.unexamined("the campaign did not settle");
            return collector.finding();
        }
        var last = looks.getLast();
        var keys = new TreeSet<>(last.registry().keySet());
        keys.addAll(last.etcd().keySet());
        for (var key : keys) {
            collector.examined(1);
            var expected = last.registry().get(key);
            var found = last.etcd().get(key);
            if (expected == null || !expected.equals(found)) {
                collector.violation(new Violation(
                        "key " + key + " is " + (found == null ? "missing" : found) + " in etcd, and "
                                + (expected == null ? "nothing" : expected) + " in the registry",
                        last.at(),
                        List.of()));
            }
        }
        return collector.finding();
    }
}
