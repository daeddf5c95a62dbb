package io.raftfleet.agent.systemd;

import static org.assertj.core.api.Assertions.assertThat;

import io.raftfleet.agent.manager.UnitManager;
import io.raftfleet.agent.manager.UnitManager.ObservedState;
import io.raftfleet.unit.UnitFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Many units in one batch, beside one {@code systemctl start} with all their names on machines of the same kind, files in
 * place. Sizes by system properties: {@code raftfleet.rate.machines}, {@code raftfleet.rate.units} (a machine),
 * {@code raftfleet.rate.rounds}, {@code raftfleet.rate.window}, {@code raftfleet.rate.bus}.
 */
@Timeout(600)
class StartRateIT {
    private static final int MACHINES = Integer.getInteger("raftfleet.rate.machines", 1);
    private static final int UNITS = Integer.getInteger("raftfleet.rate.units", 300);
    private static final int ROUNDS = Integer.getInteger("raftfleet.rate.rounds", 2);
    private static final boolean BUS = Boolean.getBoolean("raftfleet.rate.bus");

    /** No regression of this size may pass; the budget itself is looked after by the benchmarks. */
    private static final double OUT_OF_BOUNDS = 2.5;

    @TempDir
    private Path directory;

    @Test
    void aBatchStartsAboutAsFastAsBySystemctl() throws Exception {
        SimulatedMachine.assumePossible();
        double best = Double.MAX_VALUE;
        for (int round = 1; round <= ROUNDS; round++) {
            Path place = directory.resolve("round" + round);
            boolean systemctlFirst = round % 2 == 1;
            long systemctl = systemctlFirst ? onMachines(place.resolve("systemctl"), StartRateIT::bySystemctl) : 0;
            long ours = onMachines(place.resolve("ours"), StartRateIT::byManager);
            if (!systemctlFirst) {
                systemctl = onMachines(place.resolve("systemctl"), StartRateIT::bySystemctl);
            }
            double ratio = (double) ours / systemctl;
            best = Math.min(best, ratio);
            System.out.printf(
                    "start rate, round %d: %d machines x %d units: systemctl %d ms, unit manager %d ms, ratio %.3f%n",
                    round, MACHINES, UNITS, systemctl, ours, ratio);
        }
        assertThat(best).isLessThan(OUT_OF_BOUNDS);
    }

    private interface Way {
        /** Returns when to begin, all being prepared. */
        Callable<Void> prepare(SimulatedMachine machine, Map<String, UnitFile> units, List<AutoCloseable> held)
                throws Exception;
    }

    /** How long it takes on all machines at once, in milliseconds. */
    private static long onMachines(Path place, Way way) throws Exception {
        List<SimulatedMachine> machines = new ArrayList<>();
        List<AutoCloseable> held = new ArrayList<>();
        try (ExecutorService pool = Executors.newCachedThreadPool()) {
            List<Callable<Void>> tasks = new ArrayList<>();
            for (int i = 0; i < MACHINES; i++) {
                SimulatedMachine machine = SimulatedMachine.start(place.resolve(String.valueOf(i)));
                machines.add(machine);
                tasks.add(way.prepare(machine, units(), held));
            }
            long begin = System.nanoTime();
            for (Future<Void> done : pool.invokeAll(tasks)) {
                done.get();
            }
            return TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - begin);
        } finally {
            for (AutoCloseable holding : held) {
                holding.close();
            }
            machines.forEach(SimulatedMachine::close);
        }
    }

    private static Callable<Void> bySystemctl(
            SimulatedMachine machine, Map<String, UnitFile> units, List<AutoCloseable> held) throws Exception {
        for (Map.Entry<String, UnitFile> unit : units.entrySet()) {
            Files.writeString(
                    machine.searchDirectory().resolve(unit.getKey()),
                    unit.getValue().text());
        }
        List<String> command = new ArrayList<>(List.of("systemctl", "--user", "start"));
        command.addAll(units.keySet());
        return () -> {
            assertThat(machine.exec(command.toArray(String[]::new))).isEmpty();
            return null;
        };
    }

    private static Callable<Void> byManager(
            SimulatedMachine machine, Map<String, UnitFile> units, List<AutoCloseable> held) throws Exception {
        SystemdConfig config = machine.config(!BUS);
        SystemdConfig.Timing usual = config.timing();
        var manager = new SystemdUnitManager(
                config.withTiming(new SystemdConfig.Timing(
                        usual.call(),
                        usual.reload(),
                        usual.start(),
                        usual.stop(),
                        usual.retryMin(),
                        usual.retryMax(),
                        usual.settle(),
                        Integer.getInteger("raftfleet.rate.window", usual.window()),
                        usual.maxOrders())),
                UnitWarnings.none());
        held.add(manager);
        var active = new Active(units.size());
        manager.subscribe(active);
        manager.states().get(30, TimeUnit.SECONDS);
        return () -> {
            long begin = System.nanoTime();
            manager.install(units, units.keySet()).get(60, TimeUnit.SECONDS);
            long installed = System.nanoTime();
            var accepted =
                    Futures.all(units.keySet().stream().map(manager::start).toList());
            assertThat(active.all.await(300, TimeUnit.SECONDS)).isTrue();
            accepted.get(1, TimeUnit.SECONDS);
            System.out.printf(
                    "  installed in %d ms, started in %d ms%n",
                    (installed - begin) / 1_000_000, (System.nanoTime() - installed) / 1_000_000);
            return null;
        };
    }

    private static Map<String, UnitFile> units() throws Exception {
        Map<String, UnitFile> units = new TreeMap<>();
        UnitFile file = UnitFile.parse("[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true\n");
        for (int i = 0; i < UNITS; i++) {
            units.put("unit" + i + ".service", file);
        }
        return units;
    }

    private static final class Active implements UnitManager.Listener {
        final CountDownLatch all;
        private final Map<String, Boolean> seen = new ConcurrentHashMap<>();

        Active(int units) {
            all = new CountDownLatch(units);
        }

        @Override
        public void changed(String name, ObservedState state) {
            if (state.activeState().equals("active") && seen.put(name, true) == null) {
                all.countDown();
            }
        }

        @Override
        public void startEnded(String name) {}

        @Override
        public void relisted(Map<String, ObservedState> states) {
            states.forEach(this::changed);
        }
    }
}
