package io.raftfleet.etcd;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Warns of keys that somebody else changed, each by name up to a number. Owned by the mirror's thread. */
final class ForeignReport {
    private static final Logger log = LoggerFactory.getLogger(ForeignReport.class);

    /** Named one by one; more are only counted. */
    private static final int KEYS_NAMED = 20;

    private final MirrorMonitor monitor;
    private int count;

    ForeignReport(MirrorMonitor monitor) {
        this.monitor = monitor;
    }

    void foreign(String key) {
        count++;
        if (count <= KEYS_NAMED) {
            log.warn("{} in etcd was changed or deleted by somebody else: it is put right", key);
        }
    }

    void end() {
        monitor.putRight(count);
        if (count > KEYS_NAMED) {
            log.warn("{} more keys in etcd were changed by somebody else and are put right", count - KEYS_NAMED);
        }
    }
}
