package io.raftfleet.settings;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;
import java.util.Collection;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.Set;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The settings of a running daemon, read again on SIGHUP: what can change while it runs is applied, what needs a restart is named, and of
 * settings that can't be used nothing is taken. Guarded by its own monitor.
 */
public final class LiveSettings {
    private static final Logger log = LoggerFactory.getLogger("io.raftfleet.settings");

    private final Source source;
    private final Target target;

    @GuardedBy("this")
    private Settings running;

    @GuardedBy("this")
    private final Set<String> warned = new HashSet<>();

    /** Where settings come from. */
    @FunctionalInterface
    public interface Source {
        /** Reads them anew. */
        Settings read() throws SettingsException;
    }

    /** A running daemon. */
    @FunctionalInterface
    public interface Target {
        /**
         * Takes over what can change while it runs, after it has looked at everything.
         *
         * @throws SettingsException when it could not start with these: then it has changed nothing
         */
        void apply(Settings next) throws SettingsException;
    }

    /**
     * Warns of what means nothing in the settings that the daemon starts with.
     *
     * @param running what the daemon runs with
     */
    public LiveSettings(Settings running, Source source, Target target) {
        this.running = running;
        this.source = source;
        this.target = target;
        warn(running);
    }

    private synchronized void warn(Settings settings) {
        for (var warning : settings.warnings()) {
            if (warned.add(warning)) {
                log.warn("{}", warning);
            }
        }
    }

    /** Reads the settings again, and says what came of it. */
    public synchronized void reload() {
        Settings next;
        Set<Setting> changed;
        try {
            next = source.read();
            warn(next);
            changed = running.changes(next);
            if (changed.isEmpty()) {
                log.info("settings read again: nothing has changed (flags and variables win over the file)");
                return;
            }
            target.apply(next);
        } catch (SettingsException e) {
            log.error("settings read again, and none taken over, the old ones stay: {}", e.getMessage());
            return;
        }
        Set<Setting> live = changed.stream()
                .filter(Setting::isLive)
                .collect(Collectors.toCollection(() -> EnumSet.noneOf(Setting.class)));
        var before = running;
        running = running.with(live, next);
        changed.removeAll(live);
        if (!live.isEmpty()) {
            log.info("settings read again, taken over: {}", differences(live, before, next));
        }
        if (!changed.isEmpty()) {
            log.warn("settings read again, these need a restart: {}", differences(changed, before, next));
        }
    }

    private static String differences(Collection<Setting> settings, Settings before, Settings next) {
        return settings.stream()
                .map(setting -> setting.key() + " " + before.shown(setting) + " -> " + next.shown(setting) + " ("
                        + next.origin(setting) + ")")
                .collect(Collectors.joining("; "));
    }

    /**
     * From now on SIGHUP has the settings read again; before, it ends a Java machine. Where the process was started with that signal
     * ignored, as by nohup, it stays so.
     */
    @SuppressWarnings("ReferenceEquality") // A handler is itself alone.
    public void reloadOnHangup() {
        // By reflection: the compiler warns of each use of sun.misc.Signal, which is the only way there is.
        try {
            var signal = Class.forName("sun.misc.Signal");
            var handler = Class.forName("sun.misc.SignalHandler");
            InvocationHandler onSignal = (proxy, method, arguments) -> switch (method.getName()) {
                case "handle" -> {
                    reload();
                    yield null;
                }
                case "equals" -> proxy == arguments[0];
                case "hashCode" -> System.identityHashCode(proxy);
                default -> "reload";
            };
            signal.getMethod("handle", signal, handler)
                    .invoke(
                            null,
                            signal.getConstructor(String.class).newInstance("HUP"),
                            Proxy.newProxyInstance(handler.getClassLoader(), new Class<?>[] {handler}, onSignal));
        } catch (ReflectiveOperationException e) {
            log.warn("SIGHUP can't be used to have the settings read again: {}", e.toString());
        }
    }
}
