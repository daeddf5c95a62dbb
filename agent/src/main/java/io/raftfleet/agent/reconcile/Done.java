package io.raftfleet.agent.reconcile;

import io.raftfleet.unit.UnitHash;

/**
 * The last order for a unit that was carried out, or was about to be.
 *
 * @param hash of the file in place then
 * @param launched whether the unit was started; otherwise it was put in place, and stopped if it ran
 * @param generation of the order
 * @param bootId of the machine and its unit manager then, see {@link io.raftfleet.agent.manager.BootIds}: in another life of theirs
 *     nothing that was started before is running
 * @param phase how far it came
 */
public record Done(UnitHash hash, boolean launched, long generation, String bootId, Phase phase) {
    /** How far an order came. */
    public enum Phase {
        /** Noted before the start job is issued. After a restart of the agent, or a lost connection, it says: nobody knows. */
        INTENDED(0),
        /** The job was accepted, or there was nothing to do. */
        ISSUED(1),
        /** The job was refused for good. */
        REFUSED(2);

        private final int code;

        Phase(int code) {
            this.code = code;
        }

        /** How the journal writes it. */
        int code() {
            return code;
        }

        /** @throws IllegalArgumentException when no phase has this code */
        static Phase of(int code) {
            for (Phase phase : values()) {
                if (phase.code == code) {
                    return phase;
                }
            }
            throw new IllegalArgumentException("unknown phase " + code);
        }
    }

    Done in(Phase next) {
        return new Done(hash, launched, generation, bootId, next);
    }

    Done inBoot(String id) {
        return new Done(hash, launched, generation, id, phase);
    }

    /**
     * Whether {@code order} needs nothing more in this boot. Being in place outlasts a boot. A later generation of an order that is
     * no start asks for one more stop.
     */
    boolean settles(Order order, String currentBoot) {
        if (!hash.equals(order.hash()) || launched != order.launched()) {
            return false;
        }
        return launched
                ? generation == order.generation() && bootId.equals(currentBoot)
                : Long.compareUnsigned(generation, order.generation()) >= 0;
    }
}
