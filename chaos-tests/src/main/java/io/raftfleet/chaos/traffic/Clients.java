package io.raftfleet.chaos.traffic;

import io.raftfleet.chaos.history.Event;
import io.raftfleet.chaos.history.Event.Call;
import io.raftfleet.chaos.history.Event.Kind;
import io.raftfleet.chaos.history.Recorder;
import java.util.random.RandomGenerator;

/** What single clients do, one operation after the other. */
final class Clients {
    private final Recorder recorder;

    Clients(Recorder recorder) {
        this.recorder = recorder;
    }

    /** One operation on a unit of the pool. */
    Answer shared(String name, UnitClient client, UnitPool pool, RandomGenerator random, boolean http) {
        var needless = pool.undestroyed();
        if (needless.isPresent()) {
            return record(name, client, new Call(Kind.DESTROY, needless.get(), "", "", false));
        }
        var unit = pool.pick(random);
        int dice = random.nextInt(100);
        Kind kind;
        if (dice < 35) {
            kind = Kind.READ;
        } else if (dice < 60) {
            kind = http ? Kind.PUT : Kind.CREATE;
        } else {
            kind = dice < 85 ? Kind.SET_TARGET : Kind.DESTROY;
        }
        var variants = Contents.variants(unit);
        var contents = variants.get(random.nextInt(variants.size()));
        int target = random.nextInt(10);
        var word = target < 5 ? "inactive" : target < 8 ? "loaded" : "launched";
        var answer = record(name, client, new Call(kind, unit, contents, word, false));
        if (answer.outcome() == Event.Outcome.UNKNOWN && kind != Kind.READ) {
            pool.unknown(unit);
        }
        return answer;
    }

    Answer record(String name, UnitClient client, Call call) {
        long op = recorder.nextOp();
        recorder.add(new Event.Invoked(recorder.now(), op, name, client.engine(), call));
        var answer = client.call(call);
        recorder.add(new Event.Returned(
                recorder.now(), op, answer.outcome(), answer.code(), answer.value(), answer.revision()));
        return answer;
    }
}
