package io.raftfleet.fleetctl;

import io.raftfleet.client.FleetClient;
import io.raftfleet.client.FleetClientException;
import io.raftfleet.proto.fleet.ListMachinesRequest;
import io.raftfleet.proto.fleet.ReadOptions;
import io.raftfleet.proto.model.Machine;
import io.raftfleet.proto.model.Rollout;
import io.raftfleet.unit.UnitName;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;

/**
 * {@code names}: what shells complete from, which the launcher keeps for a minute ({@code bin/lib/names.sh}). Bounded, as whichever
 * engine answers has it, and without anything that a shell would have to quote but backslashes.
 */
final class NamesCommand extends FleetCommand {
    /** 100 bytes each at most: what a shell reads through at each press of a key. */
    static final int MOST = 20_000;

    private static final Pattern ID = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,63}");

    /** Of what. */
    enum Kind {
        UNITS,
        MACHINES,
        ROLLOUTS
    }

    String kind = "";

    NamesCommand(Session session) {
        super(session);
    }

    @Override
    void describe(Syntax syntax) {
        syntax.command(
                "names",
                "Print names of units or ids of machines or rollouts, a line each, at most " + NamesCommand.MOST);
        syntax.hidden();
        syntax.add(Syntax.argument(String.class, given -> kind = given).paramLabel("units|machines|rollouts"));
    }

    @Override
    public Integer call() {
        List<String> names;
        try {
            names = switch (Kind.valueOf(kind.toUpperCase(Locale.ROOT))) {
                case UNITS -> units();
                case MACHINES -> machines();
                case ROLLOUTS -> rollouts();
            };
        } catch (IllegalArgumentException e) {
            throw new CommandException("\"" + kind + "\" is not units, machines or rollouts", e);
        } catch (FleetClientException e) {
            throw new CommandException("Error listing " + kind + ": " + e.getMessage(), e);
        }
        names.stream().limit(MOST).forEach(session::out);
        return 0;
    }

    private List<String> units() {
        FleetClient client = session.client();
        return FleetClient.join(client.unitNamesAsync("", MOST, client.options().requestTimeout())).stream()
                .filter(UnitName::isValid)
                .toList();
    }

    private List<String> rollouts() {
        return session.client().listRollouts("").stream()
                .map(Rollout::getId)
                .filter(id -> ID.matcher(id).matches())
                .toList();
    }

    private List<String> machines() {
        var request = ListMachinesRequest.newBuilder()
                .setRead(ReadOptions.newBuilder().setStale(true))
                .setIncludeLost(true);
        return session.client().listMachines(request.build()).rows().stream()
                .map(Machine::getId)
                .filter(id -> ID.matcher(id).matches())
                .toList();
    }
}
