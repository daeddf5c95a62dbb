package io.raftfleet.agent.metrics;

import java.time.Duration;
import java.util.Map;

/**
 * How a machine does at a moment.
 *
 * @param inSession whether an engine has it in session
 * @param sessions how many sessions there were since the agent started
 * @param unacknowledged how many units have changes that the registry is not known to have
 * @param lag for how long the oldest of these changes has waited; zero when there are none
 * @param activeStates how many units are in each active state of systemd's
 * @param restarts how often a unit was seen to wait for systemd to start it again
 */
public record MachineStatus(
        boolean inSession,
        long sessions,
        int unacknowledged,
        Duration lag,
        Map<String, Integer> activeStates,
        long restarts) {
    public MachineStatus {
        activeStates = Map.copyOf(activeStates);
    }
}
