package io.raftfleet.agent.systemd;

import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.freedesktop.dbus.exceptions.DBusException;
import org.freedesktop.dbus.messages.Message;
import org.freedesktop.dbus.types.UInt32;
import org.freedesktop.dbus.types.UInt64;
import org.freedesktop.dbus.types.Variant;
import org.jspecify.annotations.Nullable;

/**
 * The calls to systemd that are needed here, over one connection. Names and signatures as in systemd's
 * {@code org.freedesktop.systemd1(5)}. Futures complete on the connection's reading thread, exceptionally with a
 * {@link BusException}. Immutable.
 */
final class Systemd {
    static final String BUS_NAME = "org.freedesktop.systemd1";
    static final String PATH = "/org/freedesktop/systemd1";
    static final String MANAGER = "org.freedesktop.systemd1.Manager";
    static final String UNIT = "org.freedesktop.systemd1.Unit";
    static final String SERVICE = "org.freedesktop.systemd1.Service";
    /** What interfaces of systemd's objects begin with. */
    static final String INTERFACES = "org.freedesktop.systemd1.";

    static final String PROPERTIES = "org.freedesktop.DBus.Properties";

    private static final String BUS = "org.freedesktop.DBus";
    private static final String BUS_PATH = "/org/freedesktop/DBus";

    private static final int NUDGE_MILLIS = 50;

    private final BusLink link;
    private final @Nullable String destination;

    /**
     * @param direct whether the connection leads straight to systemd, with no bus in between
     */
    Systemd(BusLink link, boolean direct) {
        this.link = link;
        this.destination = direct ? null : BUS_NAME;
    }

    /** One row of {@code ListUnits}. */
    record ListedUnit(String name, String loadState, String activeState, String subState) {}

    /** Gets signals flowing; on a bus also says which, with as few rules as leave the rest out. */
    CompletableFuture<Void> subscribe() {
        if (destination == null) {
            CompletableFuture<Message> subscribed = manager("Subscribe", null);
            nudge(subscribed);
            return none(subscribed);
        }
        String sender = "type='signal',sender='" + BUS_NAME + "',";
        return none(bus("Hello", null))
                .thenCompose(named -> CompletableFuture.allOf(
                        match("type='signal',sender='" + BUS + "',member='NameOwnerChanged',arg0='" + BUS_NAME + "'"),
                        match(sender + "path='" + PATH + "',member='JobRemoved'"),
                        match(sender + "path='" + PATH + "',member='Reloading'"),
                        match(sender + "path_namespace='" + UnitPath.PREFIX.substring(0, UnitPath.PREFIX.length() - 1)
                                + "',interface='" + PROPERTIES + "'")))
                .thenCompose(matched -> none(manager("Subscribe", null)));
    }

    /** Queues a job to start a unit; completes with the job's object path. */
    CompletableFuture<String> startUnit(String name) {
        return path(manager("StartUnit", "ss", name, "replace"));
    }

    /** Queues a job to stop a unit; completes with the job's object path. */
    CompletableFuture<String> stopUnit(String name) {
        return path(manager("StopUnit", "ss", name, "replace"));
    }

    /** Has a unit neither failed nor been started so far, as systemd counts. */
    CompletableFuture<Void> resetFailed(String name) {
        return none(manager("ResetFailedUnit", "s", name));
    }

    /** Has systemd read all unit files again. */
    CompletableFuture<Void> reload(Duration timeout) {
        return none(link.call(timeout, destination, PATH, MANAGER, "Reload", null));
    }

    /** The states of these units; systemd loads those that it had not. */
    CompletableFuture<List<ListedUnit>> listUnitsByNames(Collection<String> names) {
        return manager("ListUnitsByNames", "as", (Object) names.toArray(String[]::new))
                .thenApply(Systemd::listed);
    }

    /**
     * The same.
     *
     * @param taker takes them on the reading thread, before any signal that systemd sent after them: what a signal says is newer, and must
     *     not be taken back by a list that is taken up late
     */
    CompletableFuture<Void> listUnitsByNames(Collection<String> names, Consumer<List<ListedUnit>> taker) {
        return none(link.callAndTake(
                reply -> taker.accept(listed(reply)), destination, PATH, MANAGER, "ListUnitsByNames", "as", (Object)
                        names.toArray(String[]::new)));
    }

    /** All units that are in systemd's memory with a file behind them, be it a good one or not. */
    CompletableFuture<List<ListedUnit>> listLoadedUnits() {
        return manager("ListUnitsFiltered", "as", (Object) new String[] {"loaded", "bad-setting", "error", "masked"})
                .thenApply(Systemd::listed);
    }

    /** Whether systemd has a unit in memory with a file behind it, be it a good one or not. Does not load it. */
    CompletableFuture<Boolean> isLoaded(String name) {
        return path(manager("GetUnit", "s", name))
                .thenCompose(path -> property(path, UNIT, "LoadState"))
                .thenApply(state -> !"not-found".equals(state))
                .exceptionallyCompose(
                        failure -> Futures.cause(failure) instanceof BusException error && error.isNoSuchUnit()
                                ? CompletableFuture.completedFuture(false)
                                : CompletableFuture.failedFuture(failure));
    }

    /** A service's main process, 0 when there is none. */
    CompletableFuture<Integer> mainPid(String name) {
        return property(UnitPath.of(name), SERVICE, "MainPID").thenApply(value -> ((UInt32) value).intValue());
    }

    /** How a unit ended: its {@code Result} and, of a service, how its main process did. */
    record Ending(String result, int code, int status) {}

    /** How a unit ended last; of types without a result nothing. */
    CompletableFuture<Ending> ending(String name) {
        String type = typeInterface(name);
        CompletableFuture<Object> result = property(UnitPath.of(name), type, "Result");
        if (!type.equals(SERVICE)) {
            return result.thenApply(value -> new Ending(value.toString(), 0, 0));
        }
        CompletableFuture<Object> code = property(UnitPath.of(name), type, "ExecMainCode");
        CompletableFuture<Object> status = property(UnitPath.of(name), type, "ExecMainStatus");
        return result.thenCompose(value -> code.thenCombine(
                status, (c, s) -> new Ending(value.toString(), ((Number) c).intValue(), ((Number) s).intValue())));
    }

    /** The interface of a unit's type: {@code org.freedesktop.systemd1.Socket}. */
    private static String typeInterface(String name) {
        String type = name.substring(name.lastIndexOf('.') + 1);
        return INTERFACES + Character.toUpperCase(type.charAt(0)) + type.substring(1);
    }

    /** Whether systemd is still at a job, by its object path. */
    CompletableFuture<Boolean> isJob(String job) {
        return property(job, INTERFACES + "Job", "State")
                .thenApply(state -> true)
                .exceptionallyCompose(failure -> Futures.unlessLost(failure, false));
    }

    /**
     * When systemd began, in microseconds of the monotonic clock. It keeps that over {@code daemon-reload} and {@code daemon-reexec}; after
     * {@code soft-reboot}, in a container that is started again, and for a user's new systemd it is another one.
     */
    CompletableFuture<Long> startedAt() {
        return property(PATH, MANAGER, "UserspaceTimestampMonotonic").thenApply(value -> ((UInt64) value).longValue());
    }

    /** The directories that systemd searches for unit files, highest priority first. */
    CompletableFuture<List<String>> searchPath() {
        return property(PATH, MANAGER, "UnitPath").thenApply(Systemd::texts);
    }

    /** One of a unit's properties that is a text. */
    CompletableFuture<String> unitText(String name, String property) {
        return property(UnitPath.of(name), UNIT, property).thenApply(Object::toString);
    }

    /** One of a unit's properties that is a list of texts. */
    CompletableFuture<List<String>> unitTexts(String name, String property) {
        return property(UnitPath.of(name), UNIT, property).thenApply(Systemd::texts);
    }

    /** One {@code Condition…=} or {@code Assert…=} of a unit that does not hold, as its file has it. */
    CompletableFuture<List<String>> failedConditions(String name, String property) {
        return link.call(destination, UnitPath.of(name), PROPERTIES, "Get", "ss", UNIT, property)
                .thenApply(Systemd::failedConditions);
    }

    /** Reads {@code v} that holds {@code a(sbbsi)}: name, whether it triggers, whether it is negated, parameter, outcome. */
    private static List<String> failedConditions(Message reply) {
        ByteBuffer body = MessageReader.body(reply);
        List<String> failed = new ArrayList<>();
        try {
            Wire.signature(body);
            int end = Wire.array(body, 8);
            while (body.position() < end) {
                Wire.align(body, 8);
                String condition = Wire.string(body);
                boolean triggers = Wire.uint32(body) != 0;
                boolean negated = Wire.uint32(body) != 0;
                String parameter = Wire.string(body);
                int outcome = Wire.int32(body);
                if (outcome < 0) {
                    failed.add(condition + "=" + (triggers ? "|" : "") + (negated ? "!" : "") + parameter);
                }
            }
        } catch (BufferUnderflowException truncated) {
            throw new IllegalArgumentException("a truncated list of conditions", truncated);
        }
        return failed;
    }

    private static List<String> texts(Object value) {
        return switch (value) {
            case Object[] array -> Arrays.stream(array).map(String::valueOf).toList();
            case Collection<?> list -> list.stream().map(String::valueOf).toList();
            default -> throw new IllegalArgumentException("no list of texts: " + value.getClass());
        };
    }

    /** When a unit last ceased to run, of the monotonic clock in microseconds; 0 for never in this boot. */
    CompletableFuture<Long> endedAt(String name) {
        return property(UnitPath.of(name), UNIT, "InactiveEnterTimestampMonotonic")
                .thenApply(value -> ((UInt64) value).longValue());
    }

    /** Hears of signals; the methods are called on the reading thread. */
    interface Signals {
        /** A unit's properties changed: those of one of its interfaces. */
        void unitChanged(String unitPath, PropertyScan properties);

        /** A job is over. */
        void jobRemoved(String job, String unit, String result);

        /** systemd begins to read its unit files again, or to execute itself anew; it answers nobody meanwhile. */
        void reloading();

        /** systemd has read its unit files again. */
        void reloaded();

        /** systemd left the bus, or came back to it. */
        void ownerChanged();
    }

    /** Tells signals apart and hands them on; others are ignored. */
    static Consumer<MessageReader.Signal> dispatcher(Signals signals) {
        return signal -> {
            var body = signal.body();
            switch (signal.member()) {
                case "PropertiesChanged" -> {
                    if (signal.path().startsWith(UnitPath.PREFIX)) {
                        signals.unitChanged(signal.path(), new PropertyScan(body));
                    }
                }
                case "JobRemoved" -> {
                    long unused = Wire.uint32(body);
                    signals.jobRemoved(Wire.string(body), Wire.string(body), Wire.string(body));
                }
                case "Reloading" -> {
                    if (Wire.uint32(body) == 0) {
                        signals.reloaded();
                    } else {
                        signals.reloading();
                    }
                }
                case "NameOwnerChanged" -> {
                    if (BUS_NAME.equals(Wire.string(body))) {
                        signals.ownerChanged();
                    }
                }
                default -> {
                    // A private connection carries everything; UnitNew and the like say nothing new.
                }
            }
        };
    }

    /**
     * systemd 252, where it is the server of a connection, does not look at a first message that it read together with the
     * end of the authentication, until another one comes. So another one comes.
     */
    private void nudge(CompletableFuture<Message> first) {
        CompletableFuture.delayedExecutor(NUDGE_MILLIS, TimeUnit.MILLISECONDS).execute(() -> {
            if (!first.isDone()) {
                var ignored = link.call(null, PATH, "org.freedesktop.DBus.Peer", "Ping", null);
            }
        });
    }

    private CompletableFuture<Message> manager(String member, @Nullable String signature, Object... arguments) {
        return link.call(destination, PATH, MANAGER, member, signature, arguments);
    }

    private CompletableFuture<Message> bus(String member, @Nullable String signature, Object... arguments) {
        return link.call(BUS, BUS_PATH, BUS, member, signature, arguments);
    }

    private CompletableFuture<Void> match(String rule) {
        return none(bus("AddMatch", "s", rule));
    }

    private CompletableFuture<Object> property(String path, String interfaceName, String property) {
        return link.call(destination, path, PROPERTIES, "Get", "ss", interfaceName, property)
                .thenApply(reply -> ((Variant<?>) body(reply)[0]).getValue());
    }

    private static CompletableFuture<Void> none(CompletableFuture<Message> reply) {
        return reply.thenAccept(message -> {});
    }

    private static CompletableFuture<String> path(CompletableFuture<Message> reply) {
        return reply.thenApply(message -> body(message)[0].toString());
    }

    private static Object[] body(Message message) {
        try {
            Object[] values = message.getParameters();
            return values == null ? new Object[0] : values;
        } catch (DBusException malformed) {
            throw new IllegalArgumentException("a malformed D-Bus message: " + malformed.getMessage(), malformed);
        }
    }

    /** Reads {@code a(ssssssouso)}: name, description, load, active and sub state, follower, path, and the job's. */
    private static List<ListedUnit> listed(Message reply) {
        ByteBuffer body = MessageReader.body(reply);
        List<ListedUnit> units = new ArrayList<>();
        try {
            int end = Wire.array(body, 8);
            while (body.position() < end) {
                Wire.align(body, 8);
                String name = Wire.string(body);
                Wire.skipString(body);
                var unit = new ListedUnit(name, Wire.string(body), Wire.string(body), Wire.string(body));
                Wire.skipString(body);
                Wire.skipString(body);
                Wire.uint32(body);
                Wire.skipString(body);
                Wire.skipString(body);
                units.add(unit);
            }
        } catch (BufferUnderflowException truncated) {
            throw new IllegalArgumentException("a truncated list of units", truncated);
        }
        return units;
    }
}
