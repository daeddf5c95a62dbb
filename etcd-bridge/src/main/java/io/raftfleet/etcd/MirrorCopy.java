package io.raftfleet.etcd;

import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * All that a mirror holds, read back at one revision of etcd.
 *
 * @param incarnation the registry's life that wrote it
 * @param generationBase what start generations are versions plus, in that life
 * @param version up to which it is complete
 * @param contents texts by hash
 * @param sources files as they were submitted, by digest; some that units name may be lost
 * @param units by name; the contents of each are among {@code contents}
 * @param schedule machine ids by unit
 * @param metadata what operators say, by machine
 */
public record MirrorCopy(
        long incarnation,
        long generationBase,
        long version,
        Map<String, String> contents,
        Map<String, String> sources,
        Map<String, MirrorValue.Unit> units,
        Map<String, String> schedule,
        Map<String, MirrorValue.Metadata> metadata) {

    private static final int KEYS_A_PAGE = 500;
    private static final int CONTENTS_A_PAGE = 32;

    public MirrorCopy {
        contents = Map.copyOf(contents);
        sources = Map.copyOf(sources);
        units = new TreeMap<>(units);
        schedule = Map.copyOf(schedule);
        metadata = new TreeMap<>(metadata);
    }

    /**
     * Reads the mirror of a cluster.
     *
     * @param most bytes that names and contents of units may have together: what has more is not read to its end
     * @throws EtcdException when there is none, it is another cluster's, it was never complete, or it is damaged: the
     *     message says which, and what to do
     */
    public static MirrorCopy read(String clusterId, EtcdSettings settings, Mirror.Timing timing, long most)
            throws EtcdException, InterruptedException {
        var keys = new Keys(settings.prefix());
        try (var store = new EtcdClients(settings, timing.call()).open()) {
            // The watermark and all keys as of the same revision.
            var first = store.range(keys.watermark(), keys.watermark() + "\0", 1, false, 0);
            if (first.entries().isEmpty()) {
                throw new EtcdException("there is no mirror in etcd " + settings + ": check etcd_servers and"
                        + " etcd_key_prefix, or start without --restore-from-etcd to begin with an empty cluster");
            }
            var mark = Documents.watermark(first.entries().getFirst().value());
            check(clusterId, keys, mark);
            if (mark == null) {
                throw new EtcdException(keys.watermark() + " can't be read");
            }
            return new Reader(store, keys, first.revision(), most).read(mark);
        }
    }

    private static void check(String clusterId, Keys keys, @Nullable Watermark mark) throws EtcdException {
        if (mark == null) {
            throw new EtcdException(keys.watermark() + " in etcd is no watermark of a mirror: somebody changed it; put"
                    + " etcd back from a backup");
        }
        if (!mark.cluster().equals(clusterId)) {
            throw new EtcdException("the mirror below " + keys.prefix() + " is of cluster " + mark.cluster()
                    + ", not of " + clusterId + ": give the engines --cluster-id " + mark.cluster()
                    + " to bring that one back, or choose another etcd_key_prefix");
        }
        if (!mark.built()) {
            throw new EtcdException("the mirror below " + keys.prefix() + " was never finished: the cluster was lost"
                    + " while it was first written, so units may be missing; nothing is restored from it");
        }
    }

    private static final class Reader {
        private final EtcdStore store;
        private final Keys keys;
        private final long revision;
        private final long most;
        private final Map<String, String> contents = new HashMap<>();
        private final Map<String, String> sources = new HashMap<>();
        private final Map<String, MirrorValue.Unit> units = new HashMap<>();
        private final Map<String, String> schedule = new HashMap<>();
        private final Map<String, MirrorValue.Metadata> metadata = new HashMap<>();
        private long bytes;

        Reader(EtcdStore store, Keys keys, long revision, long most) {
            this.store = store;
            this.keys = keys;
            this.revision = revision;
            this.most = most;
        }

        MirrorCopy read(Watermark mark) throws EtcdException, InterruptedException {
            for (var kind : MirrorValue.Kind.values()) {
                read(kind);
            }
            for (var unit : units.entrySet()) {
                if (!contents.containsKey(unit.getValue().hash())) {
                    throw new EtcdException(keys.of(
                                    MirrorValue.Kind.CONTENTS, unit.getValue().hash())
                            + ", the contents of unit " + unit.getKey()
                            + ", is missing in etcd: somebody deleted it; put"
                            + " it back from a backup, or delete " + keys.of(MirrorValue.Kind.UNIT, unit.getKey())
                            + " to do without the unit");
                }
            }
            return new MirrorCopy(
                    mark.incarnationNumber(),
                    mark.generationBase(),
                    mark.to(),
                    contents,
                    sources,
                    units,
                    schedule,
                    metadata);
        }

        private void read(MirrorValue.Kind kind) throws EtcdException, InterruptedException {
            boolean large = kind == MirrorValue.Kind.CONTENTS || kind == MirrorValue.Kind.SOURCE;
            int limit = large ? CONTENTS_A_PAGE : KEYS_A_PAGE;
            String from = keys.folder(kind);
            EtcdStore.Page page;
            do {
                page = store.range(from, keys.folderEnd(kind), limit, false, revision);
                for (var entry : page.entries()) {
                    add(kind, entry);
                    from = entry.key() + "\0";
                }
            } while (page.more());
        }

        private void add(MirrorValue.Kind kind, EtcdStore.Entry entry) throws EtcdException {
            var id = keys.id(kind, entry.key());
            bytes += id.length();
            switch (value(kind, id, entry)) {
                case MirrorValue.Contents found -> {
                    bytes += found.text().length();
                    contents.put(id, found.text());
                }
                case MirrorValue.Source found -> {
                    bytes += found.text().length();
                    sources.put(id, found.text());
                }
                case MirrorValue.Unit found -> units.put(id, found);
                case MirrorValue.Schedule found -> schedule.put(id, found.machineId());
                case MirrorValue.Metadata found -> metadata.put(id, found);
            }
            if (bytes > most) {
                throw new EtcdException(
                        "the mirror below " + keys.prefix() + " holds more than the " + (most >> 20)
                                + " MiB that this engine's registry may have: give all engines more memory or a larger registry_quota");
            }
        }

        private static MirrorValue value(MirrorValue.Kind kind, String id, EtcdStore.Entry entry) throws EtcdException {
            try {
                return Documents.read(kind, id, entry.value());
            } catch (Documents.Malformed e) {
                throw new EtcdException(entry.key() + " in etcd is damaged (" + e.getMessage()
                        + "): somebody changed it; put it back from a backup, or delete it to do without");
            }
        }
    }
}
