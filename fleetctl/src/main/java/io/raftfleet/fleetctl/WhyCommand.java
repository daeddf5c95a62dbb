package io.raftfleet.fleetctl;

import io.grpc.Status;
import io.raftfleet.client.FleetClient;
import io.raftfleet.client.FleetClientException;
import io.raftfleet.proto.fleet.GetUnitResponse;
import io.raftfleet.proto.fleet.ListEventsRequest;
import io.raftfleet.proto.fleet.ListMachinesRequest;
import io.raftfleet.proto.fleet.UnitStatusRequest;
import io.raftfleet.proto.model.Event;
import io.raftfleet.proto.model.Machine;
import io.raftfleet.proto.model.Unit;
import io.raftfleet.proto.model.UnitState;
import io.raftfleet.proto.model.Veto;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** {@code why}: where a unit is, how it is, and why it is not elsewhere or otherwise. */
final class WhyCommand extends FleetCommand implements Paged {
    /** Machines that are asked at a time. */
    private static final int AT_ONCE = 16;

    private static final int LAST_EVENTS = 5;

    private static final Pattern SINCE = Pattern.compile("^\\s*Active:.*? since (.*?)\\s*$", Pattern.MULTILINE);

    String unit = "";

    /** Whether who calls may not ask machines, as viewers; set by any of the threads that ask. */
    private volatile boolean refused;

    WhyCommand(Session session) {
        super(session);
    }

    @Override
    void describe(Syntax syntax) {
        syntax.command(
                "why",
                "Say where a unit is, how it is, and why",
                "",
                "What is wanted of it and what it is, on which machine and since when, what is wrong with it; and why no machine suits it, with how"
                        + " many machines each requirement leaves and what would help.");
        syntax.add(
                Syntax.argument(String.class, given -> unit = given).arity("1").paramLabel("UNIT"));
    }

    @Override
    public Integer call() {
        String name = UnitNames.mangle(unit);
        GetUnitResponse found;
        List<Machine> machines;
        try {
            found = session.client().getUnit(name);
            machines = session.client()
                    .listMachines(ListMachinesRequest.newBuilder()
                            .setIncludeLost(true)
                            .build())
                    .rows();
        } catch (FleetClientException e) {
            throw new CommandException("Error retrieving unit: " + e.getMessage(), e);
        }
        if (found == null) {
            throw new CommandException(UnitHints.absent(session, name, "Unit " + name + " does not exist"));
        }
        session.machinesAre(machines);
        tell(found, machines);
        events(name);
        return 0;
    }

    private void tell(GetUnitResponse found, List<Machine> machines) {
        Unit row = found.getUnit();
        session.out(row.getName());
        session.out("  wanted: " + wanted(row));
        if (found.getStatesCount() == 0) {
            session.out(
                    "      is: " + (row.getMachineId().isEmpty() ? "on no machine" : "not told of by its machine yet"));
        }
        if (!row.getMachineId().isEmpty()
                && found.getStatesList().stream()
                        .noneMatch(state -> state.getMachineId().equals(row.getMachineId()))) {
            session.out("      to: " + legend(row.getMachineId()));
        }
        List<String> since = since(found.getStatesList());
        for (int i = 0; i < found.getStatesCount(); i++) {
            UnitState state = found.getStates(i);
            session.out(
                    "      is: ",
                    session.colours()::active,
                    state.getActiveState(),
                    " (" + state.getSubState() + ") on " + legend(state.getMachineId()) + since.get(i));
            if (state.getPending()) {
                session.out("          its machine is still carrying out the last order");
            }
            Words.restarts(state).ifPresent(times -> session.out("          " + times));
            if (!state.getError().isEmpty()) {
                session.out("     why: " + state.getError());
            }
        }
        Machine machine = session.machine(row.getMachineId());
        if (machine != null && !Words.placeOf(machine).equals("present")) {
            session.out("          that machine is " + Words.placeOf(machine)
                    + Words.since(machine.getLostMs() == 0 ? machine.getMark().getSinceMs() : machine.getLostMs()));
        }
        row.getWarningsList().forEach(warning -> session.out(" warning: " + warning));
        vetoes(row, machines);
    }

    private void events(String name) {
        try {
            var request = ListEventsRequest.newBuilder()
                    .addAllNames(UnitNames.asFilter(List.of(name)))
                    .build();
            List<Event> all =
                    FleetClient.join(session.client().listEventsAsync(request)).events();
            List<Event> last = all.subList(Math.max(0, all.size() - LAST_EVENTS), all.size());
            for (int i = 0; i < last.size(); i++) {
                session.out((i == 0 ? "  events: " : "          ")
                        + Words.time(last.get(i).getTimeMs()) + " "
                        + last.get(i).getMessage().replace("\n", "\\n"));
            }
        } catch (FleetClientException e) {
            // They would have been an addition: engines of before have none.
        }
    }

    private static String wanted(Unit row) {
        String state = Words.state(Words.target(row));
        return row.getGlobal() ? state + " on every machine that it admits" : state;
    }

    private void vetoes(Unit row, List<Machine> machines) {
        if (row.getVetoesCount() == 0) {
            if (VetoNotes.isUnplaced(row)) {
                session.out("   waits: it is about to be placed, or no engine leads just now");
            }
            return;
        }
        session.out(
                row.getMachineId().isEmpty()
                        ? "   waits: no machine suits it:"
                        : "   waits: it is where it is to be, but:");
        for (Veto veto : row.getVetoesList()) {
            session.out("          " + veto.getMessage());
            VetoHelp.of(veto, machines).ifPresent(help -> session.out("            " + help));
        }
        if (row.getVetoesCount() > 1 && row.getVetoesList().stream().allMatch(veto -> veto.getMatching() > 0)) {
            session.out("          each leaves some machines, but no machine meets them all");
        }
    }

    /** Since when each of them is so. All are asked at once, {@value #AT_ONCE} at most at a time, and together have the time of one call. */
    private List<String> since(List<UnitState> states) {
        long most = session.client().options().requestTimeout().toMillis();
        try (var asking =
                Executors.newFixedThreadPool(AT_ONCE, Thread.ofVirtual().factory())) {
            List<Callable<String>> questions = states.stream()
                    .<Callable<String>>map(state -> () -> since(state))
                    .toList();
            return asking.invokeAll(questions, most, TimeUnit.MILLISECONDS).stream()
                    .map(answer -> answer.state() == Future.State.SUCCESS ? answer.resultNow() : "")
                    .toList();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return Collections.nCopies(states.size(), "");
        }
    }

    /** What systemd there says; nothing where that can't be asked. */
    private String since(UnitState state) {
        if (refused) {
            return "";
        }
        var request = UnitStatusRequest.newBuilder()
                .setUnit(state.getName())
                .setMachineId(state.getMachineId())
                .build();
        var text = new StringBuilder();
        var decoder = new LogText();
        try (var log = session.client().unitStatus(request)) {
            for (var bytes = log.next(); bytes != null; bytes = log.next()) {
                text.append(decoder.next(bytes));
            }
        } catch (FleetClientException e) {
            if (e.code() == Status.Code.PERMISSION_DENIED) {
                refused = true;
            }
            return ""; // It would have been an addition.
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        Matcher line = SINCE.matcher(text);
        return Optional.of(line)
                .filter(Matcher::find)
                .map(found -> " since " + found.group(1))
                .orElse("");
    }

    private String legend(String id) {
        return Words.machine(id, session.machine(id), false);
    }
}
