package io.raftfleet.agent.systemd;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.raftfleet.agent.manager.UnitManager.ObservedState;
import io.raftfleet.unit.UnitHash;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * What is known of the installed units' states, and which of them the listener has not heard of. Changes of a unit that
 * follow each other before the listener is told count as one, so that the table is as large as the number of units however
 * fast they change.
 *
 * <p>The reading thread writes, the manager's thread drains; guarded by its own lock.
 */
final class StateTable {
    @GuardedBy("this")
    private final Map<String, StateEntry> byName = new HashMap<>();

    /** By object path, which signals carry. */
    @GuardedBy("this")
    private final Map<String, StateEntry> byPath = new HashMap<>();

    @GuardedBy("this")
    private final Set<StateEntry> dirty = new LinkedHashSet<>();

    @GuardedBy("this")
    private long installs;

    /** How many files have come to be in place: who asks systemd for states notes it before, for {@link #listed}. */
    synchronized long installs() {
        return installs;
    }

    /** A unit's file is in place now. What is known of its state stays. */
    synchronized void install(String name, UnitHash hash) {
        StateEntry entry = byName.get(name);
        if (entry == null) {
            entry = new StateEntry(name, hash);
            byName.put(name, entry);
            byPath.put(UnitPath.of(name), entry);
            entry.installed = ++installs;
        } else {
            ObservedState before = entry.stateIfKnown();
            entry.hash = hash;
            entry.changed = true;
            entry.installed = ++installs;
            entry.fault = "";
            entry.loadFault = null;
            markIfNews(entry, before);
        }
    }

    synchronized void uninstall(Collection<String> names) {
        for (String name : names) {
            StateEntry entry = byName.remove(name);
            if (entry != null) {
                byPath.remove(UnitPath.of(name));
                dirty.remove(entry);
            }
        }
    }

    synchronized Set<String> names() {
        return Set.copyOf(byName.keySet());
    }

    /** Installed units whose state nobody has told yet, or not since their file changed. */
    synchronized Set<String> unknown() {
        Set<String> names = new LinkedHashSet<>();
        byName.values().stream().filter(StateEntry::isUnknown).forEach(e -> names.add(e.name));
        return names;
    }

    /** Whether a unit is among the {@link #unknown()} ones. */
    synchronized boolean isUnknown(String name) {
        StateEntry entry = byName.get(name);
        return entry != null && entry.isUnknown();
    }

    /** Of these units, those that are in that active state. */
    synchronized List<String> inState(String activeState, Collection<String> names) {
        List<String> found = new ArrayList<>();
        for (String name : names) {
            StateEntry entry = byName.get(name);
            if (entry != null && entry.active.equals(activeState)) {
                found.add(name);
            }
        }
        return found;
    }

    /**
     * A unit's properties changed; returns whether the listener should hear of it. systemd sends first what changed in the
     * service or other type, then what changed in the unit, and means them to be taken together.
     */
    synchronized boolean changed(String path, PropertyScan properties) {
        StateEntry entry = byPath.get(path);
        if (entry == null) {
            return false;
        }
        String interfaceName = properties.interfaceName();
        if (!interfaceName.startsWith(Systemd.INTERFACES)) {
            return false;
        }
        if (!interfaceName.equals(Systemd.UNIT)) {
            properties.visit(entry);
            return false;
        }
        ObservedState before = entry.stateIfKnown();
        String activeBefore = entry.active;
        String subBefore = entry.sub;
        properties.visit(entry);
        entry.take();
        entry.moved(activeBefore, subBefore);
        return markIfNews(entry, before);
    }

    /**
     * systemd's list says this of some units; returns whether the listener should hear of any. Of a unit whose file has come since it was asked it says how
     * that was before, which does not count.
     *
     * @param asked how many {@link #installs} there were when it was asked
     */
    synchronized boolean listed(Collection<Systemd.ListedUnit> units, long asked) {
        boolean news = false;
        for (Systemd.ListedUnit unit : units) {
            StateEntry entry = byName.get(unit.name());
            if (entry != null && entry.installed <= asked) {
                ObservedState before = entry.changed ? null : entry.stateIfKnown();
                String activeBefore = entry.active;
                String subBefore = entry.sub;
                if (!entry.load.equals(unit.loadState())) {
                    entry.loadFault = null;
                }
                entry.active = unit.activeState().intern();
                entry.sub = unit.subState().intern();
                entry.moved(activeBefore, subBefore);
                entry.load = unit.loadState().intern();
                entry.changed = false;
                if (!StateEntry.mayHaveProcess(entry.active)) {
                    entry.setPid(0);
                }
                news |= markIfNews(entry, before);
            }
        }
        return news;
    }

    /** A service's main process is this; returns whether the listener should hear of it. */
    synchronized boolean mainPid(String name, int pid) {
        StateEntry entry = byName.get(name);
        if (entry == null || !entry.lacksPid()) {
            return false; // A signal came first.
        }
        ObservedState before = entry.stateIfKnown();
        if (pid != entry.mainPid) {
            entry.restarts = 0; // Which start this process is of, nobody has told.
        }
        entry.setPid(pid);
        return markIfNews(entry, before) || dirty.contains(entry);
    }

    /** Of these units, services whose main process is to be asked for. */
    synchronized List<String> lackingPid(Collection<String> names) {
        return those(names, StateEntry::lacksPid);
    }

    /** Of these units, those that have failed in a way that is to be asked for. */
    synchronized List<String> lackingEnding(Collection<String> names) {
        return those(names, StateEntry::lacksEnding);
    }

    /** Of these units, those that systemd can't load for a reason that is to be asked for, with their load states. */
    synchronized Map<String, String> lackingLoadFault(Collection<String> names) {
        Map<String, String> found = new LinkedHashMap<>();
        those(names, StateEntry::lacksLoadFault)
                .forEach(name -> found.put(name, Objects.requireNonNull(byName.get(name)).load));
        return found;
    }

    @GuardedBy("this")
    private List<String> those(Collection<String> names, Predicate<StateEntry> which) {
        List<String> found = new ArrayList<>();
        for (String name : names) {
            StateEntry entry = byName.get(name);
            if (entry != null && which.test(entry)) {
                found.add(name);
            }
        }
        return found;
    }

    /** A failed unit ended like this; returns whether the listener should hear of it. */
    synchronized boolean ended(String name, Systemd.Ending ending) {
        return change(name, entry -> {
            if (entry.lacksEnding()) { // Else a signal came first.
                entry.result = ending.result().intern();
                entry.exitCode = ending.code();
                entry.exitStatus = ending.status();
                entry.endingKnown = true;
            }
        });
    }

    /** A unit can't be loaded, for this reason; returns whether the listener should hear of it. */
    synchronized boolean notLoaded(String name, String loadState, String why) {
        return change(name, entry -> {
            if (entry.load.equals(loadState)) {
                entry.loadFault = why;
            }
        });
    }

    /**
     * A start came to nothing, for this reason, unless the unit is up by now; returns whether the listener should hear of it.
     *
     * @param late whether only systemd's patience is over: the unit may still be coming up
     */
    synchronized boolean notStarted(String name, String why, boolean late) {
        return change(name, entry -> {
            boolean comes = late && entry.active.equals("activating");
            if (comes || !StateEntry.comesUp(entry.active) || entry.hasFailed()) {
                entry.fault = why;
            }
        });
    }

    /** What was wrong with its last start does not count any more; returns whether the listener should hear of it. */
    synchronized boolean forgive(String name) {
        return change(name, entry -> entry.fault = "");
    }

    /**
     * What the host has of these units; returns whether the listener should hear of any.
     *
     * @param shadows what stands in a unit's place, for people
     * @param dropIns files that change it
     */
    synchronized boolean onHost(Map<String, String> shadows, Map<String, String> dropIns) {
        boolean news = false;
        for (String name : byName.keySet()) {
            news |= change(name, entry -> {
                entry.shadow = shadows.getOrDefault(name, "");
                entry.dropIns = dropIns.getOrDefault(name, "");
            });
        }
        return news;
    }

    /** What of the host stands in a unit's place; empty for nothing. */
    synchronized String shadowOf(String name) {
        StateEntry entry = byName.get(name);
        return entry == null ? "" : entry.shadow;
    }

    @GuardedBy("this")
    private boolean change(String name, Consumer<StateEntry> change) {
        StateEntry entry = byName.get(name);
        if (entry == null) {
            return false;
        }
        ObservedState before = entry.stateIfKnown();
        change.accept(entry);
        return markIfNews(entry, before);
    }

    /** How a start ended that systemd calls done. */
    enum Start {
        /** The unit is up, or was and has ended; or failed, and says so itself. */
        CARRIED_OUT,
        /** A condition does not hold. */
        SKIPPED,
    }

    /** What became of a unit whose start systemd calls done. */
    synchronized Start started(String name) {
        StateEntry entry = byName.get(name);
        return entry == null || entry.conditionsMet || StateEntry.comesUp(entry.active) || entry.hasFailed()
                ? Start.CARRIED_OUT
                : Start.SKIPPED;
    }

    /** Whether a unit is not up and what is known of its end says why. */
    synchronized boolean saysWhyItEnded(String name) {
        StateEntry entry = byName.get(name);
        return entry != null
                && (entry.hasFailed() || !StateEntry.comesUp(entry.active))
                && !entry.error().isEmpty();
    }

    /** A new connection: signals were missed. */
    synchronized void forgetDetails() {
        for (StateEntry entry : byName.values()) {
            entry.pidKnown = false;
            entry.endingKnown = false;
            entry.loadFault = null;
            entry.nothingComes();
        }
    }

    /** Tells the listener a unit's state even if that has not changed, because it was expected to. */
    synchronized boolean repeat(String name) {
        StateEntry entry = byName.get(name);
        return entry != null && entry.isKnown() && dirty.add(entry);
    }

    /** Takes what the listener has not heard of; not states of which only half is known yet. */
    synchronized Map<String, ObservedState> drain() {
        Map<String, ObservedState> news = new LinkedHashMap<>();
        dirty.removeIf(entry -> {
            if (entry.changed || entry.lacksPid() || entry.lacksEnding()) {
                return false;
            }
            news.put(entry.name, entry.state());
            return true;
        });
        return news;
    }

    /** Takes all states there are. */
    synchronized Map<String, ObservedState> drainAll() {
        dirty.clear();
        return states();
    }

    /** All states there are; the listener still hears of those that it has not. */
    synchronized Map<String, ObservedState> states() {
        Map<String, ObservedState> all = new HashMap<>();
        byName.values().stream().filter(StateEntry::isKnown).forEach(e -> all.put(e.name, e.state()));
        return all;
    }

    /** A state that changed and changed back is news too: the unit ran meanwhile. */
    @GuardedBy("this")
    private boolean markIfNews(StateEntry entry, @Nullable ObservedState before) {
        if (!entry.isKnown() || entry.state().equals(before)) {
            return false;
        }
        dirty.add(entry);
        return true;
    }
}
