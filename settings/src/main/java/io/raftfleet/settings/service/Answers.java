package io.raftfleet.settings.service;

import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** A part of a daemon that has to answer: it is asked at each look, once it has answered the last time. */
public final class Answers implements Watchdog.Part {
    private final String name;
    private final Supplier<? extends CompletableFuture<?>> ask;
    private @Nullable CompletableFuture<?> asked;

    /**
     * A part.
     *
     * @param name for people
     * @param ask returns at once; what it returns completes, however, when the part has come to it
     */
    public Answers(String name, Supplier<? extends CompletableFuture<?>> ask) {
        this.name = name;
        this.ask = ask;
    }

    @Override
    public Optional<String> stuck() {
        var pending = asked;
        if (pending != null && !pending.isDone()) {
            return Optional.of(name + " does not answer");
        }
        asked = ask.get();
        return Optional.empty();
    }
}
