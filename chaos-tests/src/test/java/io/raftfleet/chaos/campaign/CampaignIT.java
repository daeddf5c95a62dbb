package io.raftfleet.chaos.campaign;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.raftfleet.chaos.check.Checks;
import io.raftfleet.chaos.check.Finding;
import io.raftfleet.chaos.cluster.Cluster;
import io.raftfleet.chaos.cluster.EtcdNode;
import io.raftfleet.chaos.history.Event;
import io.raftfleet.chaos.history.History;
import io.raftfleet.chaos.report.Report;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/**
 * One short campaign with a fixed seed, each kind of fault once. It keeps all promises; and its history, changed in one place, breaks
 * each of them.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class CampaignIT {
    private static final long SEED = 20_251;
    private static final List<String> KINDS = List.of(
            "kill",
            "pause",
            "stop",
            "hand-over",
            "agent-kill",
            "agent-pause",
            "bus-restart",
            "partition",
            "one-way",
            "loss",
            "delay",
            "append-restart",
            "power-loss",
            "slow-disk",
            "full-disk",
            "lost-disk",
            "corrupt-tail",
            "corrupt-middle",
            "clock-jump",
            "etcd-kill",
            "etcd-pause",
            "etcd-wipe");
    /** Without root there are only processes and their logs to break. */
    private static final int LEAST_KINDS = 8;

    private Campaign.Result result = new Campaign.Result(new History(List.of()), List.of(), Map.of(), Map.of());

    @BeforeAll
    void run() throws IOException, InterruptedException {
        // Not a temporary directory: it has all that there is to look at, should this fail.
        var dir = Evidence.fresh(Path.of("target", "campaigns"), SEED, LocalDateTime.now(ZoneId.systemDefault()));
        boolean hollow = !Cluster.systemdObstacle().isEmpty();
        var options = new CampaignOptions(
                SEED, Duration.ofMinutes(4), KINDS.size(), KINDS, 3, hollow, true, false, 6, dir.toAbsolutePath());
        System.out.println("CampaignIT: " + options.command());
        result = new Campaign(options, System.out::println).run();
        if (result.passed()) {
            Evidence.remove(dir);
        }
    }

    @Test
    void everyPromiseIsKept() {
        assertThat(result.findings()).allSatisfy(finding -> {
            assertThat(finding.violations()).as(finding.promise()).isEmpty();
            assertThat(finding.examined()).as(finding.promise()).isPositive();
        });
        assertThat(result.injected()).hasSizeGreaterThanOrEqualTo(LEAST_KINDS);
        System.out.println("[figure] faults " + result.injected() + ", skipped " + result.skipped());
    }

    @Test
    void theReportSaysSo() {
        var page = Report.page(result.history(), result.findings());
        assertThat(page)
                .contains("passed", "every unit is linearizable", "--seed " + SEED, "<svg")
                .doesNotContain("Broken:");
    }

    @Test
    void aReadOfSomethingElseIsSeen() {
        breaks("every unit is linearizable", changed(Event.Returned.class, event -> {
            var value = event.value();
            return value == null
                    ? event
                    : new Event.Returned(
                            event.at(),
                            event.op(),
                            event.outcome(),
                            event.code(),
                            new Event.UnitValue(value.contents(), "no such target"),
                            event.revision());
        }));
    }

    @Test
    void aLostWriteIsSeen() {
        var lost = result.history().operations().stream()
                .filter(op -> op.call().ledger() && op.returned().code().equals("OK"))
                .findFirst()
                .orElseThrow()
                .call()
                .unit();
        breaks("no acknowledged write is lost", changed(Event.Listed.class, page -> without(page, lost)));
    }

    @Test
    void aPageWithoutARowIsSeen() {
        breaks(
                "each list page is the registry at its revision",
                changed(
                        Event.Listed.class,
                        page -> page.rows().isEmpty()
                                ? page
                                : without(page, page.rows().getFirst().unit())));
    }

    @Test
    void anOldListIsSeen() {
        breaks(
                "no list but a stale one is older than what was acknowledged before",
                changed(
                        Event.Listed.class,
                        page -> new Event.Listed(
                                page.at(),
                                page.asked(),
                                page.client(),
                                page.engine(),
                                page.stale(),
                                page.after(),
                                page.last(),
                                new Event.Position(page.revision().incarnation(), 1, 0),
                                page.rows())));
    }

    @Test
    void aWatchThatMissesSomethingIsSeen() {
        breaks(
                "watches are complete and in order",
                changed(
                        Event.WatchFrame.class,
                        frame -> frame.watcher().equals("watch-e1")
                                        && !frame.changes().isEmpty()
                                ? new Event.WatchFrame(
                                        frame.at(),
                                        frame.watcher(),
                                        frame.upTo(),
                                        frame.changes()
                                                .subList(1, frame.changes().size()))
                                : frame));
    }

    @Test
    void anEngineWithAnotherRegistryIsSeen() {
        breaks(
                "engines at the same index hold the same registry",
                changed(
                        Event.EngineView.class,
                        view -> view.engine().equals("e2")
                                ? new Event.EngineView(view.at(), view.engine(), view.index(), "00")
                                : view));
    }

    @Test
    void aFollowerWithoutWhatItsLeaderCountsIsSeen() {
        breaks(
                "what a leader counts as matched is in that follower's log",
                changed(
                        Event.EngineLog.class,
                        log -> log.matched().isEmpty()
                                ? new Event.EngineLog(
                                        log.at(),
                                        log.asked(),
                                        log.engine(),
                                        log.term(),
                                        log.committed(),
                                        /* index= */ 1,
                                        log.matched())
                                : log));
    }

    @Test
    void aMachineLostForNothingIsSeen() {
        var events = new ArrayList<>(result.history().events());
        var machine =
                result.history().began().machines().values().iterator().next().getFirst();
        events.removeIf(Event.FaultBegan.class::isInstance);
        events.add(new Event.Presence(result.history().end(), machine, false));
        breaks("no machine is held for lost by a leader change", new History(events));
    }

    @Test
    void aUnitThatIsNotWhereTheClusterSaysIsSeen() {
        breaks(
                "list-units equals what the managers say",
                changed(Event.Managed.class, managed -> new Event.Managed(managed.at(), managed.machine(), List.of())));
    }

    @Test
    void aFencedUnitOnTwoMachinesIsSeen() {
        assumeTrue(Cluster.systemdObstacle().isEmpty(), Cluster.systemdObstacle());
        var began = result.history().began();
        var machines =
                began.machines().values().stream().map(List::getFirst).sorted().toList();
        var first = result.history()
                .all(Event.UnitRan.class)
                .filter(ran -> ran.unit().equals("fenced1.service"))
                .findFirst()
                .orElseThrow();
        var other = machines.get(machines.getFirst().equals(first.machine()) ? 1 : 0);
        long later = first.at() + Duration.ofMillis(500).toNanos();
        var events = new ArrayList<>(result.history().events());
        events.add(new Event.UnitRan(later, other, first.unit(), Event.Step.STARTED, "by a test"));
        breaks("no fenced unit ever runs on two machines at once", new History(events));
    }

    @Test
    void aMirrorThatLacksAKeyIsSeen() {
        assumeTrue(EtcdNode.obstacle().isEmpty(), EtcdNode.obstacle());
        breaks("the mirror in etcd equals the registry", changed(Event.Mirrored.class, mirrored -> {
            var etcd = new TreeMap<>(mirrored.etcd());
            etcd.remove("units/steady1.service");
            return new Event.Mirrored(mirrored.at(), mirrored.registry(), etcd);
        }));
    }

    @Test
    void aClusterThatDoesNotComeBackIsSeen() {
        breaks(
                "each fault does what the design says, and the cluster comes back",
                changed(Event.Settled.class, settled -> new Event.Settled(settled.at(), false, "told so by a test")));
    }

    private static Event.Listed without(Event.Listed page, String unit) {
        return new Event.Listed(
                page.at(),
                page.asked(),
                page.client(),
                page.engine(),
                page.stale(),
                page.after(),
                page.last(),
                page.revision(),
                page.rows().stream().filter(row -> !row.unit().equals(unit)).toList());
    }

    private <T extends Event> History changed(Class<T> type, UnaryOperator<T> change) {
        return new History(result.history().events().stream()
                .map(event -> type.isInstance(event) ? (Event) change.apply(type.cast(event)) : event)
                .toList());
    }

    private static void breaks(String promise, History history) {
        assertThat(Checks.run(history).stream()
                        .filter(finding -> !finding.violations().isEmpty())
                        .map(Finding::promise))
                .contains(promise);
    }
}
