package io.raftfleet.fleetctl;

/**
 * Colours for words of state where a person watches: on a terminal alone, unless {@code --no-color}, {@code NO_COLOR} or
 * {@code TERM=dumb} say otherwise. What is coloured has been made harmless before: a colour is the only thing here that acts on a
 * terminal.
 */
enum Colours {
    OFF,
    ON;

    private static final String GREEN = "\u001b[32m";
    private static final String YELLOW = "\u001b[33m";
    private static final String RED = "\u001b[31m";
    private static final String RESET = "\u001b[0m";

    static Colours of(Terminal terminal, GlobalOptions global) {
        String type = terminal.environment().getOrDefault("TERM", "");
        // https://no-color.org: whatever it says, when it says something.
        boolean unwanted = global.noColor
                || !terminal.environment().getOrDefault("NO_COLOR", "").isEmpty();
        return terminal.screen() && !unwanted && !type.isEmpty() && !type.equals("dumb") ? ON : OFF;
    }

    /** An ActiveState of systemd's. */
    String active(String state) {
        return switch (state) {
            case "active" -> in(GREEN, state);
            case "failed" -> in(RED, state);
            case "activating", "deactivating", "reloading", "refreshing", "maintenance" -> in(YELLOW, state);
            default -> state;
        };
    }

    /** A machine's state, as {@link Words#placeOf} writes it. */
    String place(String state) {
        if (state.startsWith("lost")) {
            return in(RED, state);
        }
        return switch (state) {
            case "cordoned", "draining", "drained" -> in(YELLOW, state);
            default -> state;
        };
    }

    private String in(String colour, String text) {
        return this == ON ? colour + text + RESET : text;
    }
}
