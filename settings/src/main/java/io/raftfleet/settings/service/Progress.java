package io.raftfleet.settings.service;

import java.util.Optional;
import java.util.function.LongSupplier;

/** A part of a daemon that shows how far it has come: while it has something to do, that must change from one look to the next. */
public final class Progress implements Watchdog.Part {
    /** It has nothing to do. */
    public static final long RESTS = -1;

    private final String name;
    private final LongSupplier position;
    private long last = RESTS;

    /**
     * A part.
     *
     * @param name for people
     * @param position how far it has come, from 0, or negative while it rests; returns at once
     */
    public Progress(String name, LongSupplier position) {
        this.name = name;
        this.position = position;
    }

    @Override
    public Optional<String> stuck() {
        long before = last;
        last = position.getAsLong();
        return last >= 0 && last == before ? Optional.of(name + " makes no progress") : Optional.empty();
    }
}
