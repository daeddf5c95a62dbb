package io.raftfleet.chaos.cluster;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;

/**
 * A network of hosts on this machine: a network namespace each, with an address of its own, on one bridge that this process is on,
 * too. Packets between hosts can be dropped one way. Made and removed by one thread; rules are changed under its monitor.
 */
public final class Namespaces implements AutoCloseable {
    private final String bridge;
    private final String net;
    private final Map<String, String> addresses = new LinkedHashMap<>();
    private final Thread lastResort = new Thread(this::remove);

    private Namespaces() {
        int number = ThreadLocalRandom.current().nextInt(1, 0xffff);
        bridge = "rf" + Integer.toHexString(number);
        net = "10." + (100 + (number >> 8) % 100) + "." + (number & 0xff);
    }

    /** Why hosts can't be made here; empty where they can. */
    public static String obstacle() {
        var missing = Needs.root();
        if (missing.isEmpty()) {
            missing = Needs.programs("ip", "iptables", "nsenter");
        }
        return missing.isEmpty() ? Needs.explained(kernelObstacle()) : missing;
    }

    private static String kernelObstacle() {
        var probe = "rfprobe" + ProcessHandle.current().pid();
        var why = Commands.obstacle("ip", "netns", "add", probe);
        if (!why.isEmpty()) {
            return why;
        }
        try {
            return Commands.obstacle("ip", "netns", "exec", probe, "iptables", "-A", "INPUT", "-j", "DROP");
        } finally {
            var unused = Commands.obstacle("ip", "netns", "delete", probe);
        }
    }

    /** Makes these hosts. */
    public static Namespaces create(List<String> hosts) {
        var made = new Namespaces();
        Runtime.getRuntime().addShutdownHook(made.lastResort);
        boolean complete = false;
        try {
            made.build(hosts);
            complete = true;
            return made;
        } finally {
            if (!complete) {
                made.close();
            }
        }
    }

    private void build(List<String> hosts) {
        Commands.run("ip", "link", "add", bridge, "type", "bridge");
        Commands.run("ip", "address", "add", net + ".254/24", "dev", bridge);
        Commands.run("ip", "link", "set", bridge, "up");
        for (var host : hosts) {
            addresses.put(host, net + "." + (addresses.size() + 1));
            var name = name(host);
            var outside = bridge + "-" + host;
            Commands.run("ip", "netns", "add", name);
            Commands.run("ip", "link", "add", outside, "type", "veth", "peer", "name", "eth0", "netns", name);
            Commands.run("ip", "link", "set", outside, "master", bridge, "up");
            run(host, "ip", "address", "add", address(host) + "/24", "dev", "eth0");
            run(host, "ip", "link", "set", "eth0", "up");
            run(host, "ip", "link", "set", "lo", "up");
        }
    }

    public String address(String host) {
        var address = addresses.get(host);
        if (address == null) {
            throw new IllegalArgumentException("no host " + host + " among " + addresses.keySet());
        }
        return address;
    }

    /** Put before a command that runs on a host. */
    public List<String> prefix(String host) {
        return List.of("nsenter", "--net=/run/netns/" + name(host), "--");
    }

    /** Runs a command on a host. */
    public void run(String host, String... command) {
        var whole = new ArrayList<>(prefix(host));
        whole.addAll(List.of(command));
        var unused = Commands.run(whole);
    }

    /** Adds a rule for what arrives at a host, before all others. */
    public synchronized void insert(String host, List<String> rule) {
        rule(host, "-I", rule);
    }

    /** Takes a rule back. */
    public synchronized void delete(String host, List<String> rule) {
        rule(host, "-D", rule);
    }

    private void rule(String host, String action, List<String> rule) {
        var whole = new ArrayList<>(prefix(host));
        whole.addAll(List.of("iptables", "-w", "5", action, "INPUT"));
        whole.addAll(rule);
        var unused = Commands.run(whole);
    }

    private String name(String host) {
        return bridge + "-" + host;
    }

    @Override
    public void close() {
        remove();
        try {
            Runtime.getRuntime().removeShutdownHook(lastResort);
        } catch (IllegalStateException e) {
            // The virtual machine is on its way down already, the hook with it.
        }
    }

    private synchronized void remove() {
        for (var host : addresses.keySet()) {
            var unused = Commands.obstacle("ip", "netns", "delete", name(host));
        }
        if (!addresses.isEmpty()) {
            var unused = Commands.obstacle("ip", "link", "delete", bridge);
        }
        addresses.clear();
    }
}
