package io.raftfleet.fleetctl;

import io.raftfleet.client.FleetClientException;
import io.raftfleet.proto.fleet.ControlRolloutRequest.Order;
import io.raftfleet.proto.fleet.ItemCode;
import io.raftfleet.proto.fleet.ItemResult;
import io.raftfleet.proto.model.Rollout;
import io.raftfleet.proto.model.RolloutPhase;
import io.raftfleet.proto.model.UnitState;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** {@code rollout}: rolling changes that {@code start --replace --max-unavailable} has begun. */
final class RolloutCommand extends CommandGroup {
    RolloutCommand(Session session) {
        super(session);
    }

    private static void requireName(String id) {
        if (id.isEmpty()) {
            throw CommandException.usage(
                    "the rollout's name is empty: fleetctl rollout status lists those that there are");
        }
    }

    private static Rollout named(Session session, String id) {
        requireName(id);
        return session.client().listRollouts(id).stream()
                .findFirst()
                .orElseThrow(() -> new CommandException("there is no rollout " + id
                        + ", or it is kept no longer: fleetctl rollout status lists those that are"));
    }

    private static int order(Session session, String id, Order order, String done) {
        requireName(id);
        ItemResult result;
        try {
            result = session.client().controlRollout(id, order);
        } catch (FleetClientException e) {
            throw new CommandException("Error ordering rollout " + id + ": " + e.getMessage(), e);
        }
        if (!UnitCreator.succeeded(result)) {
            session.err("Error: " + UnitCreator.reason(result));
            return 1;
        }
        session.out(
                result.getCode() == ItemCode.ITEM_CODE_UNCHANGED
                        ? Words.sentence(result.getMessage())
                        : "Rollout " + id + " " + done);
        return 0;
    }

    private static int await(Session session, String id, BlockOptions block, boolean backMeant) {
        try {
            return block.noBlock ? 0 : new RolloutWaiter(session, id, backMeant).await(block.limit());
        } catch (FleetClientException e) {
            throw new CommandException(
                    "Error waiting for rollout " + id + ": " + e.getMessage()
                            + "; it goes on, see: fleetctl rollout status " + id,
                    e);
        }
    }

    /** Waits for one that has begun. */
    static int follow(Session session, String id, BlockOptions block) {
        return await(session, id, block, false);
    }

    /** {@code rollout status}. */
    static final class Status extends FleetCommand {
        boolean wait;

        boolean noLegend;

        boolean json;

        String id = "";

        Status(Session session) {
            super(session);
        }

        @Override
        void describe(Syntax syntax) {
            syntax.command(
                    "status",
                    "List rollouts, or show one with the units that are being replaced",
                    "",
                    "Those that have stopped or are done are listed for 7 days, the last 64 at most, fewer where their former files are large.");
            syntax.add(Syntax.flag(given -> wait = given, "-w", "--wait")
                    .description("Wait for the end of the one that is named."));
            syntax.add(Syntax.yesOrNo(given -> noLegend = given, "--no-legend")
                    .description("Do not print a legend (column headers) above the list."));
            syntax.add(Syntax.yesOrNo(given -> json = given, "--json")
                    .description("Print everything known as a JSON array, also of one."));
            syntax.add(Syntax.argument(String.class, given -> id = given)
                    .arity("0..1")
                    .paramLabel("ROLLOUT"));
        }

        @Override
        public Integer call() {
            if (wait && json) {
                throw CommandException.usage("--wait tells how it gets on, which is no JSON: give --wait or --json");
            }
            if (id.isEmpty()) {
                if (wait) {
                    throw CommandException.usage(
                            "name the rollout to wait for: fleetctl rollout status --wait ROLLOUT");
                }
                list(session.client().listRollouts(""));
                return 0;
            }
            Rollout rollout = named(session, id);
            if (json) {
                list(List.of(rollout));
                return 0;
            }
            show(rollout);
            return wait ? await(session, id, new BlockOptions(), rollout.getBack()) : 0;
        }

        private void list(List<Rollout> rollouts) {
            if (json) {
                JsonOutput.print(
                        session.terminal().out(),
                        rollouts.stream().map(Status::row).toList());
                return;
            }
            var table = new Table();
            if (!noLegend) {
                table.add("ROLLOUT", "STATE", "UNITS", "BEGUN", "BY", "FIRST UNIT", "REASON");
            }
            for (Rollout rollout : rollouts) {
                table.add(
                        rollout.getId(),
                        RolloutWaiter.state(rollout),
                        RolloutWaiter.passed(rollout) + "/" + rollout.getUnits(),
                        Words.time(rollout.getStartedMs()),
                        dash(rollout.getBy()),
                        rollout.getFirstUnit(),
                        dash(rollout.getReason()));
            }
            table.print(session.terminal().out());
        }

        private void show(Rollout rollout) {
            session.out("Rollout " + rollout.getId() + " is " + RolloutWaiter.state(rollout) + ", "
                    + RolloutWaiter.begun(rollout));
            if (!rollout.getReason().isEmpty()) {
                session.out("Because " + rollout.getReason());
            }
            session.out("Begun at " + Words.time(rollout.getStartedMs())
                    + (rollout.getBy().isEmpty() ? "" : " by " + rollout.getBy()) + ", last step at "
                    + Words.time(rollout.getChangedMs())
                    + (rollout.getChangedBy().isEmpty() ? "" : " by " + rollout.getChangedBy()));
            if (rollout.getLeftAlone() > 0) {
                session.out(Words.sentence(RolloutWaiter.leftAlone(rollout).substring(2)));
            }
            session.out(rollout.getMaxUnavailable() + " at a time"
                    + (rollout.getCanary() == rollout.getMaxUnavailable() ? "" : ", " + rollout.getCanary() + " first")
                    + ", healthy when active for "
                    + rollout.getHealthWaitMs() / 1000 + " s"
                    + (rollout.getRollback() ? ", goes back when a unit is not" : ", stops when a unit is not"));
            if (rollout.getPhase() == RolloutPhase.ROLLOUT_PHASE_STOPPED) {
                session.out("To go on: " + RolloutWaiter.remedy(rollout));
            }
            if (rollout.getGroupCount() > 0 && !RolloutWaiter.over(rollout)) {
                session.out("");
                units(rollout.getGroupList());
            }
        }

        private void units(List<String> names) {
            Map<String, List<UnitState>> states = Selection.states(session, names);
            var table = new Table();
            table.add("UNIT", "MACHINE", "ACTIVE", "SUB", "HASH");
            for (String name : names) {
                List<UnitState> all = states.getOrDefault(name, List.of());
                if (all.isEmpty()) {
                    table.add(name, "-", "-", "-", "-");
                }
                for (UnitState state : all) {
                    table.add(
                            name,
                            Words.machine(state.getMachineId(), session.machine(state.getMachineId()), false),
                            state.getActiveState(),
                            state.getSubState(),
                            Words.hash(state.getHash(), false));
                }
            }
            table.print(session.terminal().out());
        }

        private static Map<String, Object> row(Rollout rollout) {
            var row = new LinkedHashMap<String, Object>();
            row.put("rollout", rollout.getId());
            row.put("state", RolloutWaiter.state(rollout));
            row.put("units", rollout.getUnits());
            row.put("through", RolloutWaiter.passed(rollout));
            row.put("leftAlone", rollout.getLeftAlone());
            row.put("begun", Words.time(rollout.getStartedMs()));
            row.put("by", rollout.getBy());
            row.put("changed", Words.time(rollout.getChangedMs()));
            row.put("changedBy", rollout.getChangedBy());
            row.put("firstUnit", rollout.getFirstUnit());
            row.put("replacing", RolloutWaiter.over(rollout) ? List.of() : rollout.getGroupList());
            row.put("maxUnavailable", rollout.getMaxUnavailable());
            row.put("canary", rollout.getCanary());
            row.put("healthWaitMs", rollout.getHealthWaitMs());
            row.put("rollback", rollout.getRollback());
            row.put("reason", rollout.getReason());
            return row;
        }

        private static String dash(String text) {
            return text.isEmpty() ? "-" : text;
        }
    }

    /** {@code rollout pause}. */
    static final class Pause extends FleetCommand {
        String id = "";

        Pause(Session session) {
            super(session);
        }

        @Override
        void describe(Syntax syntax) {
            syntax.command(
                    "pause",
                    "Have a rollout wait",
                    "",
                    "Units that have the new file keep it. To go on: fleetctl rollout resume ROLLOUT");
            syntax.add(Syntax.argument(String.class, given -> id = given)
                    .arity("1")
                    .paramLabel("ROLLOUT"));
        }

        @Override
        public Integer call() {
            return order(session, id, Order.ORDER_PAUSE, "paused");
        }
    }

    /** {@code rollout resume}. */
    static final class Resume extends FleetCommand {
        BlockOptions block = new BlockOptions();

        String id = "";

        Resume(Session session) {
            super(session);
        }

        @Override
        void describe(Syntax syntax) {
            syntax.command(
                    "resume",
                    "Have a rollout go on",
                    "",
                    "One that was paused, or has stopped: that looks again at the units that it stopped at, which have to be healthy by then.");
            block.describe(syntax);
            syntax.add(Syntax.argument(String.class, given -> id = given)
                    .arity("1")
                    .paramLabel("ROLLOUT"));
        }

        @Override
        public Integer call() {
            boolean back = named(session, id).getBack();
            int exit = order(session, id, Order.ORDER_RESUME, "resumed");
            return exit != 0 ? exit : await(session, id, block, back);
        }
    }

    /** {@code rollout undo}. */
    static final class Undo extends FleetCommand {
        BlockOptions block = new BlockOptions();

        String id = "";

        Undo(Session session) {
            super(session);
        }

        @Override
        void describe(Syntax syntax) {
            syntax.command(
                    "undo",
                    "Give the units of a rollout their former files again",
                    "",
                    "As many at a time as it replaced, the last ones first; each has to be healthy before the next. Also of a rollout that is done, for"
                            + " as long as it is listed. Units that have got another file since keep that.");
            block.describe(syntax);
            syntax.add(Syntax.argument(String.class, given -> id = given)
                    .arity("1")
                    .paramLabel("ROLLOUT"));
        }

        @Override
        public Integer call() {
            int exit = order(session, id, Order.ORDER_UNDO, "goes back");
            return exit != 0 ? exit : await(session, id, block, true);
        }
    }

    @Override
    void describe(Syntax syntax) {
        syntax.command("rollout", "See to rolling changes");
    }
}
