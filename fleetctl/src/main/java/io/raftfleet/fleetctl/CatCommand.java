package io.raftfleet.fleetctl;

import io.raftfleet.client.FleetClientException;
import io.raftfleet.proto.fleet.GetUnitResponse;
import io.raftfleet.proto.model.UnitContents;
import io.raftfleet.unit.SafeText;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** {@code cat}. */
final class CatCommand extends FleetCommand implements Paged {
    @Nullable
    List<String> units;

    CatCommand(Session session) {
        super(session);
    }

    @Override
    void describe(Syntax syntax) {
        syntax.command(
                "cat",
                "Output the contents of a submitted unit",
                "",
                "Prints the file as it was submitted. Of a unit that came by fleet's HTTP API, or before all engines kept files, its sections and"
                        + " options.");
        syntax.add(Syntax.arguments(given -> units = given).arity("0..*").paramLabel("UNIT"));
    }

    @Override
    public Integer call() {
        List<String> arguments = units;
        if (arguments == null || arguments.size() != 1) {
            throw new CommandException("One unit file must be provided: fleetctl cat UNIT");
        }
        String name = UnitNames.mangle(arguments.getFirst());
        GetUnitResponse answer;
        try {
            answer = session.client().getUnit(name);
        } catch (FleetClientException e) {
            throw new CommandException("Error retrieving Unit " + name + ": " + e.getMessage(), e);
        }
        if (answer == null) {
            throw new CommandException(UnitHints.absent(session, name, "Unit " + name + " not found"));
        }
        UnitContents contents = answer.getUnit().getContents();
        String text = contents.getSource().isEmpty() ? contents.getText() : contents.getSource();
        session.terminal().out().append(session.terminal().screen() ? SafeText.escapeLines(text) : text);
        return 0;
    }
}
