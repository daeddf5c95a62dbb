package io.raftfleet.bench;

import io.raftfleet.proto.fleet.NewUnit;
import io.raftfleet.proto.model.TargetState;
import java.util.ArrayList;
import java.util.List;

/** Units that succeed at once, alone or in chains of which each unit needs the one before on its machine. */
final class Chains {
    private static final int SHORTEST = 3;
    private static final int LONGEST = 5;
    private static final String SERVICE = "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true\n";

    private Chains() {}

    /** So many units in chains of three, four, five and so on; the last one may be shorter. */
    static List<List<NewUnit>> chained(String prefix, int units) {
        var chains = new ArrayList<List<NewUnit>>();
        int length = SHORTEST;
        for (int first = 0; first < units; ) {
            var chain = new ArrayList<NewUnit>();
            for (int i = first; i < Math.min(units, first + length); i++) {
                chain.add(unit(prefix, i, i == first ? "" : name(prefix, i - 1)));
            }
            chains.add(chain);
            first += length;
            length = length == LONGEST ? SHORTEST : length + 1;
        }
        return chains;
    }

    /** So many units, each by itself. */
    static List<List<NewUnit>> single(String prefix, int units) {
        var all = new ArrayList<List<NewUnit>>();
        for (int i = 0; i < units; i++) {
            all.add(List.of(unit(prefix, i, "")));
        }
        return all;
    }

    private static NewUnit unit(String prefix, int number, String needs) {
        var text = needs.isEmpty()
                ? SERVICE
                : "[Unit]\nAfter=" + needs + "\nBindsTo=" + needs + "\n" + SERVICE + "[X-Fleet]\nMachineOf=" + needs
                        + "\n";
        return BulkUnits.unit(name(prefix, number), text, TargetState.TARGET_STATE_LAUNCHED);
    }

    private static String name(String prefix, int number) {
        return prefix + number + ".service";
    }
}
