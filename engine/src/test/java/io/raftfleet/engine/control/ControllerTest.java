package io.raftfleet.engine.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatObject;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import io.grpc.Context;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.raftfleet.engine.access.Caller;
import io.raftfleet.identity.Role;
import io.raftfleet.proto.fleet.CreateUnitsRequest;
import io.raftfleet.proto.fleet.DestroyUnitsRequest;
import io.raftfleet.proto.fleet.ItemCode;
import io.raftfleet.proto.fleet.ItemResult;
import io.raftfleet.proto.fleet.MachinePatch;
import io.raftfleet.proto.fleet.NewUnit;
import io.raftfleet.proto.fleet.PatchMachinesRequest;
import io.raftfleet.proto.fleet.RequestId;
import io.raftfleet.proto.fleet.SetTargetStatesRequest;
import io.raftfleet.proto.fleet.TargetStateChange;
import io.raftfleet.proto.fleet.WriteResponse;
import io.raftfleet.proto.log.Record;
import io.raftfleet.proto.log.SessionOpened;
import io.raftfleet.proto.log.UnitCreated;
import io.raftfleet.proto.model.TargetState;
import io.raftfleet.state.EntryFormats;
import io.raftfleet.state.Registry;
import io.raftfleet.state.RegistryView;
import io.raftfleet.state.UnitRecord;
import io.raftfleet.unit.limits.Limits;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class ControllerTest {
    private static final String PLAIN = "[Service]\nExecStart=/bin/true\n";
    private static final String ON_SSD = PLAIN + "\n[X-Fleet]\nMachineMetadata=disk=ssd\n";

    private static final Duration LIMIT = Duration.ofSeconds(10);

    private final Registry registry = new Registry(1000);
    private final MemoryLog raft = new MemoryLog(registry);
    private final SettableClock clock = new SettableClock();
    private final LinkedBlockingQueue<String> leadership = new LinkedBlockingQueue<>();
    private final AtomicInteger replies = new AtomicInteger();
    private final Controller controller = new Controller(
            new Controller.Inputs("e1", registry, raft, clock, new Random(7)),
            new Recorded(),
            new NoMetrics(),
            reply -> {
                replies.incrementAndGet();
                reply.run();
            });
    private final LocalWrites writes = new LocalWrites(controller, LocalWrites.AfterCommit.NOTHING);

    ControllerTest() {
        controller.start();
    }

    @AfterEach
    void close() {
        controller.close();
    }

    @Test
    void aUnitIsCreatedAndPlacedInOneEntry() throws Exception {
        lead(1);
        open("m1", Map.of());
        int before = raft.entries().size();
        assertThat(create(1, unit("a.service", PLAIN, TargetState.TARGET_STATE_LAUNCHED)))
                .containsExactly(ItemCode.ITEM_CODE_OK);
        assertThat(raft.entries()).hasSize(before + 1);
        assertThat(record("a.service").machineId()).isEqualTo("m1");
    }

    @Test
    void anEntrySaysWhatANewUnitWantsOnceAllEnginesReadThat() throws Exception {
        lead(1);
        raft.agree(2);
        create(1, unit("old.service", ON_SSD, TargetState.TARGET_STATE_INACTIVE));
        raft.agree(EntryFormats.WITH_FACTS);
        create(2, unit("new.service", ON_SSD, TargetState.TARGET_STATE_INACTIVE));

        assertThat(created("old.service").hasFacts()).isFalse();
        assertThat(created("new.service").getFacts().getMetadataList())
                .singleElement()
                .satisfies(choice -> assertThat(choice.getKey()).isEqualTo("disk"));
        assertThat(raft.entries().getLast().getFormat()).isEqualTo(EntryFormats.WITH_FACTS);
        assertThat(record("old.service").wants())
                .isEqualTo(record("new.service").wants());
    }

    @Test
    void whoChangedAUnitIsWhoeverAskedForItLast() throws Exception {
        lead(1);
        open("m1", Map.of());
        var alice = new Caller(Caller.Kind.USER, "alice", Optional.of(Role.OPERATOR));
        alice.in(Context.ROOT).call(() -> create(1, unit("a.service", PLAIN, TargetState.TARGET_STATE_INACTIVE)));
        assertThat(record("a.service").changed().by()).isEqualTo("user/alice");
        var loaded =
                TargetStateChange.newBuilder().setName("a.service").setTargetState(TargetState.TARGET_STATE_LOADED);
        Caller.LOCAL
                .in(Context.ROOT)
                .call(() -> get(writes.setTargetStates(
                        SetTargetStatesRequest.newBuilder()
                                .setRequestId(id(2))
                                .addChanges(loaded)
                                .build(),
                        LIMIT)));
        awaitMachine("a.service", "m1");
        assertThat(record("a.service").changed().by())
                .as("the scheduler is nobody")
                .isEqualTo("unix socket");
    }

    /** Engines that read stored files themselves may be of a version that reads this one otherwise, or not at all. */
    @Test
    void aFileThatAnOlderEngineMayNotReadIsRefusedUntilItIsUpgraded() throws Exception {
        lead(1);
        var text = "[Service]\n" + "Environment=A=b\n".repeat(200) + "ExecStart=/bin/" + "x".repeat(2100) + "\n";
        raft.agree(2);

        var refused = writes.createUnits(
                        request(1, unit("long.service", text, TargetState.TARGET_STATE_INACTIVE)), LIMIT)
                .get(10, TimeUnit.SECONDS)
                .getResults(0);
        assertThat(refused.getCode()).isEqualTo(ItemCode.ITEM_CODE_REFUSED);
        assertThat(refused.getMessage()).contains("long.service", "upgrade all engines first");

        raft.agree(EntryFormats.WITH_FACTS);
        assertThat(create(2, unit("long.service", text, TargetState.TARGET_STATE_INACTIVE)))
                .containsExactly(ItemCode.ITEM_CODE_OK);
    }

    /** fleet: "A circular replacement between multiple units is not allowed." */
    @Test
    void unitsThatReplaceEachOtherInACircleAreRefused() throws Exception {
        lead(1);
        create(1, replacing("a.service", "b.service"), replacing("b.service", "c*"));
        assertThat(refusal(2, replacing("b.service", "a.service")))
                .startsWith(
                        "unit b.service: [X-Fleet] Replaces: it would replace a.service, which replaces b.service: ");
        assertThat(refusal(3, replacing("c@1.service", "[a-b].service")))
                .startsWith(
                        "unit c@1.service: [X-Fleet] Replaces: it would replace b.service, which replaces c@1.service: ");
        assertThat(refusal(4, replacing("c@1.service", "a.service")))
                .startsWith(
                        "unit c@1.service: [X-Fleet] Replaces: it would replace a.service, which replaces b.service,"
                                + " which replaces c@1.service: ");
    }

    /** What follows a unit moves with it, and so may drive off what drove it off. */
    @Test
    void aCircleOfReplacesThroughFollowersIsRefused() throws Exception {
        lead(1);
        create(
                1,
                unit("e.service", PLAIN, TargetState.TARGET_STATE_INACTIVE),
                unit("q.service", PLAIN + "\n[X-Fleet]\nMachineOf=e.service\n", TargetState.TARGET_STATE_INACTIVE));
        var follower = "\n[X-Fleet]\nMachineOf=q.service\nReplaces=";
        assertThat(refusal(2, unit("p.service", PLAIN + follower + "e.service\n", TargetState.TARGET_STATE_INACTIVE)))
                .startsWith(
                        "unit p.service: [X-Fleet] Replaces: it would replace e.service, which is followed by q.service,"
                                + " which is followed by p.service: ");
        create(
                3,
                unit(
                        "p2.service",
                        PLAIN + "\n[X-Fleet]\nMachineOf=q2.service\nReplaces=e.service\n",
                        TargetState.TARGET_STATE_INACTIVE));
        assertThat(refusal(
                        4,
                        unit(
                                "q2.service",
                                PLAIN + "\n[X-Fleet]\nMachineOf=e.service\n",
                                TargetState.TARGET_STATE_INACTIVE)))
                .startsWith(
                        "unit q2.service: [X-Fleet] MachineOf: it would be followed by p2.service, which replaces e.service,"
                                + " which is followed by q2.service: ");
        assertThat(create(
                        5,
                        unit(
                                "r.service",
                                PLAIN + "\n[X-Fleet]\nMachineOf=e.service\nReplaces=x.service\n",
                                TargetState.TARGET_STATE_INACTIVE)))
                .containsExactly(ItemCode.ITEM_CODE_OK);
    }

    @Test
    void whatReplacesOthersWithoutACircleIsTaken() throws Exception {
        lead(1);
        assertThat(create(
                        1,
                        replacing("a.service", "*"), // itself is not among them
                        replacing("t@.service", "a.service"), // is on no machine, and an instance would be refused
                        unit("b.service", PLAIN, TargetState.TARGET_STATE_LAUNCHED)))
                .containsOnly(ItemCode.ITEM_CODE_OK);
        assertThat(refusal(2, replacing("t@1.service", "a.service"))).contains("it would replace a.service");
        get(writes.createUnits(
                request(3, unit("a.service", PLAIN, TargetState.TARGET_STATE_LAUNCHED)).toBuilder()
                        .setReplace(true)
                        .build(),
                LIMIT));
        assertThat(create(4, replacing("t@1.service", "a.service"))).containsExactly(ItemCode.ITEM_CODE_OK);
    }

    @Test
    void aCircleWithinOneCallIsRefused() throws Exception {
        lead(1);
        assertThat(create(1, replacing("a.service", "b.service"), replacing("b.service", "a.service")))
                .containsExactly(ItemCode.ITEM_CODE_OK, ItemCode.ITEM_CODE_REFUSED);
    }

    private String refusal(int id, NewUnit unit) throws Exception {
        var result = get(writes.createUnits(
                        request(id, unit).toBuilder().setReplace(true).build(), LIMIT))
                .getResults(0);
        assertThat(result.getCode()).isEqualTo(ItemCode.ITEM_CODE_REFUSED);
        return result.getMessage();
    }

    private static NewUnit replacing(String name, String pattern) {
        return unit(name, PLAIN + "\n[X-Fleet]\nReplaces=" + pattern + "\n", TargetState.TARGET_STATE_INACTIVE);
    }

    /** As when another engine leads by now and has created the unit, and this one does not know it yet. */
    @Test
    void whatIsAppliedWhileItDecidesHasAllBeDecidedAgain() throws Exception {
        lead(1);
        open("m1", Map.of());
        // First it looks what the time is, before anything is decided.
        clock.onceRead(() -> clock.onceRead(() -> {
            try (var other = new Controller(
                    new Controller.Inputs("e2", registry, raft, InstantSource.fixed(clock.now), new Random(8)),
                    new Recorded(),
                    new NoMetrics(),
                    Runnable::run)) {
                other.start();
                other.leaderStarted(2);
                var theirs = new LocalWrites(other, LocalWrites.AfterCommit.NOTHING);
                var unused = theirs.createUnits(
                                request(1, unit("a.service", PLAIN, TargetState.TARGET_STATE_LAUNCHED)), LIMIT)
                        .get(10, TimeUnit.SECONDS);
            } catch (Exception e) {
                throw new IllegalStateException(e);
            }
        }));

        var codes = create(2, unit("a.service", PLAIN, TargetState.TARGET_STATE_LAUNCHED));

        assertThat(codes).containsExactly(ItemCode.ITEM_CODE_UNCHANGED);
        awaitMachine("a.service", "m1");
        assertThat(raft.entries().stream()
                        .flatMap(entry -> entry.getRecordsList().stream())
                        .filter(Record::hasUnitCreated))
                .hasSize(1);
    }

    private UnitCreated created(String name) {
        return raft.entries().stream()
                .flatMap(entry -> entry.getRecordsList().stream())
                .map(Record::getUnitCreated)
                .filter(record -> record.getName().equals(name))
                .findFirst()
                .orElseThrow();
    }

    @Test
    void whatDoesNotLeadDecidesNothing() {
        var reply = writes.createUnits(request(1, unit("a.service", PLAIN, TargetState.TARGET_STATE_LOADED)), LIMIT);
        assertThatThrownBy(() -> get(reply))
                .cause()
                .isInstanceOfSatisfying(
                        Abandoned.class, e -> assertThat(e.fateUnknown()).isFalse());
        assertThat(raft.entries()).isEmpty();
    }

    @Test
    void itemsOfACallSeeTheOnesBefore() throws Exception {
        lead(1);
        assertThat(create(
                        1,
                        unit("a.service", PLAIN, TargetState.TARGET_STATE_INACTIVE),
                        unit("a.service", PLAIN, TargetState.TARGET_STATE_INACTIVE),
                        unit("a.service", ON_SSD, TargetState.TARGET_STATE_INACTIVE),
                        unit("bad name.service", PLAIN, TargetState.TARGET_STATE_INACTIVE),
                        unit("t@.service", PLAIN, TargetState.TARGET_STATE_LAUNCHED)))
                .containsExactly(
                        ItemCode.ITEM_CODE_OK,
                        ItemCode.ITEM_CODE_UNCHANGED,
                        ItemCode.ITEM_CODE_ALREADY_EXISTS,
                        ItemCode.ITEM_CODE_INVALID,
                        ItemCode.ITEM_CODE_REFUSED);
        int units = registry.read(view -> view.units().size());
        assertThat(units).isEqualTo(1);
    }

    @Test
    void aRetryIsAnsweredAndNotDoneAgain() throws Exception {
        lead(1);
        open("m1", Map.of());
        create(1, unit("a.service", PLAIN, TargetState.TARGET_STATE_LAUNCHED));
        var restart = SetTargetStatesRequest.newBuilder()
                .setRequestId(id(2))
                .addChanges(TargetStateChange.newBuilder()
                        .setName("a.service")
                        .setTargetState(TargetState.TARGET_STATE_LAUNCHED)
                        .setStartAgain(true))
                .build();
        var first = get(writes.setTargetStates(restart, LIMIT));
        long generation = record("a.service").startGeneration();
        var second = get(writes.setTargetStates(restart, LIMIT));
        assertThat(second.getResultsList()).isEqualTo(first.getResultsList());
        assertThat(record("a.service").startGeneration()).isEqualTo(generation);
    }

    @Test
    void whatIsOnlyLoadedIsStoppedOnceMoreByALaterGeneration() throws Exception {
        lead(1);
        open("m1", Map.of());
        create(1, unit("a.service", PLAIN, TargetState.TARGET_STATE_LOADED));
        long before = record("a.service").startGeneration();
        int entries = raft.entries().size();
        assertThat(stopAgain(2, TargetState.TARGET_STATE_LOADED)).isEqualTo(ItemCode.ITEM_CODE_OK);
        assertThat(raft.entries()).hasSize(entries + 1);
        assertThat(record("a.service").target()).isEqualTo(TargetState.TARGET_STATE_LOADED);
        assertThat(record("a.service").machineId()).isEqualTo("m1");
        assertThat(record("a.service").startGeneration()).isGreaterThan(before);
        assertThat(stopAgain(3, TargetState.TARGET_STATE_LAUNCHED)).isEqualTo(ItemCode.ITEM_CODE_INVALID);
    }

    private ItemCode stopAgain(int id, TargetState target) throws Exception {
        var request = SetTargetStatesRequest.newBuilder()
                .setRequestId(id(id))
                .addChanges(TargetStateChange.newBuilder()
                        .setName("a.service")
                        .setTargetState(target)
                        .setStopAgain(true))
                .build();
        return get(writes.setTargetStates(request, LIMIT)).getResults(0).getCode();
    }

    @Test
    void aRequestThatComesTwiceAtOnceGetsOneAnswer() throws Exception {
        lead(1);
        for (int i = 1; i <= 50; i++) {
            var call = request(i, unit("u" + i + ".service", PLAIN, TargetState.TARGET_STATE_INACTIVE));
            var first = writes.createUnits(call, LIMIT);
            var second = writes.createUnits(call, LIMIT);
            assertThat(codes(get(first))).containsExactly(ItemCode.ITEM_CODE_OK);
            assertThat(codes(get(second))).containsExactly(ItemCode.ITEM_CODE_OK);
        }
    }

    @Test
    void whatChangesNothingIsNotAnsweredByALeaderThatCanCommitNothing() throws Exception {
        lead(1);
        create(1, unit("a.service", PLAIN, TargetState.TARGET_STATE_INACTIVE));
        raft.next(MemoryLog.Fate.LOST);
        var same = writes.createUnits(request(2, unit("a.service", PLAIN, TargetState.TARGET_STATE_INACTIVE)), LIMIT);
        assertThatThrownBy(() -> get(same)).isInstanceOf(ExecutionException.class);
    }

    @Test
    void aUnitMadeAnewAtOnceIsThere() throws Exception {
        lead(1);
        for (int i = 1; i <= 100; i++) {
            var destroyed = writes.destroyUnits(
                    DestroyUnitsRequest.newBuilder()
                            .setRequestId(id(2 * i))
                            .addNames("a.service")
                            .build(),
                    LIMIT);
            var created = writes.createUnits(
                    request(2 * i + 1, unit("a.service", PLAIN, TargetState.TARGET_STATE_INACTIVE)), LIMIT);
            get(destroyed);
            assertThat(codes(get(created))).containsExactly(ItemCode.ITEM_CODE_OK);
            assertThat(record("a.service").target()).isEqualTo(TargetState.TARGET_STATE_INACTIVE);
        }
        assertThat(raft.entries())
                .as("both in one entry, at least once")
                .anyMatch(entry -> entry.getRecordsList().stream().anyMatch(Record::hasUnitDestroyed)
                        && entry.getRecordsList().stream().anyMatch(Record::hasUnitCreated));
    }

    @Test
    void whatDidNotHoldWhenItWasAppliedIsNoSuccess() throws Exception {
        lead(1);
        raft.next(MemoryLog.Fate.DECIDED_WRONGLY);
        var reply = writes.createUnits(request(1, unit("a.service", PLAIN, TargetState.TARGET_STATE_INACTIVE)), LIMIT);
        assertThatThrownBy(() -> get(reply))
                .cause()
                .isInstanceOfSatisfying(
                        StatusRuntimeException.class,
                        e -> assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.INTERNAL));
        assertThat(create(2, unit("b.service", PLAIN, TargetState.TARGET_STATE_INACTIVE)))
                .containsExactly(ItemCode.ITEM_CODE_OK);
        assertThat(leadership).as("changes of leadership").isEmpty();
    }

    @Test
    void whatCouldNotBeWrittenCertainlyWasNotDone() throws Exception {
        lead(1);
        raft.next(MemoryLog.Fate.UNAVAILABLE);
        var call = request(1, unit("a.service", PLAIN, TargetState.TARGET_STATE_INACTIVE));
        var refused = writes.createUnits(call, LIMIT);
        assertThatThrownBy(() -> get(refused))
                .cause()
                .isInstanceOfSatisfying(
                        Abandoned.class, e -> assertThat(e.fateUnknown()).isFalse());
        assertThat(codes(get(writes.createUnits(call, LIMIT)))).containsExactly(ItemCode.ITEM_CODE_OK);
    }

    @Test
    void aRetryAfterALostAnswerIsNotDoneAgain() throws Exception {
        lead(1);
        raft.next(MemoryLog.Fate.COMMITTED_UNANSWERED);
        var call = request(1, unit("a.service", PLAIN, TargetState.TARGET_STATE_INACTIVE));
        var lost = writes.createUnits(call, LIMIT);
        assertThatThrownBy(() -> get(lost))
                .cause()
                .isInstanceOfSatisfying(
                        Abandoned.class, e -> assertThat(e.fateUnknown()).isTrue());
        assertThat(codes(get(writes.createUnits(call, LIMIT)))).containsExactly(ItemCode.ITEM_CODE_OK);
        assertThat(raft.entries().stream()
                        .filter(e -> e.getRecordsList().stream().anyMatch(r -> r.hasUnitCreated())))
                .hasSize(1);
    }

    @Test
    void afterALostEntryDecisionsStartFromWhatIsApplied() throws Exception {
        lead(1);
        open("m1", Map.of());
        raft.next(MemoryLog.Fate.LOST);
        var call = request(1, unit("a.service", PLAIN, TargetState.TARGET_STATE_LAUNCHED));
        var lost = writes.createUnits(call, LIMIT);
        assertThatThrownBy(() -> get(lost)).isInstanceOf(ExecutionException.class);
        assertThat(codes(get(writes.createUnits(call, LIMIT)))).containsExactly(ItemCode.ITEM_CODE_OK);
        assertThat(record("a.service").machineId()).isEqualTo("m1");
    }

    @Test
    void anOldIdIsRefusedAndSoIsAnIdUsedForSomethingElse() throws Exception {
        lead(1);
        create(1, unit("a.service", PLAIN, TargetState.TARGET_STATE_INACTIVE));
        var other = writes.createUnits(request(1, unit("b.service", PLAIN, TargetState.TARGET_STATE_INACTIVE)), LIMIT);
        assertThatThrownBy(() -> get(other)).cause().satisfies(e -> hasCode(e, Status.Code.INVALID_ARGUMENT));
        clock.now = clock.now.plus(Duration.ofMinutes(6));
        open("m1", Map.of()); // What is decided from here on, is so by the new time.
        var late = writes.createUnits(
                CreateUnitsRequest.newBuilder()
                        .setRequestId(id(3).toBuilder().setIssuedAtMs(SettableClock.START.toEpochMilli()))
                        .addUnits(unit("c.service", PLAIN, TargetState.TARGET_STATE_INACTIVE))
                        .build(),
                LIMIT);
        assertThatThrownBy(() -> get(late)).cause().satisfies(e -> hasCode(e, Status.Code.FAILED_PRECONDITION));
        assertThatObject(registry.read(view -> view.unit("c.service"))).isNull();
    }

    @Test
    void aCallLargerThanAnEntryIsSplitAndAnsweredWhole() throws Exception {
        lead(1);
        var call = CreateUnitsRequest.newBuilder().setRequestId(id(1));
        for (int i = 0; i < 12; i++) {
            call.addUnits(unit(
                    "big" + i + ".service",
                    PLAIN + "Environment=PAD" + i + "=" + "x".repeat(1900) + "\n"
                            + ("Environment=P=" + "y".repeat(1900) + "\n").repeat(100),
                    TargetState.TARGET_STATE_INACTIVE));
        }
        var response = get(writes.createUnits(call.build(), LIMIT));
        assertThat(codes(response)).hasSize(12).containsOnly(ItemCode.ITEM_CODE_OK);
        assertThat(raft.entries())
                .allSatisfy(e -> assertThat(e.getSerializedSize()).isLessThan(1 << 20));
        assertThat(raft.entries().stream()
                        .filter(e -> e.getRecordsList().stream().anyMatch(r -> r.hasUnitCreated())))
                .hasSizeGreaterThan(2);
        assertThat(codes(get(writes.createUnits(call.build(), LIMIT)))).isEqualTo(codes(response));
    }

    @Test
    void namesAndPatchesOverTheirLimitsFailByThemselves() throws Exception {
        lead(1);
        var m = "0123456789abcdef0123456789abcdef";
        open(m, Map.of());
        var destroyed = get(writes.destroyUnits(
                DestroyUnitsRequest.newBuilder()
                        .setRequestId(id(1))
                        .addNames("a".repeat(1 << 20))
                        .addNames("a\nb.service")
                        .addNames("none.service")
                        .build(),
                LIMIT));
        assertThat(codes(destroyed))
                .containsExactly(ItemCode.ITEM_CODE_INVALID, ItemCode.ITEM_CODE_INVALID, ItemCode.ITEM_CODE_NOT_FOUND);
        assertThat(destroyed.getResultsList()).allMatch(result -> result.getSerializedSize() < 1100);
        var patches = PatchMachinesRequest.newBuilder()
                .setRequestId(id(2))
                .addPatches(patch("a".repeat(1 << 20), "k", "v"))
                .addPatches(patch(m, "", "v"))
                .addPatches(patch(m, "k", "\u20ac".repeat(1366)))
                .addPatches(patch(m, "k", "\u001b[31m"));
        for (int i = 0; i < 20; i++) {
            patches.addPatches(patch(m, "k" + i, "v".repeat(4000)));
        }
        patches.addPatches(patch(m, "k0", "smaller"));
        var codes = codes(get(writes.patchMachines(patches.build(), LIMIT)));
        assertThat(codes.subList(0, 4)).containsOnly(ItemCode.ITEM_CODE_INVALID);
        assertThat(codes.subList(4, 20)).containsOnly(ItemCode.ITEM_CODE_OK);
        assertThat(codes.subList(20, 24)).containsOnly(ItemCode.ITEM_CODE_REFUSED);
        assertThat(codes.get(24)).isEqualTo(ItemCode.ITEM_CODE_OK);
    }

    @Test
    void keysOfAMachineCanAlwaysBeRemoved() throws Exception {
        lead(1);
        var m = "0123456789abcdef0123456789abcdef";
        open(m, Map.of("host", "h1"));
        var full = PatchMachinesRequest.newBuilder().setRequestId(id(1));
        for (int i = 0; i <= Limits.METADATA_KEYS; i++) {
            full.addPatches(patch(m, "k" + i, "v"));
        }
        var codes = codes(get(writes.patchMachines(full.build(), LIMIT)));
        assertThat(codes.subList(0, Limits.METADATA_KEYS)).containsOnly(ItemCode.ITEM_CODE_OK);
        assertThat(codes.getLast()).isEqualTo(ItemCode.ITEM_CODE_REFUSED);
        var removals = PatchMachinesRequest.newBuilder().setRequestId(id(2));
        for (var key : List.of("k7", "k7", "host", "host", "nosuch")) {
            removals.addPatches(MachinePatch.newBuilder().setMachineId(m).setKey(key));
        }
        assertThat(codes(get(writes.patchMachines(removals.build(), LIMIT)))).containsOnly(ItemCode.ITEM_CODE_OK);
        var machine = Objects.requireNonNull(registry.read(view -> view.machine(m)));
        assertThat(machine.metadata())
                .doesNotContainKeys("k7", "host", "nosuch")
                .containsKey("k8");
        assertThat(machine.operators()).doesNotContainKey("nosuch");
    }

    private static MachinePatch patch(String machine, String key, String value) {
        return MachinePatch.newBuilder()
                .setMachineId(machine)
                .setKey(key)
                .setValue(value)
                .build();
    }

    @Test
    void aUnitThatFitsNowhereWaitsWithAReasonUntilAMachineComes() throws Exception {
        lead(1);
        open("m1", Map.of());
        create(1, unit("a.service", ON_SSD, TargetState.TARGET_STATE_LAUNCHED));
        assertThat(record("a.service").machineId()).isNull();
        var vetoes = controller.explain(List.of("a.service")).get(10, TimeUnit.SECONDS);
        assertThat(vetoes.get("a.service"))
                .singleElement()
                .satisfies(veto ->
                        assertThat(veto.getMessage()).contains("disk=ssd").contains("0 of 1"));
        open("m2", Map.of("disk", "ssd"));
        awaitMachine("a.service", "m2");
    }

    @Test
    void whoAsksOnAndOnHoldsUpNoWrite() throws Exception {
        lead(1);
        var over = new AtomicBoolean();
        try {
            askOnAndOn(over);
            assertThat(create(1, unit("a.service", PLAIN, TargetState.TARGET_STATE_LAUNCHED)))
                    .containsExactly(ItemCode.ITEM_CODE_OK);
        } finally {
            over.set(true);
        }
    }

    private void askOnAndOn(AtomicBoolean over) {
        var unused = controller.explain(List.of("none.service")).thenAccept(vetoes -> {
            if (!over.get()) {
                askOnAndOn(over);
            }
        });
    }

    @Test
    void nothingIsLookedForWhenWhoAskedHasGivenUp() throws Exception {
        lead(1);
        var gaveUp = new CompletableFuture<Void>();
        Item held = (draft, out) -> {
            gaveUp.join();
            return Item.unchanged("held until who asked has given up");
        };
        var first = controller.write(id(1), 1, List.of(held));
        var units = IntStream.range(0, 1_000).mapToObj(i -> "u" + i + ".service");
        controller.explain(units.toList()).cancel(false);
        gaveUp.complete(null);
        get(first);
        create(2, unit("a.service", PLAIN, TargetState.TARGET_STATE_LAUNCHED));
        assertThat(replies).as("of the first question, and of two writes").hasValue(3);
    }

    @Test
    void aLostMachinesUnitsArePlacedElsewhere() throws Exception {
        lead(1);
        open("m1", Map.of());
        create(1, unit("a.service", PLAIN, TargetState.TARGET_STATE_LAUNCHED));
        open("m2", Map.of());
        controller.silent("m1", 1, "test", true);
        awaitMachine("a.service", "m2");
        List<String> departures = registry.read(view -> List.copyOf(view.departures("a.service")));
        assertThat(departures).containsExactly("m1");
    }

    @Test
    void aMachineWithFencedUnitsIsLostOnlyAsAWholeWhileAnEngineReadsNothingElse() throws Exception {
        lead(1);
        open("m1", Map.of());
        create(1, unit("a.service", PLAIN + "\n[X-Fleet]\nFence=true\n", TargetState.TARGET_STATE_LAUNCHED));
        open("m2", Map.of());
        raft.agree(EntryFormats.WITH_FENCES - 1);
        assertThat(controller.writesFences()).isFalse();
        controller.silent("m1", 1, "test", false);
        create(2, unit("after.service", PLAIN, TargetState.TARGET_STATE_LAUNCHED));
        assertThat(registry.<Boolean>read(view -> view.present("m1"))).isTrue();
        controller.silent("m1", 1, "test", true);
        awaitMachine("a.service", "m2");
        assertThat(registry.read(RegistryView::fenced)).isEmpty();
    }

    @Test
    void destroyedMeansNoFurtherDecisionTouchesIt() throws Exception {
        lead(1);
        open("m1", Map.of());
        create(1, unit("a.service", PLAIN, TargetState.TARGET_STATE_LAUNCHED));
        var response = get(writes.destroyUnits(
                DestroyUnitsRequest.newBuilder()
                        .setRequestId(id(2))
                        .addNames("a.service")
                        .addNames("a.service")
                        .build(),
                LIMIT));
        assertThat(codes(response)).containsExactly(ItemCode.ITEM_CODE_OK, ItemCode.ITEM_CODE_NOT_FOUND);
    }

    @Test
    void aDeposedLeaderLaysDownItsWorkAndTheNextTermTakesItUp() throws Exception {
        lead(1);
        controller.leaderStopped();
        assertThat(leadership.poll(10, TimeUnit.SECONDS)).isEqualTo("resigned 1");
        lead(2);
        assertThat(create(1, unit("a.service", PLAIN, TargetState.TARGET_STATE_INACTIVE)))
                .containsExactly(ItemCode.ITEM_CODE_OK);
    }

    private void lead(long term) throws InterruptedException {
        controller.leaderStarted(term);
        assertThat(leadership.poll(10, TimeUnit.SECONDS)).isEqualTo("leading " + term);
    }

    private void open(String machine, Map<String, String> metadata) throws Exception {
        controller
                .openSession(SessionOpened.newBuilder()
                        .setMachineId(machine)
                        .putAllMetadata(metadata)
                        .build())
                .get(10, TimeUnit.SECONDS);
    }

    private List<ItemCode> create(int id, NewUnit... units) throws Exception {
        return codes(get(writes.createUnits(request(id, units), LIMIT)));
    }

    /** Placement may take an entry of its own: another call's answer comes after it. */
    private void awaitMachine(String unit, String machine) throws Exception {
        for (int call = 100; !machine.equals(record(unit).machineId()) && call < 200; call++) {
            get(writes.destroyUnits(
                    DestroyUnitsRequest.newBuilder()
                            .setRequestId(id(call))
                            .addNames("none.service")
                            .build(),
                    LIMIT));
        }
        assertThat(record(unit).machineId()).isEqualTo(machine);
    }

    private UnitRecord record(String name) {
        return Objects.requireNonNull(registry.read(view -> view.unit(name)));
    }

    private static CreateUnitsRequest request(int id, NewUnit... units) {
        return CreateUnitsRequest.newBuilder()
                .setRequestId(id(id))
                .addAllUnits(List.of(units))
                .build();
    }

    private static NewUnit unit(String name, String text, TargetState target) {
        return NewUnit.newBuilder()
                .setName(name)
                .setText(text)
                .setTargetState(target)
                .build();
    }

    private static RequestId id(int number) {
        var bytes = new byte[16];
        bytes[15] = (byte) number;
        return RequestId.newBuilder()
                .setId(ByteString.copyFrom(bytes))
                .setIssuedAtMs(SettableClock.START.toEpochMilli())
                .build();
    }

    private static List<ItemCode> codes(WriteResponse response) {
        return response.getResultsList().stream().map(ItemResult::getCode).toList();
    }

    private static void hasCode(Throwable failure, Status.Code code) {
        assertThat(failure)
                .isInstanceOfSatisfying(
                        StatusRuntimeException.class,
                        e -> assertThat(e.getStatus().getCode()).isEqualTo(code));
    }

    private static <T> T get(CompletableFuture<T> future) throws Exception {
        return future.get(10, TimeUnit.SECONDS);
    }

    private static final class SettableClock implements InstantSource {
        static final Instant START = Instant.ofEpochSecond(1_800_000_000);
        volatile Instant now = START;
        private final AtomicReference<Runnable> onRead = new AtomicReference<>(() -> {});

        /** The next who looks at the clock is held up by this first. */
        void onceRead(Runnable what) {
            onRead.set(what);
        }

        @Override
        public Instant instant() {
            onRead.getAndSet(() -> {}).run();
            return now;
        }
    }

    private final class Recorded implements Controller.LeadershipListener {
        @Override
        public void leading(long term) {
            leadership.add("leading " + term);
        }

        @Override
        public void resigned(long term) {
            leadership.add("resigned " + term);
        }
    }
}
