package io.raftfleet.agent.reconcile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.raftfleet.unit.UnitHash;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FileJournalTest {
    private static final UnitHash HASH = UnitHash.ofText("[Service]\n");
    private static final UnitHash OTHER = UnitHash.ofText("[Unit]\n");

    @TempDir
    Path folder;

    private Path file = Path.of("");

    @BeforeEach
    void name() {
        file = folder.resolve("journal");
    }

    private static JournalEntry entry(String name, long generation) {
        return new JournalEntry(
                name,
                new Order(HASH, true, generation),
                false,
                new Done(OTHER, false, generation - 1, "b".repeat(32), Done.Phase.REFUSED));
    }

    private static void write(FileJournal journal, List<JournalEntry> puts, List<String> removes) throws Exception {
        journal.write(puts, removes, true).get(10, TimeUnit.SECONDS);
    }

    private List<JournalEntry> reopened() throws IOException {
        FileJournal journal = FileJournal.open(file);
        journal.close();
        return journal.load();
    }

    @Test
    void givesBackWhatWasNotedLast() throws Exception {
        JournalEntry removing = new JournalEntry("c.service", null, true, null);
        FileJournal journal = FileJournal.open(file);
        write(journal, List.of(entry("a.service", 1), entry("b.service", 1)), List.of());
        write(journal, List.of(entry("a.service", 2), removing), List.of("b.service"));
        journal.close();
        assertThat(reopened()).containsExactly(entry("a.service", 2), removing);
        assertThat(reopened()).hasSize(2);
    }

    @Test
    void everyCutOfTheFileGivesBackAPrefixOfWhatWasNoted() throws Exception {
        FileJournal journal = FileJournal.open(file);
        List<JournalEntry> entries = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            entries.add(entry("u" + i + ".service", i));
            write(journal, List.of(entries.get(i)), List.of());
        }
        journal.close();
        byte[] whole = Files.readAllBytes(file);
        int seen = 0;
        for (int length = JournalCodec.HEADER.length; length <= whole.length; length++) {
            Files.write(file, Arrays.copyOf(whole, length));
            List<JournalEntry> read = reopened();
            assertThat(entries.subList(0, read.size())).isEqualTo(read);
            assertThat(read.size()).isBetween(seen, seen + 1);
            seen = read.size();
        }
        assertThat(seen).isEqualTo(5);
    }

    @Test
    void goesOnBehindAnIncompleteRecordOnceItIsCutOff() throws Exception {
        FileJournal journal = FileJournal.open(file);
        write(journal, List.of(entry("a.service", 1)), List.of());
        journal.close();
        Files.write(file, new byte[] {0, 0, 0, 50, 1, 2}, StandardOpenOption.APPEND);
        FileJournal again = FileJournal.open(file);
        write(again, List.of(entry("b.service", 1)), List.of());
        again.close();
        assertThat(reopened()).containsExactly(entry("a.service", 1), entry("b.service", 1));
    }

    @Test
    void aTailOfZerosIsAnInterruptedWrite() throws Exception {
        FileJournal journal = FileJournal.open(file);
        write(journal, List.of(entry("a.service", 1)), List.of());
        journal.close();
        Files.write(file, new byte[4096], StandardOpenOption.APPEND);
        assertThat(reopened()).containsExactly(entry("a.service", 1));
    }

    @Test
    void damageBeforeTheEndIsRefusedWithTheFileAndWhatToDo() throws Exception {
        FileJournal journal = FileJournal.open(file);
        write(journal, List.of(entry("a.service", 1), entry("b.service", 1)), List.of());
        journal.close();
        byte[] whole = Files.readAllBytes(file);
        for (int at = 0; at < whole.length / 2; at++) {
            for (int bit = 0; bit < 8; bit++) {
                byte[] damaged = whole.clone();
                damaged[at] ^= (byte) (1 << bit);
                Files.write(file, damaged);
                assertThatThrownBy(() -> FileJournal.open(file))
                        .as("byte %d, bit %d", at, bit)
                        .isInstanceOf(IOException.class)
                        .hasMessageContaining(file.toString())
                        .hasMessageContaining("Move the file away");
            }
        }
    }

    @Test
    void staysSmallHoweverOftenUnitsChange() throws Exception {
        FileJournal journal = FileJournal.open(file);
        for (int round = 0; round < 200; round++) {
            List<JournalEntry> batch = new ArrayList<>();
            for (int i = 0; i < 100; i++) {
                batch.add(entry("u" + i + ".service", round));
            }
            journal.write(batch, List.of(), false).get(10, TimeUnit.SECONDS);
        }
        journal.close();
        assertThat(Files.size(file)).isLessThan(600_000);
        assertThat(reopened()).hasSize(100).contains(entry("u7.service", 199));
        assertThat(folder.resolve("journal.new")).doesNotExist();
    }

    @Test
    void aWriteThatSucceededIsNoFailureForWhatGoesWrongWhenTheFileIsWrittenAnew() throws Exception {
        AtomicBoolean broken = new AtomicBoolean();
        FileJournal journal = FileJournal.open(file, (path, options) -> {
            if (broken.get() && path.equals(folder.toAbsolutePath())) {
                throw new IOException("no such folder");
            }
            return FileChannel.open(path, options);
        });
        broken.set(true);
        List<JournalEntry> many = new ArrayList<>();
        for (int i = 0; i < 10_000; i++) {
            many.add(entry("unit-" + i + ".service", 1));
        }
        write(journal, many, List.of());
        // Written anew by now; what comes next might be lost with the power, so that nothing durable is promised.
        assertThatThrownBy(() -> write(journal, List.of(entry("a.service", 1)), List.of()))
                .hasMessageContaining("no such folder")
                .hasMessageContaining("nothing is started");
        broken.set(false);
        write(journal, List.of(entry("b.service", 1)), List.of());
        journal.close();
        assertThat(reopened()).hasSize(10_001).contains(entry("b.service", 1)).doesNotContain(entry("a.service", 1));
    }

    @Test
    void writesAfterTheEndFailAndSayWhy() throws Exception {
        FileJournal journal = FileJournal.open(file);
        journal.close();
        assertThat(journal.write(List.of(), List.of("a.service"), true))
                .failsWithin(10, TimeUnit.SECONDS)
                .withThrowableThat()
                .withMessageContaining(file.toString());
    }
}
