package io.raftfleet.engine.session;

import static org.assertj.core.api.Assertions.assertThat;

import io.raftfleet.engine.session.MachineSessions.Agent;
import io.raftfleet.engine.session.MachineSessions.Claim;
import io.raftfleet.engine.session.MachineSessions.Present;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.Size;
import org.jspecify.annotations.Nullable;

/**
 * Random schedules of hellos, heartbeats, breaks, decisions, late callbacks, looks and changes of leader, against a plain model
 * of the registry and of a short queue of decisions. Each number of a schedule is one step of it.
 */
class MachineSessionsPropertiesTest {
    private static final long TTL = Duration.ofSeconds(10).toNanos();
    private static final long FENCE = Duration.ofSeconds(12).toNanos();
    private static final long LONGEST = 11 * TTL + FENCE;
    private static final int QUEUE = 3;
    private static final List<String> IDS = List.of("m1", "m2", "m3");

    @Property(tries = 20_000)
    void everyPresentMachineIsHeardOrLostAndHasOneSession(@ForAll @Size(max = 80) List<Integer> schedule) {
        var world = new World();
        world.begin();
        for (int step : schedule) {
            world.step(Math.floorMod(step, 1 << 20));
            world.check();
        }
        world.fallSilent();
    }

    private static final class Session {
        final String id;
        final Agent agent;

        Session(String id, Agent agent) {
            this.id = id;
            this.agent = agent;
        }
    }

    private sealed interface Work {
        record Open(String id, Agent agent, CompletableFuture<Long> epoch) implements Work {}

        record Lose(String id, long epoch) implements Work {}
    }

    private record Row(Present as, boolean present) {}

    private static final class World {
        final MachineSessions<Session> machines = new MachineSessions<>(Duration.ofNanos(TTL));
        final Map<String, Row> registry = new TreeMap<>();
        final Deque<Work> queue = new ArrayDeque<>();
        final List<Runnable> callbacks = new ArrayList<>();
        /** The last session granted to a machine, unless it is over. */
        final Map<String, Session> latest = new HashMap<>();
        /** From when on a machine's time counts. */
        final Map<String, Long> heard = new HashMap<>();

        long now = Long.MAX_VALUE - 3 * TTL;
        long term;

        void begin() {
            var present = new HashMap<String, Present>();
            registry.forEach((id, row) -> {
                if (row.present()) {
                    present.put(id, row.as());
                    heard.put(id, now);
                }
            });
            machines.begin(++term, present, now);
        }

        void step(int number) {
            var id = IDS.get(number / 16 % IDS.size());
            int detail = number / 64;
            switch (number % 16) {
                case 0, 1, 2 -> hello(id, 1 + detail % 3);
                case 3, 4 -> heartbeat(id);
                case 5 -> breaks(id);
                case 6, 7, 8 -> decide();
                case 9, 10 -> call(detail);
                case 11, 12 -> now += TTL / 3;
                case 13, 14 -> look();
                default -> {
                    if (detail % 4 == 0) {
                        changeOfLeader();
                    } else {
                        now += TTL;
                    }
                }
            }
        }

        void hello(String id, int instance) {
            var agent = new Agent(instance, instance == 3 ? "elsewhere" : "here");
            var session = new Session(id, agent);
            switch (machines.claim(id, agent, session, () -> open(id, agent))) {
                case Claim.NotLeading<Session> none -> throw new AssertionError("there is a term");
                case Claim.Held<Session> held -> {
                    var holder = latest.get(id);
                    var row = registry.get(id);
                    boolean another = holder != null
                            ? holder.agent.instance() != instance
                            : row != null && row.present() && row.as().agent().instance() != instance;
                    assertThat(another).as("held by another agent").isTrue();
                }
                case Claim.Granted<Session> granted -> {
                    var before = latest.put(id, session);
                    assertThat(granted.displaced()).isSameAs(before);
                    if (before != null) {
                        assertThat(before.agent.instance()).isEqualTo(instance);
                        end(before);
                    }
                    var unused = granted.epoch().whenComplete((epoch, failure) -> {
                        callbacks.add(() -> opened(session, epoch, failure));
                    });
                }
            }
        }

        CompletableFuture<Long> open(String id, Agent agent) {
            var epoch = new CompletableFuture<Long>();
            if (queue.size() >= QUEUE) {
                epoch.completeExceptionally(new IllegalStateException("full"));
            } else {
                queue.add(new Work.Open(id, agent, epoch));
            }
            return epoch;
        }

        void opened(Session session, @Nullable Long epoch, @Nullable Throwable failure) {
            boolean latestOfAll = latest.get(session.id) == session;
            if (epoch == null || failure != null || !machines.opened(session.id, session, epoch)) {
                end(session);
            } else {
                assertThat(latestOfAll).as("an open session is the latest").isTrue();
            }
        }

        void heartbeat(String id) {
            var session = latest.get(id);
            if (session != null && machines.heard(id, session, now)) {
                heard.put(id, now);
            }
        }

        void breaks(String id) {
            var session = latest.get(id);
            if (session != null) {
                end(session);
            }
        }

        void end(Session session) {
            latest.remove(session.id, session);
            machines.ended(session.id, session);
        }

        void decide() {
            switch (queue.poll()) {
                case null -> {}
                case Work.Open open -> {
                    var row = registry.get(open.id());
                    var as = new Present(row == null ? 1 : row.as().epoch() + 1, open.agent());
                    registry.put(open.id(), new Row(as, true));
                    heard.put(open.id(), now);
                    assertThat(machines.present(open.id(), as, now))
                            .as("an opening ends no open session: those of later ones come later")
                            .isNull();
                    open.epoch().complete(as.epoch());
                }
                case Work.Lose lose -> {
                    var row = registry.get(lose.id());
                    if (row != null && row.present() && row.as().epoch() == lose.epoch()) {
                        registry.put(lose.id(), new Row(row.as(), false));
                        assertThat(machines.lost(lose.id()))
                                .as("it was over when it was given up")
                                .isNull();
                    }
                }
            }
        }

        void call(int which) {
            if (!callbacks.isEmpty()) {
                callbacks.remove(which % callbacks.size()).run();
            }
        }

        void look() {
            for (var silent : machines.silent(now, 2, this::extra)) {
                var id = silent.machineId();
                var session = machines.open(id);
                var loss = machines.lose(silent, now, (machine, epoch) -> offer(new Work.Lose(machine, epoch)));
                if (loss.queued()) {
                    assertThat(loss.over()).isSameAs(session);
                } else {
                    assertThat(loss.over()).isNull();
                }
                if (loss.over() != null) {
                    end(loss.over());
                }
            }
        }

        boolean offer(Work.Lose lose) {
            var row = registry.get(lose.id());
            assertThat(row != null && row.present()).isTrue();
            assertThat(now - Objects.requireNonNull(heard.get(lose.id())))
                    .as("how long %s was not heard", lose.id())
                    .isGreaterThanOrEqualTo(TTL + extra(lose.id()));
            return queue.size() < QUEUE && queue.add(lose);
        }

        long extra(String id) {
            return id.equals("m2") ? FENCE : 0;
        }

        void changeOfLeader() {
            for (var work : List.copyOf(queue)) {
                if (work instanceof Work.Open open) {
                    open.epoch().completeExceptionally(new IllegalStateException("leads no longer"));
                }
            }
            queue.clear();
            var over = machines.end();
            assertThat(over).containsExactlyInAnyOrderElementsOf(latest.values());
            over.forEach(this::end);
            begin();
        }

        void check() {
            for (var id : IDS) {
                assertThat(machines.session(id)).as("session of %s", id).isSameAs(latest.get(id));
                var open = machines.open(id);
                if (open != null) {
                    var row = Objects.requireNonNull(registry.get(id));
                    assertThat(row.present()).as("%s is present", id).isTrue();
                    assertThat(row.as().agent()).isEqualTo(open.agent);
                    assertThat(queue).doesNotContain(new Work.Lose(id, row.as().epoch()));
                }
            }
        }

        /** Nobody says anything any more: then all are lost. */
        void fallSilent() {
            for (long end = now + LONGEST; end - now > 0; now += TTL / 4) {
                look();
                decide();
                call(0);
                check();
            }
            while (!queue.isEmpty()) {
                decide();
            }
            assertThat(registry.values()).noneMatch(Row::present);
        }
    }
}
