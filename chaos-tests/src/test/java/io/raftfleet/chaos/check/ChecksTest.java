package io.raftfleet.chaos.check;

import static io.raftfleet.chaos.check.Histories.change;
import static io.raftfleet.chaos.check.Histories.row;
import static org.assertj.core.api.Assertions.assertThat;

import io.raftfleet.chaos.history.Event;
import io.raftfleet.chaos.history.Event.Kind;
import io.raftfleet.chaos.history.Event.Outcome;
import io.raftfleet.chaos.history.Event.Running;
import io.raftfleet.chaos.history.Event.Step;
import io.raftfleet.chaos.history.Event.UnitValue;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** Each check: a history that keeps its promise passes, one that breaks it in each way does not. */
class ChecksTest {
    private final Histories histories = new Histories();

    private Finding passes(Check check) {
        var finding = check.check(histories.history());
        assertThat(finding.violations()).isEmpty();
        assertThat(finding.passed()).isTrue();
        return finding;
    }

    private void breaks(Check check, String words) {
        var finding = check.check(histories.history());
        assertThat(finding.passed()).isFalse();
        assertThat(finding.violations()).isNotEmpty();
        assertThat(finding.violations().getFirst().what()).contains(words);
    }

    // --- linearizability --------------------------------------------------------------------------------------------

    @Test
    void aUnitsLife() {
        histories
                .read("r1.service", null)
                .write(Kind.CREATE, "r1.service", "v1", "inactive", "OK")
                .write(Kind.CREATE, "r1.service", "v2", "inactive", "ALREADY_EXISTS")
                .write(Kind.CREATE, "r1.service", "v1", "loaded", "UNCHANGED")
                .write(Kind.SET_TARGET, "r1.service", "", "loaded", "OK")
                .write(Kind.PUT, "r1.service", "v2", "launched", "201")
                .read("r1.service", new UnitValue("v2", "launched"))
                .write(Kind.PUT, "r1.service", "v2", "inactive", "204")
                .write(Kind.DESTROY, "r1.service", "", "", "OK")
                .write(Kind.DESTROY, "r1.service", "", "", "NOT_FOUND")
                .read("r1.service", null);
        passes(new LinearizableUnits());
    }

    @Test
    void aStaleReadIsNoLinearizableOne() {
        histories
                .write(Kind.CREATE, "r1.service", "v1", "inactive", "OK")
                .write(Kind.SET_TARGET, "r1.service", "", "loaded", "OK")
                .read("r1.service", new UnitValue("v1", "inactive"));
        breaks(new LinearizableUnits(), "r1.service");
    }

    @Test
    void anAcknowledgedWriteThatIsUndone() {
        histories.write(Kind.CREATE, "r1.service", "v1", "inactive", "OK").read("r1.service", null);
        breaks(new LinearizableUnits(), "r1.service");
    }

    @Test
    void aWriteDoneTwice() {
        histories
                .unknown(Kind.CREATE, "r1.service", "v1", "inactive")
                .read("r1.service", new UnitValue("v1", "inactive"))
                .write(Kind.DESTROY, "r1.service", "", "", "OK")
                .read("r1.service", new UnitValue("v1", "inactive"));
        breaks(new LinearizableUnits(), "r1.service");
    }

    @Test
    void aWriteOfUnknownOutcomeThatShowsLate() {
        histories
                .unknown(Kind.CREATE, "r1.service", "v1", "inactive")
                .read("r1.service", null)
                .read("r1.service", new UnitValue("v1", "inactive"));
        passes(new LinearizableUnits());
    }

    @Test
    void replacesAndRestarts() {
        histories
                .write(Kind.REPLACE, "r1.service", "v1", "inactive", "OK")
                .write(Kind.REPLACE, "r1.service", "v1", "loaded", "UNCHANGED")
                .read("r1.service", new UnitValue("v1", "inactive"))
                .write(Kind.REPLACE, "r1.service", "v2", "loaded", "REPLACED")
                .write(Kind.RESTART, "r1.service", "", "launched", "OK")
                .write(Kind.RESTART, "r1.service", "", "launched", "OK")
                .read("r1.service", new UnitValue("v2", "launched"))
                .write(Kind.RESTART, "r2.service", "", "launched", "NOT_FOUND")
                .staleRead("r1.service", new UnitValue("v1", "inactive"), 3);
        passes(new LinearizableUnits());
    }

    @Test
    void aReplacementThatDidNotHappen() {
        histories
                .write(Kind.REPLACE, "r1.service", "v1", "inactive", "OK")
                .write(Kind.REPLACE, "r1.service", "v2", "inactive", "REPLACED")
                .read("r1.service", new UnitValue("v1", "inactive"));
        breaks(new LinearizableUnits(), "r1.service");
    }

    @Test
    void aRestartOfWhatIsNotThere() {
        histories.write(Kind.RESTART, "r1.service", "", "launched", "OK");
        breaks(new LinearizableUnits(), "r1.service");
    }

    // --- stale reads ------------------------------------------------------------------------------------------------

    @Test
    void staleReadsOfAnyRevision() {
        histories
                .base("w", 1)
                .frame("w", 9, change(3, "r1.service", row("r1.service")), change(7, "r1.service", null))
                .staleRead("r1.service", null, 2)
                .staleRead("r1.service", new UnitValue("v1", "inactive"), 3)
                .staleRead("r1.service", new UnitValue("v1", "inactive"), 6)
                .staleRead("r1.service", null, 7);
        assertThat(passes(new UnitReads()).examined()).isEqualTo(4);
    }

    @Test
    void aStaleReadOfWhatNeverWas() {
        histories
                .base("w", 1)
                .frame("w", 9, change(3, "r1.service", row("r1.service")))
                .staleRead("r1.service", null, 4);
        breaks(new UnitReads(), "read of r1.service");
    }

    @Test
    void aReadThatStatesItsRevisionIsCheckedAtIt() {
        histories
                .base("w", 1)
                .frame("w", 9, change(3, "r1.service", row("r1.service")))
                .read("r1.service", null, 2)
                .read("r1.service", new UnitValue("v1", "inactive"), 3);
        assertThat(passes(new UnitReads()).examined()).isEqualTo(2);
        histories.read("r1.service", null, 4);
        breaks(new UnitReads(), "read of r1.service");
    }

    // --- machines' metadata -----------------------------------------------------------------------------------------

    @Test
    void metadataThatIsSetAndRemoved() {
        histories
                .readMetadata("m1/k", null)
                .patch("m1/k", "a", Outcome.ANSWERED, "OK")
                .readMetadata("m1/k", "a")
                .readMetadata("m2/k", null)
                .patch("m1/k", "b", Outcome.UNKNOWN, "UNAVAILABLE")
                .readMetadata("m1/k", "a")
                .readMetadata("m1/k", "b")
                .patch("m1/k", "", Outcome.ANSWERED, "204")
                .patch("m1/k", "c", Outcome.FAILED, "no connection")
                .readMetadata("m1/k", null);
        assertThat(new LinearizableMetadata().applies(histories.history())).isTrue();
        assertThat(passes(new LinearizableMetadata()).examined()).isEqualTo(9);
        assertThat(new LinearizableUnits().check(histories.history()).examined())
                .isZero();
    }

    @Test
    void metadataThatIsLost() {
        histories
                .patch("m1/k", "a", Outcome.ANSWERED, "OK")
                .patch("m1/k", "b", Outcome.ANSWERED, "OK")
                .readMetadata("m1/k", "a");
        breaks(new LinearizableMetadata(), "metadata key m1/k: no order of its operations");
    }

    @Test
    void metadataThatComesBack() {
        histories
                .patch("m1/k", "a", Outcome.ANSWERED, "OK")
                .patch("m1/k", "", Outcome.ANSWERED, "204")
                .readMetadata("m1/k", null)
                .readMetadata("m1/k", "a");
        breaks(new LinearizableMetadata(), "READ_METADATA");
    }

    @Test
    void aPatchThatIsAnsweredAsNothingToDo() {
        histories.patch("m1/k", "a", Outcome.ANSWERED, "UNCHANGED");
        breaks(new LinearizableMetadata(), "PATCH");
    }

    // --- acknowledged writes ----------------------------------------------------------------------------------------

    @Test
    void allThatWasAcknowledgedIsThere() {
        histories
                .ledger("w1.service", Outcome.ANSWERED, 3)
                .ledger("w2.service", Outcome.UNKNOWN, 4)
                .settled()
                .page(9, true, "", row("w1.service"));
        passes(new AcknowledgedWrites());
    }

    @Test
    void anAcknowledgedWriteThatIsGone() {
        histories.ledger("w1.service", Outcome.ANSWERED, 3).settled().page(9, true, "");
        breaks(new AcknowledgedWrites(), "w1.service was acknowledged");
    }

    @Test
    void aUnitThatNobodyMade() {
        histories.settled().page(9, true, "", row("w9.service"));
        breaks(new AcknowledgedWrites(), "nobody made it");
    }

    @Test
    void aUnitThatWasRefused() {
        histories.ledger("w1.service", Outcome.FAILED, 3).settled().page(9, true, "", row("w1.service"));
        breaks(new AcknowledgedWrites(), "certainly not done");
    }

    @Test
    void aCampaignThatDidNotSettleProvesNothing() {
        histories.ledger("w1.service", Outcome.ANSWERED, 3);
        assertThat(new AcknowledgedWrites().check(histories.history()).passed()).isFalse();
    }

    // --- logs -------------------------------------------------------------------------------------------------------

    @Test
    void followersHoldWhatTheirLeadersCount() {
        histories.log("e1", 3, 7, 9, Map.of("e2", 8L, "e3", 5L)).log("e2", 3, 7, 8, Map.of())
                .log("e3", 3, 5, 9, Map.of())
                // A later leader makes it give up what was not committed.
                .log("e2", 4, 7, 7, Map.of());
        passes(new MatchedLogs());
    }

    @Test
    void aFollowerLacksWhatItsLeaderCounts() {
        histories.log("e1", 3, 4, 9, Map.of("e2", 8L)).log("e2", 3, 4, 7, Map.of());
        breaks(
                new MatchedLogs(),
                "e2 holds entries up to 7, though e1, leader of term 3, had counted its ones up to 8");
    }

    @Test
    void aFollowerThatLosesCommittedEntriesIsSeenInLaterTermsToo() {
        histories.log("e1", 3, 6, 9, Map.of("e2", 8L)).log("e2", 5, 4, 5, Map.of());
        breaks(new MatchedLogs(), "had counted its committed ones up to 6");
    }

    @Test
    void whatALeaderCountsAfterTheFollowerWasAskedSaysNothing() {
        long asked = histories.at();
        histories
                .log("e1", 3, 4, 9, Map.of("e2", 8L))
                .add(new Event.EngineLog(histories.at(), asked, "e2", 3, 4, 7, Map.of()))
                .log("e2", 3, 4, 8, Map.of());
        passes(new MatchedLogs());
    }

    // --- lists ------------------------------------------------------------------------------------------------------

    private void registry() {
        histories
                .base("w", 1, row("a.service"))
                .frame("w", 5, change(3, "b.service", row("b.service")))
                .frame("w", 9, change(6, "a.service", null));
    }

    @Test
    void pagesOfTheRegistry() {
        registry();
        histories
                .page(2, true, "", row("a.service"))
                .page(4, false, "", row("a.service"))
                .page(4, true, "a.service", row("b.service"))
                .page(7, true, "", row("b.service"));
        assertThat(passes(new ListPages()).examined()).isEqualTo(4);
    }

    @Test
    void aPageThatLacksARow() {
        registry();
        histories.page(4, true, "", row("a.service"));
        breaks(new ListPages(), "b.service");
    }

    @Test
    void aPageWithARowTooMany() {
        registry();
        histories.page(7, true, "", row("a.service"), row("b.service"));
        breaks(new ListPages(), "a.service");
    }

    @Test
    void aPageThatIsOlderThanItSays() {
        registry();
        histories.page(7, true, "", row("a.service"));
        breaks(new ListPages(), "not the registry at 7");
    }

    @Test
    void aPageThatNoWatchCoversIsToldOf() {
        registry();
        histories.page(40, true, "", row("a.service"));
        assertThat(new ListPages().check(histories.history()).unexamined()).contains("1 of 1");
    }

    @Test
    void listsThatKeepUpWithWhatWasAcknowledged() {
        histories
                .ledger("a.service", Outcome.ANSWERED, 3)
                .page(3, true, "", row("a.service"))
                .ledger("b.service", Outcome.UNKNOWN, 5)
                .page(4, true, "", row("a.service"));
        assertThat(passes(new FreshLists()).examined()).isEqualTo(2);
    }

    @Test
    void aListFromBeforeAnAcknowledgedWrite() {
        histories.ledger("a.service", Outcome.ANSWERED, 3).page(2, true, "");
        breaks(new FreshLists(), "had been answered before it was asked for");
    }

    @Test
    void aListFromBeforeAnotherList() {
        histories.page(4, true, "").page(3, true, "");
        breaks(new FreshLists(), "had been answered before it was asked for");
    }

    // --- watches ----------------------------------------------------------------------------------------------------

    @Test
    void watchersThatAgree() {
        registry();
        histories
                .base("v", 2, row("a.service"))
                .frame("v", 9, change(3, "b.service", row("b.service")), change(6, "a.service", null));
        passes(new WatchOrder());
    }

    @Test
    void aWatcherThatMissesAChange() {
        registry();
        histories.base("v", 2, row("a.service")).frame("v", 9, change(6, "a.service", null));
        breaks(new WatchOrder(), "were not told the same");
    }

    @Test
    void aWatcherThatIsToldSomethingElse() {
        registry();
        histories
                .base("v", 2, row("a.service"))
                .frame("v", 9, change(3, "b.service", row("c.service")), change(6, "a.service", null));
        breaks(new WatchOrder(), "were not told the same");
    }

    @Test
    void changesOutOfOrder() {
        histories
                .base("w", 1)
                .frame("w", 9, change(6, "a.service", row("a.service")), change(3, "b.service", row("b.service")));
        breaks(new WatchOrder(), "was told of");
    }

    @Test
    void anAcknowledgedWriteThatIsNotTold() {
        histories.ledger("w1.service", Outcome.ANSWERED, 4).base("w", 1).frame("w", 9);
        breaks(new WatchOrder(), "not told of w1.service");
    }

    // --- engines ----------------------------------------------------------------------------------------------------

    @Test
    void enginesThatDiverge() {
        histories.add(new Event.EngineView(1, "e1", 5, "aa")).add(new Event.EngineView(2, "e2", 5, "aa"));
        passes(new EqualRegistries());
        histories.add(new Event.EngineView(3, "e3", 5, "bb"));
        breaks(new EqualRegistries(), "different registries at index 5");
    }

    // --- machines ---------------------------------------------------------------------------------------------------

    @Test
    void aUnitThatRunsOn() {
        histories.ran("m1", "steady1.service", Step.STARTED);
        passes(new UndisturbedUnits());
    }

    @Test
    void aUnitThatIsRestarted() {
        histories
                .ran("m1", "steady1.service", Step.STARTED)
                .ran("m1", "steady1.service", Step.STOPPED)
                .ran("m1", "steady1.service", Step.STARTED);
        breaks(new UndisturbedUnits(), "STOPPED on machine m1");
    }

    @Test
    void aUnitThatMovesFromALostMachine() {
        histories
                .ran("m1", "steady1.service", Step.STARTED)
                .presence("m1", false)
                .ran("m2", "steady1.service", Step.STARTED)
                .presence("m1", true)
                .ran("m1", "steady1.service", Step.STOPPED);
        passes(new UndisturbedUnits());
    }

    @Test
    void aUnitThatMovesFromALostMachineBeforeAWatchTellsOfTheLoss() {
        histories
                .ran("m1", "steady1.service", Step.STARTED)
                .ran("m2", "steady1.service", Step.STARTED)
                .presence("m1", false)
                .presence("m1", true)
                .ran("m1", "steady1.service", Step.STOPPED);
        passes(new UndisturbedUnits());
    }

    @Test
    void aUnitThatMovesLongBeforeItsMachineIsLost() {
        histories
                .ran("m1", "steady1.service", Step.STARTED)
                .ran("m2", "steady1.service", Step.STARTED)
                .skip(10)
                .presence("m1", false);
        breaks(new UndisturbedUnits(), "STARTED on machine m2");
    }

    @Test
    void aUnitThatMovesFromAMachineThatIsThere() {
        histories.ran("m1", "steady1.service", Step.STARTED).ran("m2", "steady1.service", Step.STARTED);
        breaks(new UndisturbedUnits(), "STARTED on machine m2");
    }

    @Test
    void aUnitThatNeverRan() {
        breaks(new UndisturbedUnits(), "never seen to start");
    }

    @Test
    void aUnitOnTwoConnectedMachines() {
        histories
                .ran("m1", "r1.service", Step.STARTED)
                .skip(60)
                .ran("m2", "r1.service", Step.STARTED)
                .ran("m1", "r1.service", Step.STOPPED);
        breaks(new OneMachine(), "r1.service ran on m1 and m2");
    }

    @Test
    void aUnitThatAMachineTakesTooLongToGiveUp() {
        histories
                .ran("m1", "r1.service", Step.STARTED)
                .presence("m1", false)
                .ran("m2", "r1.service", Step.STARTED)
                .presence("m1", true)
                .skip(60)
                .ran("m1", "r1.service", Step.STOPPED);
        breaks(new OneMachine(), "r1.service ran on m1 and m2");
    }

    @Test
    void aUnitThatALostMachineGivesUpWhenItIsBack() {
        histories
                .ran("m1", "r1.service", Step.STARTED)
                .presence("m1", false)
                .ran("m2", "r1.service", Step.STARTED)
                .skip(60)
                .presence("m1", true)
                .ran("m1", "r1.service", Step.STOPPED);
        passes(new OneMachine());
    }

    @Test
    void aMachineThatIsLostForNothing() {
        histories.presence("m1", false);
        breaks(new HeardMachines(), "m1 was lost");
    }

    @Test
    void aMachineThatIsLostBecauseItWasCutOff() {
        histories
                .add(new Event.FaultBegan(histories.at(), 1, "partition", List.of("a1"), ""))
                .presence("m1", false);
        passes(new HeardMachines());
    }

    // --- the end ----------------------------------------------------------------------------------------------------

    @Test
    void statesThatAgree() {
        histories.states(
                List.of(new Running("a.service", "m1", "active", 5), new Running("b.service", "m1", "inactive", 0)),
                List.of(new Running("a.service", "m1", "active", 5)));
        passes(new SettledStates());
    }

    @Test
    void aUnitThatTheClusterDoesNotKnowToRun() {
        histories.states(List.of(), List.of(new Running("a.service", "m1", "active", 5)));
        breaks(new SettledStates(), "a.service on m1");
    }

    @Test
    void aUnitThatTheClusterTakesForRunning() {
        histories.states(List.of(new Running("a.service", "m1", "active", 5)), List.of());
        breaks(new SettledStates(), "a.service on m1");
    }

    @Test
    void anotherProcessThanTheClusterSays() {
        histories.states(
                List.of(new Running("a.service", "m1", "active", 5)),
                List.of(new Running("a.service", "m1", "active", 6)));
        breaks(new SettledStates(), "a.service on m1");
    }

    // --- pages over HTTP ---------------------------------------------------------------------------------------------

    private void httpPage(long askedSecondsAgo, boolean last, String after, Event.Row... rows) {
        long at = histories.at();
        histories.add(new Event.HttpListed(
                at, at - TimeUnit.SECONDS.toNanos(askedSecondsAgo), "h", "e1", after, last, null, List.of(rows)));
    }

    /** One that states its revision. */
    private void datedHttpPage(long index, Event.Row... rows) {
        long at = histories.at();
        histories.add(new Event.HttpListed(at, at, "h", "e1", "", true, Histories.revision(index), List.of(rows)));
    }

    @Test
    void aPageOverHttpThatStatesItsRevisionIsCheckedLikeAnyOther() {
        aAndBThenOnlyA();
        datedHttpPage(3, row("a.service"), row("b.service"));
        assertThat(new HttpPages().applies(histories.history())).isFalse();
        assertThat(passes(new ListPages()).examined()).isEqualTo(1);
        datedHttpPage(4, row("a.service"), row("b.service"));
        breaks(new ListPages(), "page behind \"\" is not the registry at 4");
    }

    @Test
    void aPageOverHttpThatIsOlderThanOneBefore() {
        datedHttpPage(4, row("a.service"));
        datedHttpPage(3, row("a.service"));
        breaks(new FreshLists(), "had been answered before it was asked for");
    }

    /** A watch that tells of units a and b, then of b's end, at 2 s, 3 s and 4 s. */
    private void aAndBThenOnlyA() {
        histories
                .base("w1", 1)
                .frame("w1", 2, change(2, "a.service", row("a.service")))
                .frame("w1", 3, change(3, "b.service", row("b.service")))
                .frame("w1", 4, change(4, "b.service", null));
    }

    @Test
    void aPageOfAnyMomentSinceItWasAskedFor() {
        aAndBThenOnlyA();
        httpPage(2, true, "", row("a.service"), row("b.service"));
        httpPage(1, true, "", row("a.service"));
        httpPage(1, false, "", row("a.service"));
        histories.skip(20).frame("w1", 5);
        assertThat(passes(new HttpPages()).examined()).isEqualTo(3);
    }

    @Test
    void aPageOfBeforeItWasAskedFor() {
        aAndBThenOnlyA();
        httpPage(0, true, "", row("a.service"), row("b.service"));
        histories.skip(20).frame("w1", 5);
        breaks(new HttpPages(), "behind \"\" is not the registry");
    }

    @Test
    void aPageOverHttpThatLacksARow() {
        aAndBThenOnlyA();
        httpPage(2, true, "");
        histories.skip(20).frame("w1", 5);
        breaks(new HttpPages(), "is not the registry");
    }

    @Test
    void aPageThatNoWatchCoversProvesNothing() {
        aAndBThenOnlyA();
        httpPage(2, true, "");
        assertThat(new HttpPages().check(histories.history()).passed()).isFalse();
    }

    // --- fences -----------------------------------------------------------------------------------------------------

    @Test
    void aFencedUnitThatMovesOnceItHasStopped() {
        histories
                .ran("m1", "f1.service", Step.STARTED)
                .ran("m1", "f1.service", Step.STOPPED)
                .ran("m2", "f1.service", Step.STARTED)
                .ran("m2", "f1.service", Step.STOPPED)
                .ran("m1", "f1.service", Step.STARTED);
        passes(new FencedUnits());
    }

    @Test
    void aFencedUnitOnAMachineThatCrashed() {
        histories
                .ran("m1", "f1.service", Step.STARTED)
                .add(new Event.MachineCrashed(histories.at(), "m1"))
                .ran("m2", "f1.service", Step.STARTED);
        passes(new FencedUnits());
    }

    @Test
    void aFencedUnitThatRestartsInPlace() {
        histories
                .ran("m1", "f1.service", Step.STARTED)
                .ran("m1", "f1.service", Step.STOPPED)
                .ran("m1", "f1.service", Step.STARTED);
        passes(new FencedUnits());
    }

    @Test
    void othersMayRunTwiceWhileTheirMachineIsLost() {
        histories
                .ran("m1", "f1.service", Step.STARTED)
                .ran("m1", "r1.service", Step.STARTED)
                .presence("m1", false)
                .ran("m2", "r1.service", Step.STARTED);
        passes(new FencedUnits());
    }

    @Test
    void aFencedUnitOnALostMachineAndAnotherOne() {
        histories
                .add(new Event.FaultBegan(histories.at(), 1, "partition", List.of("a1"), ""))
                .ran("m1", "f1.service", Step.STARTED)
                .skip(20)
                .presence("m1", false)
                .ran("m2", "f1.service", Step.STARTED)
                .ran("m1", "f1.service", Step.STOPPED);
        breaks(new FencedUnits(), "f1.service ran on m1 and m2 at once for 1000 ms");
        assertThat(new OneMachine().check(histories.history()).violations()).isEmpty();
    }

    @Test
    void aFencedUnitThatRunsOnBehindAShorterRun() {
        histories
                .ran("m1", "f1.service", Step.STARTED)
                .ran("m2", "f1.service", Step.STARTED)
                .ran("m2", "f1.service", Step.STOPPED)
                .ran("m2", "f1.service", Step.STARTED)
                .ran("m2", "f1.service", Step.STOPPED);
        assertThat(new FencedUnits().check(histories.history()).violations()).hasSize(2);
    }

    // --- the mirror -------------------------------------------------------------------------------------------------

    private void mirrored(Map<String, String> registry, Map<String, String> etcd) {
        histories.add(new Event.Mirrored(histories.at(), registry, etcd));
    }

    @Test
    void theSameInEtcd() {
        mirrored(Map.of("units/a.service", "{x}"), Map.of("units/a.service", "{x}"));
        passes(new EqualMirror());
    }

    @Test
    void aKeyThatIsMissingInEtcd() {
        mirrored(Map.of("units/a.service", "{x}", "units/b.service", "{x}"), Map.of("units/b.service", "{x}"));
        breaks(new EqualMirror(), "key units/a.service is missing in etcd");
    }

    @Test
    void aKeyThatNobodyPutIntoEtcd() {
        mirrored(Map.of(), Map.of("schedule/a.service", "{machine=m1}"));
        breaks(new EqualMirror(), "nothing in the registry");
    }

    @Test
    void anotherValueInEtcd() {
        mirrored(Map.of("units/a.service", "{x}"), Map.of("units/a.service", "{y}"));
        breaks(new EqualMirror(), "key units/a.service is {y} in etcd, and {x} in the registry");
    }

    @Test
    void aMirrorThatNobodyLookedAt() {
        assertThat(new EqualMirror().check(histories.history()).passed()).isFalse();
    }

    @Test
    void somethingThatMustHappenAndDoesNot() {
        histories.add(new Event.Expected(1, 1, "a damaged log is refused", false, "it runs on"));
        breaks(new Expectations(), "a damaged log is refused");
    }
}
