package io.raftfleet.chaos.cluster;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * An agent's process to be.
 *
 * @param name of the process
 * @param hollowMachines how many machines in memory it is; 0: one machine with a real systemd
 * @param metadata what it announces
 * @param publicIp what it announces
 * @param machineId another id than its own: for hollow machines what their ids are derived from; null for its own
 * @param privateSocket whether it speaks to systemd itself, as on a whole machine; otherwise over a bus, whose daemon can be killed
 */
public record AgentSpec(
        String name,
        int hollowMachines,
        Map<String, String> metadata,
        String publicIp,
        @Nullable String machineId,
        boolean privateSocket) {
    public AgentSpec {
        metadata = Map.copyOf(metadata);
    }

    /** One process that is so many machines in memory. */
    public static AgentSpec hollow(String name, int machines) {
        return new AgentSpec(name, machines, Map.of(), "127.0.0.1", null, false);
    }

    /** One machine with a systemd manager of its own. */
    public static AgentSpec systemd(String name, String publicIp) {
        return new AgentSpec(name, 0, Map.of("host", name), publicIp, null, false);
    }

    public AgentSpec withMetadata(Map<String, String> other) {
        return new AgentSpec(name, hollowMachines, other, publicIp, machineId, privateSocket);
    }

    public AgentSpec withPublicIp(String other) {
        return new AgentSpec(name, hollowMachines, metadata, other, machineId, privateSocket);
    }

    public AgentSpec withMachineId(String other) {
        return new AgentSpec(name, hollowMachines, metadata, publicIp, other, privateSocket);
    }

    public AgentSpec withPrivateSocket() {
        return new AgentSpec(name, hollowMachines, metadata, publicIp, machineId, true);
    }
}
