package io.raftfleet.state.raft;

import com.google.protobuf.ByteString;
import io.raftfleet.state.raft.ReplicatedState.Row;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.rocksdb.BlockBasedTableConfig;
import org.rocksdb.Checkpoint;
import org.rocksdb.InfoLogLevel;
import org.rocksdb.LRUCache;
import org.rocksdb.Options;
import org.rocksdb.ReadOptions;
import org.rocksdb.RocksDB;
import org.rocksdb.RocksDBException;
import org.rocksdb.RocksIterator;
import org.rocksdb.SstFileReader;
import org.rocksdb.WriteBatch;
import org.rocksdb.WriteOptions;

/**
 * Rows in a RocksDB database: either the live one, which takes changes and of which checkpoints are hard-linked copies, or
 * a checkpoint, read-only. Used by one thread at a time.
 */
final class RowStore implements AutoCloseable {
    private static final long BATCH_BYTES = 4L << 20;
    private static final long WRITE_BUFFER_BYTES = 8L << 20;
    private static final long CACHE_BYTES = 1L << 20;
    private static final String TABLE = ".sst";

    private final Options options;
    private final LRUCache cache;
    private final RocksDB db;

    private RowStore(Options options, LRUCache cache, RocksDB db) {
        this.options = options;
        this.cache = cache;
        this.db = db;
    }

    /** A live store in {@code dir}, which is emptied first, with the rows of a checkpoint unless that is null. */
    static RowStore openLive(Path dir, @Nullable Path checkpoint) throws IOException {
        DurableFiles.deleteTree(dir);
        Files.createDirectories(dir);
        if (checkpoint != null) {
            for (Path file : io.raftfleet.state.raft.Checkpoint.read(checkpoint).files()) {
                Path target = dir.resolve(file.getFileName());
                if (file.toString().endsWith(TABLE)) {
                    Files.createLink(target, file); // table files never change
                } else {
                    Files.copy(file, target);
                }
            }
        }
        return open(dir, false);
    }

    /** A checkpoint's rows. */
    static RowStore openCheckpoint(Path dir) throws IOException {
        return open(dir, true);
    }

    @SuppressWarnings("resource") // closed with the store
    private static RowStore open(Path dir, boolean readOnly) throws IOException {
        RocksDB.loadLibrary();
        LRUCache cache = new LRUCache(CACHE_BYTES);
        Options options = new Options()
                .setCreateIfMissing(true)
                .setWriteBufferSize(WRITE_BUFFER_BYTES)
                .setMaxWriteBufferNumber(2)
                .setMaxBackgroundJobs(2)
                .setInfoLogLevel(InfoLogLevel.ERROR_LEVEL)
                .setKeepLogFileNum(1)
                .setStatsDumpPeriodSec(0)
                .setStatsPersistPeriodSec(0)
                .setParanoidChecks(true)
                .setTableFormatConfig(new BlockBasedTableConfig().setBlockCache(cache));
        try {
            RocksDB db =
                    readOnly ? RocksDB.openReadOnly(options, dir.toString()) : RocksDB.open(options, dir.toString());
            return new RowStore(options, cache, db);
        } catch (RocksDBException e) {
            options.close();
            cache.close();
            throw failed("open", dir, e);
        }
    }

    /** Writes changes. They are on the disk once a {@link #checkpoint} has returned; until then nothing relies on them. */
    void write(List<Row> rows) throws IOException {
        try (WriteOptions unlogged = new WriteOptions().setDisableWAL(true);
                WriteBatch batch = new WriteBatch()) {
            for (Row row : rows) {
                ByteString value = row.value();
                if (value == null) {
                    batch.delete(row.key().toByteArray());
                } else {
                    batch.put(row.key().toByteArray(), value.toByteArray());
                }
                if (batch.getDataSize() > BATCH_BYTES) {
                    db.write(unlogged, batch);
                    batch.clear();
                }
            }
            db.write(unlogged, batch);
        } catch (RocksDBException e) {
            throw failed("write", Path.of(db.getName()), e);
        }
    }

    /** Makes a durable copy of the store in {@code target}, which must not exist. */
    void checkpoint(Path target) throws IOException {
        try (Checkpoint copier = Checkpoint.create(db)) {
            copier.createCheckpoint(target.toString());
        } catch (RocksDBException e) {
            throw failed("copy to " + target, Path.of(db.getName()), e);
        }
    }

    /**
     * Opens a fresh checkpoint and verifies the block checksums of the table files that {@code known}, an earlier verified
     * checkpoint, does not share.
     */
    static void verify(Path dir, @Nullable Path known) throws IOException {
        Set<String> shared = known == null ? Set.of() : tables(known);
        try (RowStore store = openCheckpoint(dir)) {
            for (String table : tables(dir)) {
                if (!shared.contains(table)) {
                    store.verifyTable(dir.resolve(table));
                }
            }
        }
    }

    private void verifyTable(Path table) throws IOException {
        try (SstFileReader reader = new SstFileReader(options)) {
            reader.open(table.toString());
            reader.verifyChecksum();
        } catch (RocksDBException e) {
            throw failed("verify", table, e);
        }
    }

    private static Set<String> tables(Path dir) throws IOException {
        Set<String> names = new HashSet<>();
        try (var files = Files.list(dir)) {
            files.map(f -> f.getFileName().toString())
                    .filter(n -> n.endsWith(TABLE))
                    .forEach(names::add);
        }
        return names;
    }

    /** Reads all rows in the order of their keys; throws {@link IllegalStateException} from the iterator on damage. */
    <E extends Exception> void scan(RowReader<E> reader) throws E {
        try (ReadOptions checked = new ReadOptions().setVerifyChecksums(true).setFillCache(false);
                RocksIterator cursor = db.newIterator(checked)) {
            cursor.seekToFirst();
            reader.read(new Rows(cursor));
        }
    }

    /** Takes an iterator that is valid during the call. */
    interface RowReader<E extends Exception> {
        void read(Iterator<Row> rows) throws E;
    }

    private static final class Rows implements Iterator<Row> {
        private final RocksIterator cursor;

        Rows(RocksIterator cursor) {
            this.cursor = cursor;
        }

        @Override
        public boolean hasNext() {
            if (cursor.isValid()) {
                return true;
            }
            try {
                cursor.status();
            } catch (RocksDBException e) {
                throw new IllegalStateException("its rows can't be read: " + e.getMessage(), e);
            }
            return false;
        }

        @Override
        public Row next() {
            if (!hasNext()) {
                throw new NoSuchElementException();
            }
            Row row = new Row(ByteString.copyFrom(cursor.key()), ByteString.copyFrom(cursor.value()));
            cursor.next();
            return row;
        }
    }

    @Override
    public void close() {
        db.close();
        options.close();
        cache.close();
    }

    private static IOException failed(String what, Path where, RocksDBException e) {
        return new IOException("RocksDB could not " + what + " " + where + ": " + e.getMessage(), e);
    }
}
