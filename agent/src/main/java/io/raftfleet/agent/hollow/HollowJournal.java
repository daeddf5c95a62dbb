package io.raftfleet.agent.hollow;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.IOException;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A file of what ran on hollow machines when, for tests that compare it with what the cluster says; systemd's own journal is that on
 * other machines. A line for each start and stop: nanoseconds of the host's monotonic clock, machine id, unit, {@code STARTED} or
 * {@code STOPPED}, main pid; and one with time, machine id and {@code BOOTED} when a machine begins, empty. Guarded by its own monitor.
 */
public final class HollowJournal implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(HollowJournal.class);

    private final Path file;

    @GuardedBy("this")
    private final Writer out;

    @GuardedBy("this")
    private boolean failed;

    private HollowJournal(Path file, Writer out) {
        this.file = file;
        this.out = out;
    }

    /** Appends to a file, which is made when it is not there. */
    public static HollowJournal open(Path file) throws IOException {
        return new HollowJournal(
                file, Files.newBufferedWriter(file, StandardOpenOption.CREATE, StandardOpenOption.APPEND));
    }

    /** Notes that a machine begins; what is told of its units from now on goes into the journal. */
    public HollowUnitManager.Witness witness(String machine) {
        write(System.nanoTime() + " " + machine + " BOOTED\n");
        return (unit, started, pid) -> write(
                System.nanoTime() + " " + machine + " " + unit + (started ? " STARTED " : " STOPPED ") + pid + "\n");
    }

    private synchronized void write(String line) {
        if (failed) {
            return;
        }
        try {
            out.write(line);
            out.flush();
        } catch (IOException e) {
            failed = true;
            log.error("{} can't be written any more and is incomplete: {}", file, e.toString());
        }
    }

    @Override
    public synchronized void close() throws IOException {
        out.close();
    }
}
