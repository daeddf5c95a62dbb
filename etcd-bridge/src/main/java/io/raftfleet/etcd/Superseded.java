package io.raftfleet.etcd;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Names what a mirror that is built anew had and the registry has not, as it is removed or overwritten: after a restoration from a
 * backup, that is what was done since the backup was made, and the mirror its last copy. Owned by the mirror's thread.
 */
final class Superseded {
    private static final Logger log = LoggerFactory.getLogger(Superseded.class);

    /** Named one by one; more are only counted. */
    private static final int KEYS_NAMED = 100;

    private final String where;
    private int count;

    /** @param where which etcd, for people */
    Superseded(String where) {
        this.where = where;
    }

    void key(String key) {
        count++;
        if (count <= KEYS_NAMED) {
            log.warn("{} in etcd {} is not what the registry has: it is removed, or overwritten", key, where);
        }
    }

    void end() {
        if (count > 0) {
            log.warn(
                    "{} keys of the mirror in etcd {} were not what the registry has, and are made so; a unit among them"
                            + " that still runs is an orphan: see fleetctl cluster orphans",
                    count,
                    where);
        }
    }
}
