package io.raftfleet.agent.session;

import static org.assertj.core.api.Assertions.assertThat;

import io.raftfleet.unit.UnitFile;
import io.raftfleet.unit.UnitHash;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class ContentsStoreTest {
    private static final int ROUNDS = 20_000;

    private final ContentsStore store = new ContentsStore(8L << 20);

    /** Two machines of a process that ask at the same moment: also where the answer comes between a look and the next. */
    @Test
    void whatTwoAskForAtOnceIsFetchedOnce() throws Exception {
        CyclicBarrier together = new CyclicBarrier(2);
        try (ExecutorService threads = Executors.newFixedThreadPool(2)) {
            for (int round = 0; round < ROUNDS; round++) {
                UnitFile file = file("/bin/" + round);
                AtomicInteger fetches = new AtomicInteger();
                List<Future<UnitFile>> both = threads.invokeAll(
                        List.of(() -> ask(together, file, fetches), () -> ask(together, file, fetches)),
                        30,
                        TimeUnit.SECONDS);
                assertThat(both.get(0).get())
                        .isEqualTo(file)
                        .isSameAs(both.get(1).get());
                assertThat(fetches).as("round %d", round).hasValue(1);
            }
        }
    }

    @Test
    void whatDidNotComeIsAskedForAgain() {
        UnitFile file = file("/bin/a");
        CompletableFuture<UnitFile> lost =
                store.get(List.of(file.hash()), hashes -> Map.of()).get(file.hash());
        assertThat(lost).isCompletedExceptionally();

        assertThat(store.get(List.of(file.hash()), hashes -> answer(file)))
                .satisfies(answers -> assertThat(answers.get(file.hash())).isCompletedWithValue(file));
        assertThat(store.find(file.hash())).isEqualTo(file);
    }

    private UnitFile ask(CyclicBarrier together, UnitFile file, AtomicInteger fetches) throws Exception {
        together.await(30, TimeUnit.SECONDS);
        var answers = store.get(List.of(file.hash()), hashes -> {
            fetches.incrementAndGet();
            return answer(file);
        });
        return Objects.requireNonNull(answers.get(file.hash())).get(30, TimeUnit.SECONDS);
    }

    private static Map<UnitHash, CompletableFuture<UnitFile>> answer(UnitFile file) {
        return Map.of(file.hash(), CompletableFuture.completedFuture(file));
    }

    private static UnitFile file(String command) {
        return UnitFile.stored("[Service]\nExecStart=" + command + "\n");
    }
}
