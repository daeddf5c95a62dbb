package io.raftfleet.chaos.traffic;

import io.raftfleet.chaos.history.Event;
import io.raftfleet.chaos.history.Event.Call;
import io.raftfleet.chaos.history.Event.Kind;
import io.raftfleet.chaos.history.Recorder;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import java.util.random.RandomGenerator;

/** What single clients do, one operation after the other. */
final class Clients {
    private final Recorder recorder;

    Clients(Recorder recorder) {
        this.recorder = recorder;
    }

    /** One operation on a unit of the pool; over gRPC, now and then several in one message. */
    Answer shared(String name, UnitClient client, UnitPool pool, RandomGenerator random, boolean http) {
        var needless = pool.undestroyed();
        if (needless.isPresent()) {
            return record(name, client, Call.of(Kind.DESTROY, needless.get(), "", ""));
        }
        var kind = kind(random.nextInt(100), http);
        var units = new TreeSet<String>();
        units.add(pool.pick(random));
        if (!http && kind != Kind.READ) {
            for (int more = random.nextInt(10) == 0 ? 1 + random.nextInt(5) : 0; more > 0; more--) {
                units.add(pool.pick(random));
            }
        }
        var calls = new ArrayList<Call>();
        for (var unit : units) {
            boolean makes = kind == Kind.CREATE || kind == Kind.REPLACE || kind == Kind.PUT;
            calls.add(Call.of(kind, unit, makes ? pool.contents(unit, random) : "", target(kind, random)));
        }
        var answer = record(name, client, calls);
        if (answer.outcome() == Event.Outcome.UNKNOWN && kind != Kind.READ) {
            units.forEach(pool::unknown);
        }
        return answer;
    }

    /** One operation on a key of a machine's metadata. */
    Answer metadata(String name, UnitClient client, Metadata metadata, RandomGenerator random) {
        var call = metadata.next(random);
        var answer = record(name, client, call);
        if (answer.outcome() == Event.Outcome.UNKNOWN && call.kind() == Kind.PATCH) {
            metadata.unknown(call.unit());
        }
        return answer;
    }

    private static Kind kind(int dice, boolean http) {
        if (dice < 35) {
            return Kind.READ;
        } else if (dice < 60) {
            return http ? Kind.PUT : dice < 50 ? Kind.CREATE : Kind.REPLACE;
        } else if (dice < 85) {
            return !http && dice < 65 ? Kind.RESTART : Kind.SET_TARGET;
        }
        return Kind.DESTROY;
    }

    private static String target(Kind kind, RandomGenerator random) {
        int dice = random.nextInt(10);
        return switch (kind) {
            case RESTART -> "launched";
            case READ, DESTROY -> "";
            default -> dice < 5 ? "inactive" : dice < 8 ? "loaded" : "launched";
        };
    }

    /** One operation, alone in its message. */
    Answer record(String name, UnitClient client, Call call) {
        return record(name, client, List.of(call));
    }

    /** Operations of one kind in one message; how the first of them ended. */
    private Answer record(String name, UnitClient client, List<Call> calls) {
        long first = 0;
        var ops = new ArrayList<Long>();
        for (var call : calls) {
            long op = recorder.nextOp();
            first = ops.isEmpty() ? op : first;
            ops.add(op);
            long batch = calls.size() == 1 ? 0 : first;
            var noted = new Call(call.kind(), call.unit(), call.contents(), call.target(), call.ledger(), batch);
            recorder.add(new Event.Invoked(recorder.now(), op, name, client.engine(), noted));
        }
        long number = first;
        var answers = client.call(calls, why -> recorder.add(new Event.Retried(recorder.now(), number, name, why)));
        for (int i = 0; i < calls.size(); i++) {
            var answer = answers.get(i);
            recorder.add(new Event.Returned(
                    recorder.now(), ops.get(i), answer.outcome(), answer.code(), answer.value(), answer.revision()));
        }
        return answers.getFirst();
    }
}
