package io.raftfleet.agent.reconcile;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A journal in one file that is only appended to, and written anew when most of it is outdated. One write, and at most one
 * fsync, for each call however many units it has. An incomplete record at the end, of a crash in the middle of a write, is
 * cut off; damage anywhere else is refused. What a failed write left behind is cut off before the next one.
 *
 * <p>All fields are owned by the writer thread once the journal is open.
 */
public final class FileJournal implements Journal {
    private static final Logger log = LoggerFactory.getLogger(FileJournal.class);

    /** A file below this size is never written anew. */
    private static final long COMPACT_ABOVE = 256 * 1024;
    /** Calls that wait for the disk; beyond, callers are told instead of memory being filled. */
    private static final int MAX_WAITING = 10_000;

    private final Path file;
    private final Map<String, JournalEntry> entries = new LinkedHashMap<>();
    private final List<JournalEntry> loaded;
    private final ExecutorService writer;
    private final Disk disk;
    private FileChannel channel;
    private long compactAt;
    /** Where the last write that failed began, until what it left is cut off; -1 for nowhere. */
    private long cutAt = -1;
    /** Whether the folder may still lead to the file from before the last compaction, should the power fail. */
    private boolean folderOwed;

    /** Opens files and folders. */
    @FunctionalInterface
    interface Disk {
        FileChannel open(Path path, OpenOption... options) throws IOException;
    }

    private FileJournal(Path file, Disk disk) throws IOException {
        this.file = file;
        this.disk = disk;
        Files.deleteIfExists(temporary());
        boolean fresh = !Files.exists(file);
        this.channel = disk.open(file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
        try {
            if (fresh || channel.size() == 0) {
                channel.write(ByteBuffer.wrap(JournalCodec.HEADER));
                channel.force(true);
                syncFolder();
            } else {
                replay(Files.readAllBytes(file));
            }
        } catch (IOException e) {
            channel.close();
            throw e;
        }
        this.compactAt = Math.max(COMPACT_ABOVE, 2 * channel.size());
        this.loaded = List.copyOf(entries.values());
        ThreadPoolExecutor executor = new ThreadPoolExecutor(
                1,
                1,
                10,
                TimeUnit.SECONDS,
                new LinkedBlockingQueue<>(MAX_WAITING),
                Thread.ofPlatform().name("journal").daemon(true).factory());
        executor.allowCoreThreadTimeOut(true);
        this.writer = executor;
    }

    /**
     * Opens the journal, or starts one.
     *
     * @throws IOException when the file is damaged or can't be read; the message says what to do
     */
    public static FileJournal open(Path file) throws IOException {
        return open(file, FileChannel::open);
    }

    static FileJournal open(Path file, Disk disk) throws IOException {
        return new FileJournal(file, disk);
    }

    private void replay(byte[] bytes) throws IOException {
        int header = JournalCodec.HEADER.length;
        if (bytes.length < header || !Arrays.equals(bytes, 0, header, JournalCodec.HEADER, 0, header)) {
            throw damaged(0, "it is no agent journal of this version");
        }
        int at = header;
        while (at < bytes.length) {
            int next = record(bytes, at);
            if (next < 0) {
                log.warn("{}: cut off an incomplete record at byte {}, of a write that a crash interrupted", file, at);
                channel.truncate(at);
                channel.force(true);
                break;
            }
            at = next;
        }
        channel.position(channel.size());
    }

    /** Applies the record at {@code at}; returns where the next begins, or -1 when this one is the incomplete last. */
    private int record(byte[] bytes, int at) throws IOException {
        if (bytes.length - at < JournalCodec.FRAME) {
            return -1;
        }
        ByteBuffer head = ByteBuffer.wrap(bytes, at, JournalCodec.FRAME);
        int length = head.getInt();
        int checksum = head.getInt();
        int from = at + JournalCodec.FRAME;
        boolean sane = length > 0 && length <= JournalCodec.MAX_PAYLOAD;
        boolean whole = sane && length <= bytes.length - from;
        if (!whole || JournalCodec.checksum(bytes, from, length) != checksum) {
            // A torn last write may leave anything up to the end; a sound record after it proves that it is not the
            // last.
            if (soundRecordAfter(bytes, at + 1)) {
                throw damaged(at, "the checksum is wrong");
            }
            return -1;
        }
        try {
            JournalCodec.Read read =
                    JournalCodec.read(new DataInputStream(new ByteArrayInputStream(bytes, from, length)));
            if (read.entry() == null) {
                entries.remove(read.name());
            } else {
                entries.put(read.name(), read.entry());
            }
        } catch (IOException | IllegalArgumentException e) {
            throw damaged(at, String.valueOf(e.getMessage()));
        }
        return from + length;
    }

    private static boolean soundRecordAfter(byte[] bytes, int start) {
        for (int at = start; at <= bytes.length - JournalCodec.FRAME; at++) {
            ByteBuffer head = ByteBuffer.wrap(bytes, at, JournalCodec.FRAME);
            int length = head.getInt();
            int checksum = head.getInt();
            int from = at + JournalCodec.FRAME;
            if (length > 0
                    && length <= JournalCodec.MAX_PAYLOAD
                    && length <= bytes.length - from
                    && JournalCodec.checksum(bytes, from, length) == checksum) {
                return true;
            }
        }
        return false;
    }

    private IOException damaged(long at, String reason) {
        return new IOException("the journal " + file + " is damaged at byte " + at + " (" + reason
                + "). Move the file away to start without it: running units are taken over, but one that has finished"
                + " may be started once more");
    }

    @Override
    public List<JournalEntry> load() {
        return loaded;
    }

    @Override
    public CompletableFuture<Void> write(Collection<JournalEntry> puts, Collection<String> removes, boolean durable) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream(128 * (puts.size() + removes.size()));
        removes.forEach(name -> JournalCodec.remove(bytes, name));
        puts.forEach(entry -> JournalCodec.put(bytes, entry));
        CompletableFuture<Void> done = new CompletableFuture<>();
        Runnable task = () -> {
            try {
                append(bytes.toByteArray(), durable);
            } catch (IOException e) {
                done.completeExceptionally(new IOException(
                        "the journal " + file + " can't be written (" + e.getMessage()
                                + "); nothing is started until it can: free space or mend the disk",
                        e));
                return;
            }
            removes.forEach(entries::remove);
            puts.forEach(entry -> entries.put(entry.name(), entry));
            done.complete(null);
            compactIfLarge();
        };
        try {
            writer.execute(task);
        } catch (java.util.concurrent.RejectedExecutionException e) {
            done.completeExceptionally(
                    new IOException("the journal " + file + " is closed or its disk is too slow to follow", e));
        }
        return done;
    }

    private void append(byte[] bytes, boolean durable) throws IOException {
        cutOff();
        if (durable && folderOwed) {
            syncFolder();
            folderOwed = false;
        }
        cutAt = channel.position();
        try {
            writeFully(channel, bytes);
            if (durable) {
                channel.force(false);
            }
            cutAt = -1;
        } catch (IOException e) {
            try {
                cutOff();
            } catch (IOException later) {
                e.addSuppressed(later);
            }
            throw e;
        }
    }

    private void cutOff() throws IOException {
        if (cutAt >= 0) {
            channel.truncate(cutAt);
            cutAt = -1;
        }
    }

    private static void writeFully(FileChannel channel, byte[] bytes) throws IOException {
        ByteBuffer buffer = ByteBuffer.wrap(bytes);
        while (buffer.hasRemaining()) {
            channel.write(buffer);
        }
    }

    /** Comes after the write has succeeded: failing to write the file anew is no failure of it, for the old file has everything. */
    private void compactIfLarge() {
        try {
            if (channel.position() >= compactAt) {
                compact();
            }
        } catch (IOException e) {
            log.warn("{} could not be compacted: {}; trying again with the next note", file, e.getMessage());
        }
    }

    private void compact() throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream(128 * entries.size());
        bytes.writeBytes(JournalCodec.HEADER);
        entries.values().forEach(entry -> JournalCodec.put(bytes, entry));
        FileChannel next = null;
        try {
            next = disk.open(
                    temporary(),
                    StandardOpenOption.CREATE,
                    StandardOpenOption.TRUNCATE_EXISTING,
                    StandardOpenOption.WRITE);
            writeFully(next, bytes.toByteArray());
            next.force(true);
            Files.move(temporary(), file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            log.warn("{} could not be compacted: {}; trying again when it has doubled", file, e.getMessage());
            closed(next);
            compactAt = 2 * channel.position();
            return;
        }
        FileChannel before = channel;
        channel = next;
        compactAt = Math.max(COMPACT_ABOVE, 2 * channel.position());
        folderOwed = true;
        closed(before);
        syncFolder();
        folderOwed = false;
    }

    /** Nothing that is needed depends on it. */
    private void closed(@Nullable FileChannel old) {
        try {
            if (old != null) {
                old.close();
            }
        } catch (IOException e) {
            log.warn("{}: a file of before could not be closed: {}", file, e.getMessage());
        }
    }

    private void syncFolder() throws IOException {
        Path folder = file.toAbsolutePath().getParent();
        if (folder != null) {
            try (FileChannel opened = disk.open(folder, StandardOpenOption.READ)) {
                opened.force(true);
            }
        }
    }

    private Path temporary() {
        return file.resolveSibling(file.getFileName() + ".new");
    }

    @Override
    public void close() {
        writer.shutdown();
        try {
            if (!writer.awaitTermination(10, TimeUnit.SECONDS)) {
                log.warn("{}: the disk did not take the last notes within 10 s", file);
            }
            channel.close();
        } catch (IOException e) {
            log.warn("{} could not be closed: {}", file, e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
