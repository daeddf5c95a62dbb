package io.raftfleet.settings.service;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class WatchdogTest {
    private Path directory = Path.of("");

    @BeforeEach
    void makeDirectory() throws IOException {
        // Not JUnit's: a socket's path has at most 107 bytes.
        directory = Files.createTempDirectory("notify");
    }

    @AfterEach
    void removeDirectory() throws IOException {
        Files.deleteIfExists(directory.resolve("socket"));
        Files.delete(directory);
    }

    @Test
    void systemdHearsOfTheServiceByAFileAndByAnAbstractName() throws Throwable {
        for (var path : List.of(directory.resolve("socket").toString(), "@raftfleet-test-" + directory.getFileName())) {
            try (var heard = new Datagrams(path)) {
                var systemd = ServiceManager.of(Map.of("NOTIFY_SOCKET", path));

                systemd.ready();
                systemd.stopping();

                assertThat(heard.next()).isEqualTo("READY=1");
                assertThat(heard.next()).isEqualTo("STOPPING=1");
            }
        }
    }

    @Test
    void whereNobodyListensNothingIsSaid() {
        ServiceManager.of(Map.of()).ready();
        ServiceManager.of(Map.of("NOTIFY_SOCKET", directory.resolve("none").toString()))
                .ready();
        ServiceManager.of(Map.of("NOTIFY_SOCKET", "relative")).ready();
        assertThatThrownBy(() -> new NotifySocket("/" + "x".repeat(108))).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void theWatchdogIsFedOnlyWhileAllPartsGoOn() throws Throwable {
        var path = directory.resolve("socket").toString();
        try (var heard = new Datagrams(path)) {
            var systemd = ServiceManager.of(Map.of("NOTIFY_SOCKET", path));
            var stuck = new AtomicReference<Optional<String>>(Optional.empty());
            var looks = new ArrayList<String>();
            var watchdog = new Watchdog(
                    systemd,
                    List.of(() -> Objects.requireNonNull(stuck.get()), () -> {
                        looks.add("look");
                        return Optional.empty();
                    }),
                    true);

            watchdog.look();
            assertThat(heard.next()).isEqualTo("WATCHDOG=1");
            stuck.set(Optional.of("the thread stands still"));
            assertThat(watchdog.stuck()).isEmpty();
            watchdog.look();
            assertThat(watchdog.stuck()).containsExactly("the thread stands still");
            systemd.stopping();
            assertThat(heard.next()).isEqualTo("STOPPING=1");
            stuck.set(Optional.empty());
            watchdog.look();
            assertThat(heard.next()).isEqualTo("WATCHDOG=1");
            assertThat(watchdog.stuck()).isEmpty();
            assertThat(looks).hasSize(3);
        }
    }

    @Test
    void theWatchdogIsThisProcessOwn() {
        assertThat(Watchdog.patience(Map.of(), 7)).isZero();
        assertThat(Watchdog.patience(Map.of("WATCHDOG_USEC", "60000000"), 7)).isEqualTo(60_000_000);
        assertThat(Watchdog.patience(Map.of("WATCHDOG_USEC", "60000000", "WATCHDOG_PID", "7"), 7))
                .isEqualTo(60_000_000);
        assertThat(Watchdog.patience(Map.of("WATCHDOG_USEC", "60000000", "WATCHDOG_PID", "8"), 7))
                .isZero();
        assertThat(Watchdog.patience(Map.of("WATCHDOG_USEC", "-1"), 7)).isZero();
    }

    @Test
    void whoDoesNotAnswerIsNotAskedAgain() {
        var asked = new ArrayList<CompletableFuture<Void>>();
        var part = new Answers("the manager", () -> {
            var answer = new CompletableFuture<Void>();
            asked.add(answer);
            return answer;
        });

        assertThat(part.stuck()).isEmpty();
        assertThat(part.stuck()).contains("the manager does not answer");
        assertThat(asked).hasSize(1);
        asked.getFirst().completeExceptionally(new IllegalStateException("it answers all the same"));
        assertThat(part.stuck()).isEmpty();
        assertThat(asked).hasSize(2);
    }

    @Test
    void whatHasSomethingToDoHasToGetOnWithIt() {
        var position = new AtomicLong(5);
        var part = new Progress("the decision thread", position::get);

        assertThat(part.stuck()).isEmpty();
        assertThat(part.stuck()).contains("the decision thread makes no progress");
        position.set(6);
        assertThat(part.stuck()).isEmpty();
        position.set(Progress.RESTS);
        assertThat(part.stuck()).isEmpty();
        assertThat(part.stuck()).isEmpty();
    }
}
