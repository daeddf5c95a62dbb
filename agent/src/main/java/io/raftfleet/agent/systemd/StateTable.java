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
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What is known of the installed units' states, and which of them the listener has not heard of. Changes of a unit that
 * follow each other before the listener is told count as one, so that the table is as large as the number of units however
 * fast they change.
 *
 * <p>The reading thread writes, the manager's thread drains; guarded by its own lock.
 */
final class StateTable {
    private static final Set<String> UNIT_PROPERTIES = Set.of("LoadState", "ActiveState", "SubState");
    private static final Set<String> SERVICE_PROPERTIES = Set.of("MainPID");

    @GuardedBy("this")
    private final Map<String, Entry> byName = new HashMap<>();

    /** By object path, which signals carry. */
    @GuardedBy("this")
    private final Map<String, Entry> byPath = new HashMap<>();

    @GuardedBy("this")
    private final Set<Entry> dirty = new LinkedHashSet<>();

    /** One unit; guarded by the table's lock. Strings are interned: there are few states and many units. */
    private static final class Entry implements PropertyScan.Visitor {
        final String name;
        UnitHash hash;
        String load = "loaded";
        String active = "";
        String sub = "";
        int mainPid;
        /** Whether this connection has told the main process; only then a state is told. */
        boolean pidKnown;
        /** From a service's signal, which the unit's follows; -1 for none. */
        int comingPid = -1;

        Entry(String name, UnitHash hash) {
            this.name = name;
            this.hash = hash;
        }

        boolean isKnown() {
            return !active.isEmpty();
        }

        ObservedState state() {
            return new ObservedState(load, active, sub, mayHaveProcess(active) ? mainPid : 0, hash);
        }

        @Nullable
        ObservedState stateIfKnown() {
            return isKnown() ? state() : null;
        }

        @Override
        public boolean wants(String property) {
            return UNIT_PROPERTIES.contains(property) || SERVICE_PROPERTIES.contains(property);
        }

        @Override
        public void text(String property, String value) {
            switch (property) {
                case "LoadState" -> load = value.intern();
                case "ActiveState" -> active = value.intern();
                default -> sub = value.intern();
            }
        }

        @Override
        public void number(String property, long value) {
            comingPid = (int) value;
        }

        boolean lacksPid() {
            return !pidKnown && mayHaveProcess(active) && name.endsWith(".service");
        }

        void setPid(int pid) {
            mainPid = pid;
            pidKnown = true;
        }
    }

    /** A unit's file is in place now. What is known of its state stays. */
    synchronized void install(String name, UnitHash hash) {
        Entry entry = byName.get(name);
        if (entry == null) {
            entry = new Entry(name, hash);
            byName.put(name, entry);
            byPath.put(UnitPath.of(name), entry);
        } else {
            ObservedState before = entry.stateIfKnown();
            entry.hash = hash;
            markIfNews(entry, before);
        }
    }

    synchronized void uninstall(Collection<String> names) {
        for (String name : names) {
            Entry entry = byName.remove(name);
            if (entry != null) {
                byPath.remove(UnitPath.of(name));
                dirty.remove(entry);
            }
        }
    }

    synchronized boolean contains(String name) {
        return byName.containsKey(name);
    }

    synchronized Set<String> names() {
        return Set.copyOf(byName.keySet());
    }

    /** Installed units whose state nobody has told yet. */
    synchronized Set<String> unknown() {
        Set<String> names = new LinkedHashSet<>();
        byName.values().stream().filter(e -> !e.isKnown()).forEach(e -> names.add(e.name));
        return names;
    }

    /** Of these units, those that are in that active state. */
    synchronized List<String> inState(String activeState, Collection<String> names) {
        List<String> found = new ArrayList<>();
        for (String name : names) {
            Entry entry = byName.get(name);
            if (entry != null && entry.active.equals(activeState)) {
                found.add(name);
            }
        }
        return found;
    }

    /**
     * A unit's properties changed; returns whether the listener should hear of it. systemd sends first what changed in the
     * service, then what changed in the unit, and means them to be taken together.
     */
    synchronized boolean changed(String path, PropertyScan properties) {
        Entry entry = byPath.get(path);
        if (entry == null) {
            return false;
        }
        String interfaceName = properties.interfaceName();
        if (interfaceName.equals(Systemd.SERVICE)) {
            properties.visit(entry);
        }
        if (!interfaceName.equals(Systemd.UNIT)) {
            return false;
        }
        ObservedState before = entry.stateIfKnown();
        properties.visit(entry);
        if (entry.comingPid >= 0) {
            entry.setPid(entry.comingPid);
            entry.comingPid = -1;
        }
        return markIfNews(entry, before);
    }

    /** systemd's list says this of some units; returns whether the listener should hear of any. */
    synchronized boolean listed(Collection<Systemd.ListedUnit> units) {
        boolean news = false;
        for (Systemd.ListedUnit unit : units) {
            Entry entry = byName.get(unit.name());
            if (entry != null) {
                ObservedState before = entry.stateIfKnown();
                entry.load = unit.loadState().intern();
                entry.active = unit.activeState().intern();
                entry.sub = unit.subState().intern();
                if (!mayHaveProcess(entry.active)) {
                    entry.setPid(0);
                }
                news |= markIfNews(entry, before);
            }
        }
        return news;
    }

    /** A service's main process is this; returns whether the listener should hear of it. */
    synchronized boolean mainPid(String name, int pid) {
        Entry entry = byName.get(name);
        if (entry == null || !entry.lacksPid()) {
            return false; // A signal came first.
        }
        ObservedState before = entry.stateIfKnown();
        entry.setPid(pid);
        return markIfNews(entry, before) || dirty.contains(entry);
    }

    /** Of these units, services whose main process is to be asked for. */
    synchronized List<String> lackingPid(Collection<String> names) {
        List<String> found = new ArrayList<>();
        for (String name : names) {
            Entry entry = byName.get(name);
            if (entry != null && entry.lacksPid()) {
                found.add(name);
            }
        }
        return found;
    }

    /** A new connection: signals were missed. */
    synchronized void forgetPids() {
        for (Entry entry : byName.values()) {
            entry.pidKnown = false;
            entry.comingPid = -1;
        }
    }

    /** Tells the listener a unit's state even if that has not changed, because it was expected to. */
    synchronized boolean repeat(String name) {
        Entry entry = byName.get(name);
        return entry != null && entry.isKnown() && dirty.add(entry);
    }

    /** Takes what the listener has not heard of; not states of which only half is known yet. */
    synchronized Map<String, ObservedState> drain() {
        Map<String, ObservedState> news = new LinkedHashMap<>();
        dirty.removeIf(entry -> {
            if (entry.lacksPid()) {
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
        byName.values().stream().filter(Entry::isKnown).forEach(e -> all.put(e.name, e.state()));
        return all;
    }

    /** A state that changed and changed back is news too: the unit ran meanwhile. */
    @GuardedBy("this")
    private boolean markIfNews(Entry entry, @Nullable ObservedState before) {
        if (!entry.isKnown() || entry.state().equals(before)) {
            return false;
        }
        dirty.add(entry);
        return true;
    }

    private static boolean mayHaveProcess(String activeState) {
        return !activeState.isEmpty() && !activeState.equals("inactive") && !activeState.equals("failed");
    }
}
