package io.raftfleet.chaos.traffic;

import io.raftfleet.chaos.cluster.Await;
import io.raftfleet.chaos.cluster.Cluster;
import io.raftfleet.chaos.cluster.EngineNode;
import io.raftfleet.chaos.history.Event.Call;
import io.raftfleet.chaos.history.Event.Kind;
import io.raftfleet.chaos.history.Event.Outcome;
import io.raftfleet.chaos.history.Recorder;
import io.raftfleet.client.ClientOptions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * All clients of a campaign, a thread each: for every engine one over gRPC and one over HTTP on units that all share, one
 * each that reads lists, one that watches, and two on machines' metadata; and one that makes units which nobody touches again. Begun and ended by one thread.
 */
public final class Traffic implements AutoCloseable {
    private static final Duration CALL_LIMIT = Duration.ofSeconds(5);
    /** Units that nobody touches again; half of what a watch lists at once. */
    private static final int LEDGER_MOST = 5_000;

    private static final int LEDGER_PAUSE_MILLIS = 60;
    private static final Duration LAST_READS = Duration.ofSeconds(60);

    /** One step of a client; how it ended. */
    private interface Step {
        Answer take() throws InterruptedException;
    }

    private final Cluster cluster;
    private final Recorder recorder;
    private final Clients clients;
    private final UnitPool pool;
    private final Metadata metadata;
    private final List<GrpcUnitClient> opened = new ArrayList<>();
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final ExecutorService watchers = Executors.newVirtualThreadPerTaskExecutor();
    private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
    private final long seed;
    private final int ledgerPauseMillis;
    private volatile boolean ended;
    private volatile boolean watchesEnded;
    private int ledger;

    /**
     * Clients to be.
     *
     * @param seed of what clients choose; what they meet is the network's doing
     * @param fenced whether some units are to have {@code Fence=true}
     * @param length for how long about there will be traffic: what is only ever added is spread over it
     */
    public Traffic(Cluster cluster, Recorder recorder, long seed, boolean fenced, Duration length) {
        this.cluster = cluster;
        this.recorder = recorder;
        this.clients = new Clients(recorder);
        this.seed = seed;
        this.pool = new UnitPool(fenced);
        this.metadata = new Metadata(cluster.agents().stream()
                .flatMap(agent -> agent.machineIds().stream())
                .toList());
        this.ledgerPauseMillis = (int) Math.max(LEDGER_PAUSE_MILLIS, length.toMillis() / LEDGER_MOST);
    }

    /** Begins to watch; before anything is written. */
    public void watch() {
        Set<Watcher.Heard> presence = ConcurrentHashMap.newKeySet();
        for (var engine : cluster.engines()) {
            var watcher = new Watcher(recorder, engine, presence);
            watchers.execute(() -> {
                try {
                    watcher.run(() -> watchesEnded);
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                } catch (RuntimeException e) {
                    failure.compareAndSet(null, e);
                }
            });
        }
    }

    /** Makes units that run from now on; returns their names. */
    public List<String> launchSteady(int count) {
        return launch("steady", count, Contents.STEADY);
    }

    /** The same with {@code Fence=true}. */
    public List<String> launchFenced(int count) {
        return launch("fenced", count, Contents.FENCED);
    }

    private List<String> launch(String prefix, int count, String contents) {
        var client = open("all", cluster.engines());
        var names = new ArrayList<String>();
        for (int i = 1; i <= count; i++) {
            var name = prefix + i + ".service";
            names.add(name);
            var call = Call.of(Kind.CREATE, name, contents, "launched");
            Await.until(
                    name + " is made",
                    LAST_READS,
                    () -> clients.record("launch", client, call).outcome() == Outcome.ANSWERED);
        }
        return names;
    }

    /** Begins to write and read. */
    public void start() {
        long own = seed;
        for (var engine : cluster.engines()) {
            var grpc = open(engine.id(), List.of(engine));
            var api = new HttpApi(engine.http());
            var http = new HttpUnitClient(engine.id(), api);
            shared("grpc-" + engine.id(), grpc, ++own, false);
            shared("http-" + engine.id(), http, ++own, true);
            metadata("meta-grpc-" + engine.id(), open(engine.id(), List.of(engine)), ++own);
            metadata("meta-http-" + engine.id(), http, ++own);
            lists(engine, ++own);
            staleReads(engine, ++own);
            httpLists(engine, api, ++own);
        }
        var all = open("any", cluster.engines());
        loop(
                "ledger",
                new Random(++own),
                ledgerPauseMillis,
                () -> ledger < LEDGER_MOST
                        ? clients.record(
                                "ledger",
                                all,
                                new Call(
                                        Kind.CREATE, "w" + ++ledger + ".service", Contents.LEDGER, "inactive", true, 0))
                        : Answer.of("enough"));
    }

    private void shared(String name, UnitClient client, long own, boolean http) {
        var random = new Random(own);
        loop(name, random, 70, () -> clients.shared(name, client, pool, random, http));
    }

    private void metadata(String name, UnitClient client, long own) {
        var random = new Random(own);
        loop(name, random, 400, () -> clients.metadata(name, client, metadata, random));
    }

    private void lists(EngineNode engine, long own) {
        var random = new Random(own);
        var lists = new Lists(recorder);
        loop("list-" + engine.id(), random, 700, () -> {
            boolean whole = lists.read(
                    "list-" + engine.id(),
                    engine.id(),
                    engine.channel(),
                    random.nextInt(3) == 0,
                    5 + random.nextInt(40),
                    1 + random.nextInt(4));
            return Answer.of(whole ? "whole" : "part");
        });
    }

    private void staleReads(EngineNode engine, long own) {
        var random = new Random(own);
        var name = "stale-" + engine.id();
        var client = new StaleReads(engine);
        loop(
                name,
                random,
                300,
                () -> clients.record(name, client, Call.of(Kind.STALE_READ, pool.peek(random), "", "")));
    }

    private void httpLists(EngineNode engine, HttpApi api, long own) {
        var random = new Random(own);
        var name = "http-list-" + engine.id();
        var lists = new HttpLists(recorder, engine.id(), api);
        loop(name, random, 1_500, () -> Answer.of(lists.read(name, 1 + random.nextInt(2)) ? "whole" : "part"));
    }

    private void loop(String name, Random random, int pauseMillis, Step step) {
        threads.execute(() -> {
            Thread.currentThread().setName(name);
            try {
                while (!ended) {
                    var answer = step.take();
                    // Bounds how many operations of unknown outcome there are.
                    int pause = answer.outcome() == Outcome.ANSWERED ? pauseMillis : 6 * pauseMillis;
                    Pace.pause(pause / 2 + random.nextInt(pause));
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            } catch (RuntimeException e) {
                failure.compareAndSet(null, e);
            }
        });
    }

    private GrpcUnitClient open(String name, List<EngineNode> engines) {
        var client = new GrpcUnitClient(
                name,
                ClientOptions.of(engines.stream().map(EngineNode::endpoint).toList())
                        .withRequestTimeout(CALL_LIMIT));
        opened.add(client);
        return client;
    }

    /** Ends writing and reading, in order: every operation returns first. */
    public void stop() throws InterruptedException {
        ended = true;
        threads.shutdown();
        if (!threads.awaitTermination(60, TimeUnit.SECONDS)) {
            throw new IllegalStateException("clients do not end: a call takes longer than its deadline");
        }
        rethrow();
    }

    /** Reads every unit once more on each engine, and the whole list; for a cluster that is quiet. */
    public void lastReads() {
        for (var engine : cluster.engines()) {
            var client = open(engine.id(), List.of(engine));
            for (var unit : pool.all()) {
                clients.record("last-" + engine.id(), client, Call.of(Kind.READ, unit, "", ""));
            }
            for (var key : metadata.all()) {
                clients.record("last-" + engine.id(), client, Call.of(Kind.READ_METADATA, key, "", ""));
            }
            var lists = new Lists(recorder);
            Await.until(
                    "the whole list of " + engine.id(),
                    LAST_READS,
                    () -> lists.read("last-" + engine.id(), engine.id(), engine.channel(), false, 1_000, 100));
        }
    }

    /** Ends the watches, some time after the last write. */
    public void stopWatching() throws InterruptedException {
        Pace.pause(2_000);
        watchesEnded = true;
        watchers.shutdown();
        if (!watchers.awaitTermination(30, TimeUnit.SECONDS)) {
            throw new IllegalStateException("watches do not end");
        }
        rethrow();
    }

    private void rethrow() {
        var failed = failure.get();
        if (failed != null) {
            throw new IllegalStateException("a client of the campaign failed by itself: " + failed, failed);
        }
    }

    @Override
    public void close() {
        ended = true;
        watchesEnded = true;
        threads.shutdownNow();
        watchers.shutdownNow();
        opened.forEach(GrpcUnitClient::close);
    }
}
