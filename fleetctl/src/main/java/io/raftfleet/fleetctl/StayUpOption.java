package io.raftfleet.fleetctl;

/** The flag of commands that start units. */
final class StayUpOption {
    private static final double MOST_SECONDS = 86_400;

    double seconds = 2;

    /**
     * The same in nanoseconds; to be asked for before anything is written.
     *
     * @throws CommandException when it is out of range
     */
    long nanos() {
        if (!(seconds >= 0 && seconds <= MOST_SECONDS)) {
            throw CommandException.usage("--stay-up must be from 0 to 86400 seconds, it is " + seconds);
        }
        return (long) (seconds * 1e9);
    }

    /** Adds them. */
    void describe(Syntax syntax) {
        syntax.add(Syntax.value(double.class, given -> seconds = given, "--stay-up")
                .paramLabel("SECONDS")
                .description(
                        "How long a unit's main process must run after its start; one that ends with a failure before fails the"
                                + " command. 0: systemd's word that it is active is enough. Default: ${DEFAULT-VALUE}")
                .initialValue(seconds));
    }
}
