package io.raftfleet.chaos.hostile;

import io.grpc.Status;
import io.raftfleet.chaos.cluster.EngineAddresses;
import io.raftfleet.proto.fleet.FleetGrpc;
import io.raftfleet.proto.fleet.GetUnitRequest;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The process in which attackers live, so that memory which they use up, and threads which they keep busy, are not bystanders'. Says
 * {@value #READY} when it has spoken with each engine, and attacks once its standard input ends. Then says a line when a round begins, {@value
 * #BEGAN} with its kind, and one when it is over, {@value #ENDED} with its kind and how often an engine was reached. Used by one thread.
 */
final class Attackers {
    static final String READY = "ready";
    static final String BEGAN = "began";
    static final String ENDED = "ended";

    private static final List<Attack> ALL = Stream.of(
                    ClientAttacks.all(), AgentAttacks.all(), HttpAttacks.all(), ConnectionAttacks.all())
            .flatMap(List::stream)
            .toList();
    private static final long PAUSE_MS = 200;
    private static final long GRACE_MS = 2_000;

    private final List<EngineAddresses> engines;
    private final String clusterId;
    private final List<String> machines;
    private final PrintStream out;

    private Attackers(List<EngineAddresses> engines, String clusterId, List<String> machines, PrintStream out) {
        this.engines = engines;
        this.clusterId = clusterId;
        this.machines = machines;
        this.out = out;
    }

    /** Names of all kinds. */
    static List<String> kinds() {
        return ALL.stream().map(Attack::kind).toList();
    }

    /**
     * What {@link #main} is to be told.
     *
     * @param engines all on one host
     * @param machines ids of those that are in use
     */
    static List<String> arguments(
            HostileOptions options, String clusterId, List<String> machines, List<EngineAddresses> engines) {
        return List.of(
                Long.toString(options.seed()),
                Long.toString(options.length().toMillis()),
                Long.toString(options.each().toMillis()),
                String.join(",", options.kinds().isEmpty() ? kinds() : options.kinds()),
                clusterId,
                String.join(",", machines),
                String.join(
                        ",",
                        engines.stream()
                                .map(e -> e.id() + ":" + e.raftPort() + ":" + e.grpcPort() + ":" + e.httpPort())
                                .toList()));
    }

    /** @param arguments as {@link #arguments} has them */
    public static void main(String[] arguments) throws IOException, InterruptedException {
        var campaign = ProcessHandle.current().parent().orElseThrow();
        var unused = campaign.onExit().thenRun(() -> Runtime.getRuntime().halt(1));
        var engines = Arrays.stream(arguments[6].split(","))
                .map(engine -> engine.split(":"))
                .map(parts -> new EngineAddresses(
                        parts[0],
                        Integer.parseInt(parts[1]),
                        Integer.parseInt(parts[2]),
                        Integer.parseInt(parts[3]),
                        Path.of("none")))
                .toList();
        var kinds = List.of(arguments[3].split(","));
        var attacks = ALL.stream().filter(a -> kinds.contains(a.kind())).toList();
        var attackers = new Attackers(
                engines,
                arguments[4],
                List.of(arguments[5].split(",")),
                new PrintStream(System.out, true, StandardCharsets.UTF_8));
        attackers.warmUp();
        attackers.out.println(READY);
        var unusedByte = System.in.read();
        attackers.attack(attacks, Long.parseLong(arguments[0]), millis(arguments[1]), millis(arguments[2]));
        System.exit(0);
    }

    private static long millis(String argument) {
        return TimeUnit.MILLISECONDS.toNanos(Long.parseLong(argument));
    }

    /** The longest that a round may take. */
    static long longestMs(Duration each) {
        return each.toMillis() + TimeUnit.NANOSECONDS.toMillis(Attacker.PATIENCE) + GRACE_MS + PAUSE_MS;
    }

    /** Speaks with each engine until it has answered, so that what an attack needs is loaded. */
    private void warmUp() throws InterruptedException {
        for (var engine : engines) {
            try (var attacker = new Attacker(engines, clusterId, machines, System.nanoTime())) {
                var channel = attacker.channel(engine);
                var unit = GetUnitRequest.newBuilder().setName("a.service").build();
                while (!answered(attacker.call(channel, FleetGrpc.getGetUnitMethod(), unit))) {
                    TimeUnit.MILLISECONDS.sleep(PAUSE_MS);
                }
            }
        }
    }

    private static boolean answered(@Nullable Status came) {
        return came == null || came.getCode() == Status.Code.NOT_FOUND;
    }

    private void attack(List<Attack> attacks, long seed, long length, long each) throws InterruptedException {
        long end = System.nanoTime() + length;
        for (int round = 0; round < attacks.size() || System.nanoTime() - end < 0; round++) {
            // Not a Random, whose first numbers hardly differ for neighbouring seeds.
            var random = new SplittableRandom(seed * 1_000_003 + round);
            // In turn first, so that each kind comes up soon; then any.
            int index = round < attacks.size() ? round : random.nextInt(attacks.size());
            var attack = attacks.get(index);
            out.println(BEGAN + " " + attack.kind());
            long over = System.nanoTime() + each;
            try (var attacker = new Attacker(engines, clusterId, machines, over)) {
                var teller = Thread.ofVirtual().name(attack.kind()).start(() -> tell(attack, attacker, random));
                if (!teller.join(Duration.ofNanos(each).plusMillis(GRACE_MS))) {
                    attacker.awaitReached();
                    teller.interrupt();
                }
                attacker.awaitReached();
                out.println(ENDED + " " + attack.kind() + " " + attacker.acts());
            }
            TimeUnit.MILLISECONDS.sleep(PAUSE_MS);
        }
    }

    private static void tell(Attack attack, Attacker attacker, RandomGenerator random) {
        try {
            attack.lie().tell(attacker, random);
        } catch (IOException | RuntimeException e) {
            // Whatever an attacker is told, or however it fails.
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
