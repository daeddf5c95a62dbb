package io.raftfleet.fleetctl;

import io.raftfleet.client.FleetClient;
import io.raftfleet.client.FleetClientException;
import io.raftfleet.unit.InvalidUnitException;
import io.raftfleet.unit.UnitName;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/**
 * What to tell people who name a unit that the cluster does not have: names near to it, among the first of those that begin as it
 * does. Never a list of the whole cluster: a few pages at once, of {@value #ROWS} units each, for the first {@value #MOST} units of a
 * command. To be used by one thread.
 */
final class UnitHints {
    private static final int MOST = 3;
    private static final int ROWS = 100;
    /** It is an addition to an error that is known already. */
    private static final Duration PATIENCE = Duration.ofSeconds(1);

    private static final String LOOK = "; see: fleetctl list-unit-files";

    private final Session session;
    private int asked;

    UnitHints(Session session) {
        this.session = session;
    }

    /** The sentence about a unit that is not there, with what may have been meant, or where to look; or why there can be none. */
    static String absent(Session session, String name, String sentence) {
        return new UnitHints(session).absent(name, sentence);
    }

    /** The same for one of several. */
    String absent(String name, String sentence) {
        try {
            UnitName.validate(name);
        } catch (InvalidUnitException e) {
            return "\"" + name + "\" is no name of a unit: " + e.reason();
        }
        return sentence + of(name);
    }

    private String of(String name) {
        if (asked >= MOST || !session.keepsFiles()) {
            return LOOK;
        }
        asked++;
        // Of "web.servce" the unit's name is taken to be "web.servce.service": both may be near to what was meant.
        String typed = name.endsWith(".service") ? name.substring(0, name.length() - ".service".length()) : name;
        var near = new LinkedHashSet<String>();
        Set<String> names = beginningAs(name);
        int letters = typed.lastIndexOf('.') < 0 ? typed.length() : typed.lastIndexOf('.');
        near.addAll(Suggestions.closest(name, letters, names));
        near.addAll(Suggestions.closest(typed, letters, names));
        near.remove(name);
        return Suggestions.question(near.stream().limit(MOST).toList(), LOOK);
    }

    private Set<String> beginningAs(String name) {
        var found = new LinkedHashSet<String>();
        try {
            FleetClient client = session.client();
            var pages = new ArrayList<CompletableFuture<List<String>>>();
            for (int length : lengths(name)) {
                pages.add(client.unitNamesAsync(name.substring(0, length), ROWS, PATIENCE)
                        .completeOnTimeout(
                                List.of(),
                                PATIENCE.toMillis(),
                                TimeUnit.MILLISECONDS)); // Over HTTP a list takes as long as it takes.
            }
            for (var page : pages) {
                found.addAll(FleetClient.join(page));
            }
        } catch (FleetClientException unanswered) {
            // What is known suffices.
        }
        return found;
    }

    /** How much of a name may be right: the mistake may be near its end, or near its beginning. */
    private static Set<Integer> lengths(String name) {
        var lengths = new LinkedHashSet<Integer>();
        for (int quarters = 3; quarters >= 0; quarters--) {
            lengths.add(Math.max(1, name.length() * quarters / 4));
        }
        return lengths;
    }
}
