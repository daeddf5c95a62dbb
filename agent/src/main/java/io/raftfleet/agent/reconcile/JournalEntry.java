package io.raftfleet.agent.reconcile;

import org.jspecify.annotations.Nullable;

/**
 * What an agent must know of a unit after a restart.
 *
 * @param name of the unit
 * @param order the last one; null for a unit that is to be removed, or that nobody ordered
 * @param removing to be stopped and taken away; kept until the registry has the report that it is gone
 * @param done the last order carried out, null when there is none
 */
public record JournalEntry(
        String name,
        @Nullable Order order,
        boolean removing,
        @Nullable Done done) {}
