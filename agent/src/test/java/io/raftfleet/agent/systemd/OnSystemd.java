package io.raftfleet.agent.systemd;

import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** A unit manager on a real systemd of its own for each test, whose states are heard. */
abstract class OnSystemd {
    final Heard heard = new Heard();
    final boolean direct;

    @TempDir
    Path directory;

    SimulatedMachine machine;
    SystemdUnitManager manager;

    /** @param direct whether it speaks to systemd itself, or through a bus */
    OnSystemd(boolean direct) {
        this.direct = direct;
    }

    @BeforeEach
    void start() throws Exception {
        SimulatedMachine.assumePossible();
        machine = SimulatedMachine.start(directory);
        manager = new SystemdUnitManager(machine.config(direct), machine.warnings());
        manager.subscribe(heard);
    }

    @AfterEach
    void stop() {
        if (manager != null) {
            manager.close();
        }
        if (machine != null) {
            machine.close();
        }
    }

    static <T> T done(CompletableFuture<T> order) throws Exception {
        return order.get(60, TimeUnit.SECONDS);
    }
}
