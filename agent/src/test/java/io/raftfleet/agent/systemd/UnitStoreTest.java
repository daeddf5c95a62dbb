package io.raftfleet.agent.systemd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.raftfleet.unit.UnitFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class UnitStoreTest {
    private static final String SERVICE = "[Service]\nExecStart=/bin/true\n";

    @TempDir
    private Path directory;

    private Path units;
    private Path search;
    private UnitStore store;

    @BeforeEach
    void open() throws Exception {
        units = directory.resolve("units");
        search = directory.resolve("search");
        store = new UnitStore(units, search);
    }

    @Test
    void writesAndLinks() throws Exception {
        UnitFile file = UnitFile.parse(SERVICE + "[Install]\nWantedBy=a.target\nAlias=b.service\n");
        UnitStore.Installed done = store.install(Map.of("web@1.service", file));
        assertThat(done.added()).containsExactly("web@1.service");
        assertThat(done.changed()).isEmpty();
        assertThat(done.refused()).isEmpty();
        assertThat(units.resolve("web@1.service")).hasContent(file.text());
        assertThat(search.resolve("web@1.service")).isSymbolicLink().hasContent(file.text());
        assertThat(search.resolve("a.target.wants/web@1.service"))
                .isSymbolicLink()
                .hasContent(file.text());
        assertThat(Files.readSymbolicLink(search.resolve("b.service"))).isEqualTo(Path.of("web@1.service"));
        assertThat(store.hashes()).containsExactly(Map.entry("web@1.service", file.hash()));
        assertThat(store.read()).containsExactly(Map.entry("web@1.service", file));
        assertThat(store.reloadDue()).isFalse();
    }

    @Test
    void theSameContentsAgainChangeNothing() throws Exception {
        store.install(Map.of("web.service", UnitFile.parse(SERVICE)));
        Object before = Files.readAttributes(units.resolve("web.service"), "unix:ino,lastModifiedTime");
        UnitStore.Installed done = store.install(Map.of("web.service", UnitFile.parse(SERVICE)));
        assertThat(done.added()).isEmpty();
        assertThat(done.changed()).isEmpty();
        assertThat(Files.readAttributes(units.resolve("web.service"), "unix:ino,lastModifiedTime"))
                .isEqualTo(before);
    }

    @Test
    void aUnitThatAnotherOneIsToPullInIsNotForgottenBeforeSystemdHasReadItsFiles() throws Exception {
        store.install(Map.of("a.service", UnitFile.parse(SERVICE)));
        assertThat(store.reloadDue()).isFalse();
        var done = store.install(Map.of("b.service", UnitFile.parse(SERVICE + "[Install]\nWantedBy=a.service\n")));
        assertThat(done.pulling()).containsExactly(Map.entry("b.service", Set.of("a.service")));
        assertThat(store.reloadDue()).isTrue();
    }

    @Test
    void whatIsTakenBackLeavesNothingForSystemdToReadAgain() throws Exception {
        var done = store.install(Map.of("web.service", UnitFile.parse(SERVICE + "[Install]\nWantedBy=a.target\n")));
        assertThat(done.pulling()).isEmpty();
        assertThat(store.takeBack(List.of("web.service")).removed()).containsExactly("web.service");
        assertThat(store.reloadDue()).isFalse();
        assertThat(units).isEmptyDirectory();
        assertThat(search).isEmptyDirectory();
    }

    @Test
    void changedContentsChangeLinks() throws Exception {
        store.install(Map.of(
                "web.service", UnitFile.parse(SERVICE + "[Install]\nWantedBy=a.target b.target\nAlias=x.service\n")));
        UnitStore.Installed done = store.install(Map.of(
                "web.service", UnitFile.parse(SERVICE + "[Install]\nWantedBy=b.target c.target\nAlias=y.service\n")));
        assertThat(done.changed()).containsExactly("web.service");
        assertThat(search.resolve("a.target.wants")).doesNotExist();
        assertThat(search.resolve("b.target.wants/web.service")).isSymbolicLink();
        assertThat(search.resolve("c.target.wants/web.service")).isSymbolicLink();
        assertThat(search.resolve("x.service")).doesNotExist();
        assertThat(search.resolve("y.service")).exists();
        assertThat(store.reloadDue()).isTrue();
        assertThat(new UnitStore(units, search).reloadDue())
                .as("in the next process")
                .isTrue();
        store.reloadDone();
        assertThat(store.reloadDue()).isFalse();
    }

    @Test
    void foreignFilesAreNeverTouched() throws Exception {
        Files.writeString(search.resolve("foreign.service"), "theirs");
        Files.createDirectories(search.resolve("a.target.wants"));
        Files.createSymbolicLink(search.resolve("a.target.wants/theirs.service"), Path.of("/nowhere"));
        Files.createSymbolicLink(search.resolve("alias.service"), Path.of("theirs.service"));
        UnitFile file = UnitFile.parse(SERVICE + "[Install]\nWantedBy=a.target\nAlias=alias.service\n");
        UnitStore.Installed done = store.install(Map.of("foreign.service", file, "web.service", file));
        assertThat(done.added()).containsExactly("web.service");
        assertThat(done.refused()).containsOnlyKeys("foreign.service");
        assertThat(done.refused().get("foreign.service"))
                .contains("is not fleet's")
                .contains(search.toString());
        assertThat(store.uninstall(List.of("web.service", "foreign.service")).removed())
                .containsExactly("web.service");
        assertThat(search.resolve("foreign.service")).hasContent("theirs");
        assertThat(Files.readSymbolicLink(search.resolve("alias.service"))).isEqualTo(Path.of("theirs.service"));
        assertThat(Files.isSymbolicLink(search.resolve("a.target.wants/theirs.service")))
                .isTrue();
        assertThat(search.resolve("a.target.wants/web.service")).doesNotExist();
    }

    @Test
    void uninstallingLeavesNothing() throws Exception {
        store.install(
                Map.of("web.service", UnitFile.parse(SERVICE + "[Install]\nWantedBy=a.target\nAlias=b.service\n")));
        assertThat(store.uninstall(List.of("web.service", "unknown.service")).removed())
                .containsExactly("web.service");
        assertThat(store.reloadDue()).isTrue();
        store.reloadDone();
        assertThat(units).isEmptyDirectory();
        assertThat(search).isEmptyDirectory();
    }

    @Test
    void whatCannotBeTakenAwayHoldsUpNothingElse() throws Exception {
        store.install(Map.of("a.service", UnitFile.parse(SERVICE), "bad.service", UnitFile.parse(SERVICE)));
        Files.delete(units.resolve("bad.service"));
        Files.createDirectories(units.resolve("bad.service/full"));
        UnitStore.Uninstalled done = store.uninstall(List.of("bad.service", "a.service"));
        assertThat(done.removed()).containsExactly("a.service");
        assertThat(done.refused()).containsOnlyKeys("bad.service");
        assertThat(units.resolve("a.service")).doesNotExist();
    }

    /** A process killed between writing a file and linking it; and half-written files. */
    @Test
    void theNextProcessCompletesWhatOneLeft() throws Exception {
        String text = SERVICE + "[Install]\nWantedBy=a.target\n";
        Files.writeString(units.resolve("web.service"), UnitFile.parse(text).text());
        Files.writeString(units.resolve(".new"), "[Ser");
        Files.writeString(units.resolve("README"), "not a unit");
        UnitStore next = new UnitStore(units, search);
        assertThat(next.read()).containsOnlyKeys("web.service");
        assertThat(search.resolve("web.service")).isSymbolicLink();
        assertThat(search.resolve("a.target.wants/web.service")).isSymbolicLink();
        assertThat(units.resolve(".new")).doesNotExist();
    }

    @Test
    void anEmptiedSearchDirectoryIsFilledAgain() throws Exception {
        store.install(Map.of("web.service", UnitFile.parse(SERVICE)));
        Files.delete(search.resolve("web.service"));
        Files.delete(search);
        store.repair();
        assertThat(search.resolve("web.service")).isSymbolicLink();
    }

    @Test
    void namesThatAreNoneAreRefused() throws Exception {
        assertThat(store.install(Map.of("../evil.service", UnitFile.parse(SERVICE)))
                        .refused())
                .containsEntry("../evil.service", "not a unit's name");
        assertThat(directory.resolve("evil.service")).doesNotExist();
    }

    @Test
    void aDirectoryThatCanNotBeIsAnError() throws Exception {
        Path file = Files.writeString(directory.resolve("file"), "");
        assertThatExceptionOfType(IOException.class).isThrownBy(() -> new UnitStore(file, search));
    }

    @Test
    void aFencedUnitIsBoundToTheLeaseForAsLongAsItIsFenced() throws Exception {
        UnitFile fenced = UnitFile.parse(SERVICE + "[X-Fleet]\nFence=true\n");
        Path dropIn = search.resolve("web.service.d/90-raftfleet-fence.conf");
        store.install(Map.of("web.service", fenced, "free.service", UnitFile.parse(SERVICE)));
        assertThat(dropIn)
                .isSymbolicLink()
                .content()
                .contains("BindsTo=raftfleet-lease.service", "TimeoutStopSec=10", "KillMode=control-group");
        assertThat(search.resolve("raftfleet-lease.service")).isSymbolicLink();
        assertThat(search.resolve("free.service.d")).doesNotExist();
        assertThat(store.hasFenced()).isTrue();
        assertThat(store.read()).containsOnlyKeys("web.service", "free.service");
        assertThat(store.reloadDue()).isFalse();

        Files.delete(dropIn);
        store.repair();
        assertThat(dropIn).isSymbolicLink();
        store = new UnitStore(units, search);
        assertThat(store.isFenced("web.service")).isTrue();
        assertThat(store.reloadDue()).as("nothing has changed").isFalse();

        store.install(Map.of("web.service", UnitFile.parse(SERVICE)));
        assertThat(dropIn.getParent()).doesNotExist();
        assertThat(store.hasFenced()).isFalse();
    }

    @Test
    void aLeaseIsNeverNotedLongerThanItIsHeld() throws Exception {
        store.install(Map.of("web.service", UnitFile.parse(SERVICE + "[X-Fleet]\nFence=true\n")));
        FenceFiles fence = store.fence();
        assertThat(fence.held()).isFalse();
        fence.renew(System.nanoTime() - 1);
        assertThat(fence.held()).as("over before it was noted").isFalse();
        fence.renew(System.nanoTime() + Duration.ofMinutes(1).toNanos());
        assertThat(fence.held()).isTrue();
        fence.mark("web.service");
        assertThat(fence.stopped()).containsExactly("web.service");
        fence.unmark("web.service");
        assertThat(fence.stopped()).isEmpty();
    }
}
