package io.raftfleet.chaos.fault;

import io.raftfleet.chaos.cluster.Namespaces;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/** Hosts that don't hear each other, or only some packets of each other, or late. Clients reach every host all the time. */
final class NetworkFaults {
    private final Targets targets;
    private final @Nullable Namespaces network;
    private final String obstacle;
    private final SlowNet slowNet;

    /** @param network absent when all hosts share one */
    NetworkFaults(Targets targets, @Nullable Namespaces network, String obstacle, SlowNet slowNet) {
        this.targets = targets;
        this.network = network;
        this.obstacle = obstacle;
        this.slowNet = slowNet;
    }

    List<FaultSource> sources() {
        return List.of(
                new SimpleSource("partition", obstacle, this::partition),
                new SimpleSource("one-way", obstacle, this::oneWay),
                new SimpleSource("loss", obstacle, this::loss),
                new SimpleSource("delay", obstacle.isEmpty() ? slowNet.obstacle() : obstacle, this::delay));
    }

    private Fault partition(RandomGenerator random) {
        var sets = sets(random);
        var cut = new LinkedHashMap<String, List<String>>();
        sets.one().forEach(host -> cut.put(host, sets.other()));
        sets.other().forEach(host -> cut.put(host, sets.one()));
        return dropping(show(sets.one()) + " | " + show(sets.other()), touched(cut), cut, List.of());
    }

    private Fault oneWay(RandomGenerator random) {
        var sets = sets(random);
        var cut = new LinkedHashMap<String, List<String>>();
        sets.one().forEach(host -> cut.put(host, sets.other()));
        return dropping(show(sets.one()) + " can't hear " + show(sets.other()), touched(cut), cut, List.of());
    }

    /** Two sets of hosts that share none; whoever is in neither hears both. */
    private record Sets(List<String> one, List<String> other) {
        Sets swapped() {
            return new Sets(/* one= */ other, /* other= */ one);
        }
    }

    /** In four of ten cases an engine or an agent, or one of each, and all others; else any two sets. */
    private Sets sets(RandomGenerator random) {
        boolean any = random.nextInt(10) >= 4;
        var side = side(random);
        var one = new ArrayList<String>();
        var other = new ArrayList<String>();
        for (var host : everybody()) {
            int dice = random.nextInt(5);
            if (dice < 4) {
                (dice < 2 ? one : other).add(host);
            }
        }
        boolean usable = any && !one.isEmpty() && !other.isEmpty();
        boolean swap = random.nextBoolean();
        var sets = usable ? new Sets(one, other) : new Sets(side, rest(side));
        return swap ? sets.swapped() : sets;
    }

    private static String show(List<String> hosts) {
        return String.join(",", hosts);
    }

    private Fault loss(RandomGenerator random) {
        var side = side(random);
        var rest = rest(side);
        double probability = 0.05 + 0.25 * random.nextDouble();
        var cut = new LinkedHashMap<String, List<String>>();
        side.forEach(host -> cut.put(host, rest));
        rest.forEach(host -> cut.put(host, side));
        var some = List.of("-m", "statistic", "--mode", "random", "--probability", "%.2f".formatted(probability));
        return dropping(
                "%.0f %% of packets between %s and the others".formatted(100 * probability, show(side)),
                side,
                cut,
                some);
    }

    private Fault delay(RandomGenerator random) {
        var engine = targets.engine(random).id();
        int least = 5 + random.nextInt(40);
        int most = least + 1 + random.nextInt(120);
        var others = new ArrayList<>(all());
        others.remove(engine);
        return new SimpleFault(
                List.of(),
                Set.of("net-" + engine),
                "packets to " + engine + " take " + least + " to " + most + " ms, out of order",
                e -> slowNet.begin(network(), engine, others, least, most),
                e -> slowNet.end(network(), engine, others));
    }

    private Fault dropping(String detail, List<String> touched, Map<String, List<String>> cut, List<String> match) {
        var rules = new LinkedHashMap<String, List<List<String>>>();
        cut.forEach((host, from) -> from.forEach(other -> {
            var rule = new ArrayList<>(List.of("-s", network().address(other)));
            rule.addAll(match);
            rule.addAll(List.of("-j", "DROP"));
            rules.computeIfAbsent(host, h -> new ArrayList<>()).add(rule);
        }));
        var begun = new ArrayList<Runnable>();
        return new SimpleFault(
                touched,
                Set.of(),
                detail,
                e -> rules.forEach((host, all) -> all.forEach(rule -> {
                    network().insert(host, rule);
                    begun.add(() -> network().delete(host, rule));
                })),
                e -> {
                    begun.forEach(Runnable::run);
                    begun.clear();
                });
    }

    private List<String> touched(Map<String, List<String>> cut) {
        return Cuts.touched(targets.engineNames(), targets.agentNames(), cut);
    }

    private List<String> side(RandomGenerator random) {
        int dice = random.nextInt(10);
        var engine = targets.engine(random).id();
        var agent = targets.agent(random).name();
        if (dice < 6) {
            return List.of(engine);
        }
        return dice < 8 ? List.of(engine, agent) : List.of(agent);
    }

    private List<String> rest(List<String> side) {
        var rest = new ArrayList<>(all());
        rest.removeAll(side);
        return rest;
    }

    private List<String> all() {
        var all = new ArrayList<>(targets.engineNames());
        all.addAll(targets.agentNames());
        return all;
    }

    /** Etcd's host, too, where there is one. */
    private List<String> everybody() {
        var everybody = new ArrayList<>(all());
        targets.cluster().etcd().ifPresent(etcd -> everybody.add(etcd.daemon().name()));
        return everybody;
    }

    private Namespaces network() {
        if (network == null) {
            throw new IllegalStateException("no network of hosts: " + obstacle);
        }
        return network;
    }
}
