package io.raftfleet.engine.sim;

import com.google.protobuf.ByteString;
import io.grpc.Context;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import io.raftfleet.proto.fleet.CreateUnitsRequest;
import io.raftfleet.proto.fleet.DestroyUnitsRequest;
import io.raftfleet.proto.fleet.FleetGrpc;
import io.raftfleet.proto.fleet.FleetGrpc.FleetStub;
import io.raftfleet.proto.fleet.ItemCode;
import io.raftfleet.proto.fleet.MachineOrder;
import io.raftfleet.proto.fleet.MachinePatch;
import io.raftfleet.proto.fleet.NewUnit;
import io.raftfleet.proto.fleet.PatchMachinesRequest;
import io.raftfleet.proto.fleet.RequestId;
import io.raftfleet.proto.fleet.SetTargetStatesRequest;
import io.raftfleet.proto.fleet.TargetStateChange;
import io.raftfleet.proto.fleet.WriteResponse;
import io.raftfleet.proto.model.TargetState;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.function.BiConsumer;
import java.util.function.Consumer;

/**
 * Creates, starts, stops and destroys units through any engine, one write a unit at a time, each with its request id until it is
 * answered. Knows what must be there in the end. Owned by the simulation's thread.
 */
final class SimClient {
    private static final List<String> FILES = List.of(
            "[Service]\nExecStart=/bin/run\n",
            "[Service]\nExecStart=/bin/slow\n[X-Hollow]\nStartDelaySec=0.7\nStopDelaySec=0.9\n",
            "[Service]\nExecStart=/bin/ends\n[X-Hollow]\nExitAfterSec=2\n",
            "[Service]\nExecStart=/bin/fails\n[X-Hollow]\nExitAfterSec=1\nExitCode=3\n",
            "[Service]\nExecStart=/bin/pinned\n[X-Fleet]\nMachineMetadata=host=h2\n",
            "[Service]\nExecStart=/bin/single\n[X-Fleet]\nFence=true\n[X-Hollow]\nStopDelaySec=8\n",
            "[Service]\nExecStart=/bin/everywhere\n[X-Fleet]\nGlobal=true\n",
            "[Service]\nExecStart=/bin/alone\n[X-Fleet]\nConflicts=alone*.service\n");

    private static final Duration PATIENCE = Duration.ofSeconds(4);
    private static final Duration PAUSE = Duration.ofMillis(150);

    private final Simulation simulation;
    private final SimProcess process;
    private final SplittableRandom random;
    private final Consumer<String> violations;
    private final Map<String, TargetState> wanted = new TreeMap<>();
    private final Set<String> underWay = new HashSet<>();
    private int made;

    SimClient(Simulation simulation, SplittableRandom random, Consumer<String> violations) {
        this.simulation = simulation;
        this.process = simulation.process();
        this.random = random;
        this.violations = violations;
    }

    /** What was acknowledged last of each unit that was not destroyed. */
    Map<String, TargetState> wanted() {
        return wanted;
    }

    /** Units with a write that is not answered. */
    Set<String> underWay() {
        return underWay;
    }

    /** What it did is undone: a backup is restored. Nothing of it is under way any more. */
    void undone(Map<String, TargetState> byNow) {
        wanted.clear();
        wanted.putAll(byNow);
        underWay.clear();
    }

    /** Begins a write of some kind. */
    void act() {
        var idle = wanted.keySet().stream()
                .filter(name -> !underWay.contains(name))
                .toList();
        if (wanted.size() < 12 && (idle.isEmpty() || random.nextInt(3) > 0)) {
            create();
            return;
        }
        if (idle.isEmpty()) {
            return;
        }
        var name = idle.get(random.nextInt(idle.size()));
        switch (random.nextInt(5)) {
            case 0 -> destroy(name);
            case 1 -> target(name, TargetState.TARGET_STATE_INACTIVE, false);
            case 2 -> target(name, TargetState.TARGET_STATE_LOADED, false);
            case 3 -> target(name, TargetState.TARGET_STATE_LAUNCHED, false);
            default -> target(name, TargetState.TARGET_STATE_LAUNCHED, true);
        }
    }

    private void create() {
        int kind = random.nextInt(FILES.size());
        // Some names come again, with other contents.
        var name =
                (kind == FILES.size() - 1 ? "alone" : "u") + (random.nextInt(4) == 0 ? made % 7 : made++) + ".service";
        if (wanted.containsKey(name) || underWay.contains(name)) {
            return;
        }
        var request = CreateUnitsRequest.newBuilder()
                .setRequestId(id())
                .addUnits(NewUnit.newBuilder()
                        .setName(name)
                        .setText(FILES.get(kind))
                        .setTargetState(TargetState.TARGET_STATE_LAUNCHED))
                .build();
        write(
                name,
                (stub, answers) -> stub.createUnits(request, answers),
                () -> wanted.put(name, TargetState.TARGET_STATE_LAUNCHED));
    }

    private void target(String name, TargetState target, boolean again) {
        var request = SetTargetStatesRequest.newBuilder()
                .setRequestId(id())
                .addChanges(TargetStateChange.newBuilder()
                        .setName(name)
                        .setTargetState(target)
                        .setStartAgain(again))
                .build();
        write(name, (stub, answers) -> stub.setTargetStates(request, answers), () -> wanted.put(name, target));
    }

    private void destroy(String name) {
        var request = DestroyUnitsRequest.newBuilder()
                .setRequestId(id())
                .addNames(name)
                .build();
        write(name, (stub, answers) -> stub.destroyUnits(request, answers), () -> wanted.remove(name));
    }

    /** Gives an order about a machine that the cluster knows. */
    void order(String machine, MachineOrder.Kind kind, int parallel) {
        if (!underWay.contains(machine) && simulation.truth().<Boolean>read(view -> view.machine(machine) != null)) {
            var request = PatchMachinesRequest.newBuilder()
                    .setRequestId(id())
                    .addPatches(MachinePatch.newBuilder()
                            .setMachineId(machine)
                            .setOrder(MachineOrder.newBuilder().setKind(kind).setMaxParallel(parallel)))
                    .build();
            write(machine, (stub, answers) -> stub.patchMachines(request, answers), () -> {});
        }
    }

    private RequestId id() {
        var bytes = new byte[16];
        random.nextBytes(bytes);
        return RequestId.newBuilder()
                .setId(ByteString.copyFrom(bytes))
                .setIssuedAtMs(simulation.agenda().millis())
                .build();
    }

    private void write(String name, BiConsumer<FleetStub, StreamObserver<WriteResponse>> call, Runnable done) {
        underWay.add(name);
        new Write(name, call, done).attempt();
    }

    private final class Write {
        private final String name;
        private final BiConsumer<FleetStub, StreamObserver<WriteResponse>> call;
        private final Runnable done;
        private int attempts;

        Write(String name, BiConsumer<FleetStub, StreamObserver<WriteResponse>> call, Runnable done) {
            this.name = name;
            this.call = call;
            this.done = done;
        }

        void attempt() {
            int attempt = ++attempts;
            var addresses = simulation.addresses();
            var channel =
                    simulation.network().channel("client", process, addresses.get(random.nextInt(addresses.size())));
            var context = Context.ROOT.withCancellation();
            process.after(PATIENCE, () -> {
                if (attempt == attempts) {
                    context.cancel(null);
                }
            });
            context.run(() -> call.accept(FleetGrpc.newStub(channel), new StreamObserver<>() {
                @Override
                public void onNext(WriteResponse response) {
                    if (attempt == attempts) {
                        attempts++;
                        answered(response);
                    }
                }

                @Override
                public void onError(Throwable cause) {
                    if (attempt == attempts) {
                        attempts++;
                        failed(Status.fromThrowable(cause));
                    }
                }

                @Override
                public void onCompleted() {}
            }));
        }

        private void answered(WriteResponse response) {
            var result = response.getResults(0);
            if (result.getCode() != ItemCode.ITEM_CODE_OK && result.getCode() != ItemCode.ITEM_CODE_UNCHANGED) {
                violations.accept("a write of " + name + " came to " + result);
            }
            underWay.remove(name);
            done.run();
        }

        private void failed(Status status) {
            switch (status.getCode()) {
                case UNAVAILABLE, UNKNOWN, CANCELLED, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED ->
                    process.after(PAUSE, this::attempt);
                default -> violations.accept("a write of " + name + " failed: " + status);
            }
        }
    }
}
