package io.raftfleet.chaos.campaign;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.raftfleet.chaos.check.Finding;
import io.raftfleet.chaos.cluster.Hosts;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Campaigns on clusters whose engines or agents are broken on purpose: each check finds what it is for. One of them runs always, all of them with
 * {@code -Dsabotage=all}.
 */
class SabotageIT {
    private static final long SEED = 7;
    private static final Set<String> ALL = Set.of("e1", "e2", "e3");
    private static final Set<String> ONE = Set.of("e2");
    private static final Set<String> AGENTS = Set.of("a1", "a2");
    private static final List<String> ANY = List.of("hand-over");

    /**
     * A campaign on a cluster with something broken.
     *
     * @param hosts whose processes are
     * @param promises which it breaks, at least
     */
    record Broken(Sabotage.Mode mode, Set<String> hosts, List<String> faults, int rounds, List<String> promises) {
        Broken(Sabotage.Mode mode, Set<String> hosts, List<String> faults, int rounds, String promise) {
            this(mode, hosts, faults, rounds, List.of(promise));
        }
    }

    @TempDir
    Path dir;

    static Stream<Broken> broken() {
        var always = Stream.of(new Broken(Sabotage.Mode.LOST_WRITES, ALL, ANY, 1, "no acknowledged write is lost"));
        var others = Stream.of(
                new Broken(Sabotage.Mode.HASTY_LOSSES, ALL, ANY, 1, "no machine is held for lost by a leader change"),
                new Broken(
                        Sabotage.Mode.STALE_READS,
                        ALL,
                        List.of("partition"),
                        6,
                        List.of(
                                "no list but a stale one is older than what was acknowledged before",
                                "every unit is linearizable")),
                new Broken(Sabotage.Mode.WATCH_GAPS, ONE, ANY, 1, "watches are complete and in order"),
                new Broken(Sabotage.Mode.LIST_GAPS, ALL, ANY, 4, "each list page is the registry at its revision"),
                new Broken(Sabotage.Mode.DIVERGENCE, ONE, ANY, 1, "engines at the same index hold the same registry"),
                new Broken(
                        Sabotage.Mode.UNSYNCED_LOG,
                        ALL,
                        List.of("power-loss"),
                        1,
                        // Which data is missed, and by which check, differs from run to run; that not all is there does
                        // not.
                        "each fault does what the design says, and the cluster comes back"),
                new Broken(
                        Sabotage.Mode.FORGETFUL_LOG,
                        ALL,
                        List.of("kill"),
                        4,
                        "what a leader counts as matched is in that follower's log"),
                new Broken(
                        Sabotage.Mode.UNHEARD_REPORTS,
                        ALL,
                        List.of("etcd-kill"),
                        4,
                        "list-units equals what the managers say"),
                new Broken(
                        Sabotage.Mode.UNCHECKED_LOG,
                        ALL,
                        List.of("corrupt-middle"),
                        2,
                        "each fault does what the design says, and the cluster comes back"),
                new Broken(
                        Sabotage.Mode.WRONG_MIRROR,
                        ALL,
                        List.of("etcd-kill"),
                        1,
                        "the mirror in etcd equals the registry"),
                new Broken(
                        Sabotage.Mode.LONG_LEASES,
                        AGENTS,
                        List.of("agent-pause"),
                        12,
                        "no fenced unit ever runs on two machines at once"));
        var wanted = System.getProperty("sabotage", "");
        return Stream.concat(
                always,
                others.filter(broken ->
                        wanted.equals("all") || wanted.equals(broken.mode().name())));
    }

    @ParameterizedTest
    @MethodSource
    void broken(Broken broken) throws IOException, InterruptedException, URISyntaxException {
        var jar = Sabotage.jar(dir);
        var options = new CampaignOptions(
                SEED,
                Duration.ofMinutes(3),
                broken.rounds(),
                broken.faults(),
                2,
                !broken.hosts().equals(AGENTS),
                needsGround(broken),
                false,
                2,
                dir.resolve("report"));
        Campaign.Result result;
        try {
            result = new Campaign(options, System.out::println, hosts -> new Sabotaged(hosts, broken, jar)).run();
        } catch (IllegalArgumentException e) {
            assumeTrue(false, e.getMessage());
            return;
        }
        var violated = result.findings().stream()
                .filter(finding -> !finding.violations().isEmpty())
                .toList();
        System.out.println("[figure] sabotage " + broken.mode() + ": "
                + violated.stream()
                        .map(finding ->
                                finding.promise() + " (" + finding.violations().size() + ")")
                        .toList());
        assertThat(violated).extracting(Finding::promise).containsAll(broken.promises());
    }

    private static boolean needsGround(Broken broken) {
        return broken.faults().contains("partition") || broken.faults().contains("power-loss");
    }

    /** The same hosts, with a Java agent in some engines or agents. */
    private record Sabotaged(Hosts hosts, Broken broken, Path jar) implements Hosts {
        @Override
        public Host engine(String name, Path scratch) {
            return sabotaged(name, hosts.engine(name, scratch));
        }

        @Override
        public Host agent(String name, Path scratch) {
            return sabotaged(name, hosts.agent(name, scratch));
        }

        @Override
        public Host etcd(Path scratch) {
            return hosts.etcd(scratch);
        }

        private Host sabotaged(String name, Host host) {
            if (!broken.hosts().contains(name)) {
                return host;
            }
            var prefix = new ArrayList<>(host.prefix());
            prefix.addAll(List.of("env", "JAVA_TOOL_OPTIONS=-javaagent:" + jar + "=" + broken.mode()));
            return new Host(host.address(), prefix, host.dataDir());
        }
    }
}
