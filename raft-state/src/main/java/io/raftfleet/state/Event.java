package io.raftfleet.state;

/**
 * A change and its place in the registry's history.
 *
 * @param version see {@link Versions}; rises from event to event
 */
public record Event(long version, Change change) {}
