package io.raftfleet.engine.mirror;

import com.google.common.collect.Iterables;
import io.raftfleet.etcd.MirrorSource;
import io.raftfleet.etcd.MirrorValue;
import io.raftfleet.state.Fact;
import io.raftfleet.state.MachineRecord;
import io.raftfleet.state.Registry;
import io.raftfleet.state.RegistryView;
import io.raftfleet.state.UnitRecord;
import io.raftfleet.state.Versions;
import io.raftfleet.unit.UnitHash;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Shows a registry to the mirror. Reads it a page at a time, so that entries are hardly ever held up. */
public final class RegistrySource implements MirrorSource {
    /** What a fact takes beside its contents, roughly. */
    private static final int FACT_BYTES = 256;

    private final Registry registry;

    public RegistrySource(Registry registry) {
        this.registry = registry;
    }

    @Override
    public Head head() {
        return registry.read(view -> new Head(
                view.incarnation(),
                view.restoredFrom(),
                view.lastFact(),
                view.removalsForgotten(),
                view.generationBase(),
                Versions.wholeEntry(view.appliedIndex())));
    }

    @Override
    public Optional<Diff> diff(long from, long unusedFrom, int limit, long bytes) {
        return registry.read(view -> {
            var page = new Page(view, limit, bytes);
            var start = fact(Place.after(from));
            for (var kind : MirrorValue.Kind.values()) {
                page.facts(kind, view.factsAfter(kind(kind), start), Long.MAX_VALUE);
            }
            for (var kind : List.of(MirrorValue.Kind.SCHEDULE, MirrorValue.Kind.UNIT, MirrorValue.Kind.METADATA)) {
                page.removals(kind, view.removalsAfter(kind(kind), start), Long.MAX_VALUE);
            }
            if (page.cut) {
                return Optional.<Diff>empty();
            }
            for (var unused : List.of(MirrorValue.Kind.CONTENTS, MirrorValue.Kind.SOURCE)) {
                page.removals(unused, view.removalsAfter(kind(unused), fact(Place.after(unusedFrom))), Long.MAX_VALUE);
            }
            long to = view.lastFact();
            // When not all unused contents found room: those before the first that did not.
            long unusedTo = page.cut ? page.cutAt - 1 : to;
            return Optional.of(new Diff(page.changes, to, Versions.wholeEntry(view.appliedIndex()), unusedTo));
        });
    }

    @Override
    public List<Change> changes(
            MirrorValue.Kind kind, boolean removals, Place after, long upTo, int limit, long bytes) {
        return registry.read(view -> {
            var page = new Page(view, limit, bytes);
            if (removals) {
                page.removals(kind, view.removalsAfter(kind(kind), fact(after)), upTo);
            } else {
                page.facts(kind, view.factsAfter(kind(kind), fact(after)), upTo);
            }
            return page.changes;
        });
    }

    @Override
    public List<Change> list(MirrorValue.Kind kind, String afterId, int limit, long bytes) {
        return registry.read(view -> {
            var page = new Page(view, limit, bytes);
            switch (kind) {
                case CONTENTS -> {
                    var after = afterId.isEmpty() ? null : UnitHash.fromHex(afterId);
                    page.list(kind, Iterables.transform(view.hashesAfter(after), UnitHash::toHex));
                }
                case SOURCE -> page.list(kind, view.sourcesAfter(afterId));
                case UNIT -> page.list(kind, view.units().keysFrom(afterId, false));
                case SCHEDULE -> page.list(kind, view.units().keysFrom(afterId, false));
                case METADATA -> page.list(kind, view.machines().keysFrom(afterId, false));
            }
            return page.changes;
        });
    }

    @Override
    public Change find(MirrorValue.Kind kind, String id) {
        return registry.read(view -> find(view, kind, id));
    }

    private static Change find(RegistryView view, MirrorValue.Kind kind, String id) {
        var fact = switch (kind) {
            case CONTENTS -> contents(view, id);
            case SOURCE -> source(view, id);
            case UNIT -> unit(view.unit(id));
            case SCHEDULE -> schedule(view.unit(id));
            case METADATA -> metadata(view.machine(id));
        };
        return fact != null ? fact : new Change(kind, id, view.removedAt(kind(kind), id), null);
    }

    private static @Nullable Change contents(RegistryView view, String hex) {
        UnitHash hash;
        try {
            hash = UnitHash.fromHex(hex);
        } catch (IllegalArgumentException e) {
            return null;
        }
        var text = hash.toHex().equals(hex) ? view.contents(hash) : null;
        return text == null
                ? null
                : new Change(
                        MirrorValue.Kind.CONTENTS, hex, view.contentsVersion(hash), new MirrorValue.Contents(text));
    }

    private static @Nullable Change source(RegistryView view, String digest) {
        var text = view.source(digest);
        return text == null
                ? null
                : new Change(MirrorValue.Kind.SOURCE, digest, view.sourceVersion(digest), new MirrorValue.Source(text));
    }

    private static @Nullable Change unit(@Nullable UnitRecord unit) {
        return unit == null
                ? null
                : new Change(
                        MirrorValue.Kind.UNIT,
                        unit.name(),
                        unit.definedAt(),
                        new MirrorValue.Unit(
                                unit.hash().toHex(),
                                unit.target(),
                                unit.startGeneration(),
                                unit.global(),
                                Objects.requireNonNullElse(unit.source(), ""),
                                unit.changed().by(),
                                unit.changed().atMs()));
    }

    private static @Nullable Change schedule(@Nullable UnitRecord unit) {
        var machine = unit == null ? null : unit.machineId();
        return unit == null || machine == null
                ? null
                : new Change(
                        MirrorValue.Kind.SCHEDULE, unit.name(), unit.placedAt(), new MirrorValue.Schedule(machine));
    }

    private static @Nullable Change metadata(@Nullable MachineRecord machine) {
        if (machine == null || machine.operatorsAt() == 0) {
            return null;
        }
        Map<String, String> set = new TreeMap<>();
        var removed = new ArrayList<String>();
        machine.operators()
                .forEach((key, value) -> value.ifPresentOrElse(v -> set.put(key, v), () -> removed.add(key)));
        return new Change(
                MirrorValue.Kind.METADATA,
                machine.id(),
                machine.operatorsAt(),
                new MirrorValue.Metadata(set, removed, machine.mark().message()));
    }

    private static Fact.Kind kind(MirrorValue.Kind kind) {
        return switch (kind) {
            case CONTENTS -> Fact.Kind.CONTENTS;
            case SOURCE -> Fact.Kind.SOURCE;
            case UNIT -> Fact.Kind.UNIT;
            case SCHEDULE -> Fact.Kind.SCHEDULE;
            case METADATA -> Fact.Kind.METADATA;
        };
    }

    private static Fact fact(Place place) {
        return new Fact(place.version(), place.id());
    }

    /** Changes up to a number and a size, but at least one. */
    private static final class Page {
        final List<Change> changes = new ArrayList<>();
        private final RegistryView view;
        private final int limit;
        private final long maxBytes;
        private long bytes;
        /** Whether something found no room. */
        boolean cut;
        /** Version of the first removal that found no room; 0 when all did. */
        long cutAt;

        Page(RegistryView view, int limit, long maxBytes) {
            this.view = view;
            this.limit = limit;
            this.maxBytes = maxBytes;
        }

        void facts(MirrorValue.Kind kind, Collection<Fact> facts, long upTo) {
            for (var fact : facts) {
                if (fact.version() > upTo || !add(find(view, kind, fact.id()))) {
                    return;
                }
            }
        }

        void removals(MirrorValue.Kind kind, Collection<Fact> removals, long upTo) {
            for (var removal : removals) {
                if (removal.version() > upTo) {
                    return;
                }
                if (!add(new Change(kind, removal.id(), removal.version(), null))) {
                    cutAt = cutAt == 0 ? removal.version() : Math.min(cutAt, removal.version());
                    return;
                }
            }
        }

        void list(MirrorValue.Kind kind, Iterable<String> ids) {
            for (var id : ids) {
                var change = find(view, kind, id);
                if (change.value() != null && !add(change)) {
                    return;
                }
            }
        }

        private static int textLength(@Nullable MirrorValue value) {
            return value instanceof MirrorValue.Contents contents
                    ? contents.text().length()
                    : value instanceof MirrorValue.Source source ? source.text().length() : 0;
        }

        private boolean add(Change change) {
            long size = (long) FACT_BYTES + textLength(change.value());
            cut |= !changes.isEmpty() && (changes.size() >= limit || bytes + size > maxBytes);
            if (cut) {
                return false;
            }
            changes.add(change);
            bytes += size;
            return true;
        }
    }
}
