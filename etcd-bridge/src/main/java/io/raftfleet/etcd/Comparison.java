package io.raftfleet.etcd;

import com.google.protobuf.ByteString;
import io.raftfleet.etcd.EtcdStore.Entry;
import io.raftfleet.etcd.EtcdStore.Write;
import io.raftfleet.etcd.MirrorSource.Change;
import io.raftfleet.etcd.MirrorValue.Kind;
import io.raftfleet.etcd.MirrorWriter.Outpaced;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/**
 * Compares all keys of the mirror with the registry, page by page, and puts right what differs, in the order in which a
 * catch-up writes. What changed in the registry after the watermark is left to the next catch-up. Owned by the mirror's
 * thread.
 */
final class Comparison {
    private static final int FACTS_A_PAGE = 256;
    /** Contents may be large. */
    private static final int CONTENTS_A_PAGE = 32;

    private static final int KEYS_A_PAGE = 1000;
    private static final long PAGE_BYTES = 4L * 1024 * 1024;

    private final MirrorSource source;
    private final CatchUp catchUp;
    private final BooleanSupplier goOn;

    Comparison(MirrorSource source, CatchUp catchUp, BooleanSupplier goOn) {
        this.source = source;
        this.catchUp = catchUp;
        this.goOn = goOn;
    }

    /**
     * Makes a mirror of which nothing is known, or too little, one that has all; {@code superseded} hears of each key before it is
     * removed or overwritten.
     */
    void rebuild(MirrorWriter writer, Consumer<String> superseded)
            throws EtcdException, InterruptedException, Outpaced {
        writer.plan(writer.mark().compare());
        var batch = writer.new Batch();
        long upTo = source.head().last();
        for (var kind : Kind.values()) {
            putMissing(writer, batch, kind, upTo, (key, was) -> {
                if (was) {
                    superseded.accept(key);
                }
            });
        }
        for (var kind : List.of(Kind.SCHEDULE, Kind.UNIT, Kind.METADATA)) {
            deleteSurplus(writer, batch, kind, upTo, superseded);
        }
        if (!goOn.getAsBoolean()) {
            return;
        }
        batch.commit(writer.mark().reached(upTo, upTo));
        // From here on units are as they were at one moment, so that contents without a unit then can go.
        catchUp.run(writer);
        for (var kind : List.of(Kind.CONTENTS, Kind.SOURCE)) {
            deleteSurplus(writer, batch, kind, writer.mark().to(), superseded);
        }
        if (goOn.getAsBoolean()) {
            batch.commit(writer.mark().compared());
        }
    }

    /** Looks for what others did to a mirror that is caught up; {@code changed} hears of each key before it is put right. */
    void verify(MirrorWriter writer, Consumer<String> changed) throws EtcdException, InterruptedException, Outpaced {
        var batch = writer.new Batch();
        long upTo = writer.mark().to();
        for (var kind : Kind.values()) {
            putMissing(writer, batch, kind, upTo, (key, was) -> changed.accept(key));
        }
        for (var kind : List.of(Kind.SCHEDULE, Kind.UNIT, Kind.METADATA, Kind.CONTENTS, Kind.SOURCE)) {
            deleteSurplus(writer, batch, kind, upTo, changed);
        }
        if (!batch.isEmpty() && goOn.getAsBoolean()) {
            batch.commit(writer.mark());
        }
    }

    private interface Changed {
        /** @param was whether the mirror had another value */
        void key(String key, boolean was);
    }

    private void putMissing(MirrorWriter writer, MirrorWriter.Batch batch, Kind kind, long upTo, Changed changed)
            throws EtcdException, InterruptedException, Outpaced {
        int limit = kind == Kind.CONTENTS || kind == Kind.SOURCE ? CONTENTS_A_PAGE : FACTS_A_PAGE;
        String after = "";
        while (goOn.getAsBoolean()) {
            var facts = source.list(kind, after, limit, PAGE_BYTES);
            if (facts.isEmpty()) {
                return;
            }
            String last = facts.getLast().id();
            var there = there(writer, kind, after, last, limit);
            for (var fact : facts) {
                var write = writer.write(fact);
                var value = there.get(fact.id());
                if (fact.version() <= upTo && (value == null || !value.equals(write.value()))) {
                    changed.key(write.key(), value != null);
                    add(writer, batch, write);
                }
            }
            after = last;
        }
    }

    /** Values by id, of ids after one and up to another. */
    private Map<String, ByteString> there(MirrorWriter writer, Kind kind, String after, String last, int limit)
            throws EtcdException, InterruptedException {
        var keys = writer.keys();
        var values = new HashMap<String, ByteString>();
        String from = after.isEmpty() ? keys.folder(kind) : keys.of(kind, after) + "\0";
        String end = keys.of(kind, last) + "\0";
        EtcdStore.Page page;
        do {
            page = writer.store().range(from, end, limit, false, 0);
            for (Entry entry : page.entries()) {
                values.put(keys.id(kind, entry.key()), entry.value());
                from = entry.key() + "\0";
            }
        } while (page.more());
        return values;
    }

    private void deleteSurplus(
            MirrorWriter writer, MirrorWriter.Batch batch, Kind kind, long upTo, Consumer<String> changed)
            throws EtcdException, InterruptedException, Outpaced {
        var keys = writer.keys();
        String from = keys.folder(kind);
        boolean more = true;
        while (more && goOn.getAsBoolean()) {
            var page = writer.store().range(from, keys.folderEnd(kind), KEYS_A_PAGE, true, 0);
            for (Entry entry : page.entries()) {
                Change fact = source.find(kind, keys.id(kind, entry.key()));
                if (fact.value() == null && fact.version() <= upTo) {
                    changed.accept(entry.key());
                    add(writer, batch, new Write(entry.key(), null));
                }
                from = entry.key() + "\0";
            }
            more = page.more();
        }
    }

    private static void add(MirrorWriter writer, MirrorWriter.Batch batch, Write write)
            throws EtcdException, InterruptedException, Outpaced {
        if (!batch.hasRoom(write)) {
            batch.commit(writer.mark());
        }
        batch.add(write);
    }
}
