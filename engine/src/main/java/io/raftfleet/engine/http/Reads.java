package io.raftfleet.engine.http;

import io.raftfleet.proto.fleet.Page;
import io.raftfleet.proto.fleet.ReadOptions;
import io.raftfleet.proto.model.Revision;
import java.util.List;
import java.util.Objects;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** The query parameters that reads share. */
final class Reads {
    private static final Pattern REVISION = Pattern.compile("([0-9]{1,20})-([0-9]{1,20})-([0-9]{1,10})");

    /** Rows of a page that a client may ask for; pages end earlier where their units' contents come to 2 MiB. */
    private static final int MOST_ROWS = 1000;

    private static final Pattern ROWS = Pattern.compile("[1-9][0-9]{0,2}|" + MOST_ROWS);

    private Reads() {}

    /**
     * {@code ?stale=true} asks for what this engine has, without asking the others.
     *
     * @throws HttpProblem 400 for a value that is neither true nor false
     */
    static ReadOptions options(HttpCall call) {
        String stale = first(call, "stale");
        return switch (stale) {
            case "true", "1" -> ReadOptions.newBuilder().setStale(true).build();
            case "", "false", "0" -> ReadOptions.getDefaultInstance();
            default -> throw new HttpProblem(400, "query parameter stale is \"" + stale + "\"; it is true or false");
        };
    }

    /**
     * The page that {@code nextPageToken} asks for, the first one without it. Whether an engine made the token is for
     * the registry to say.
     *
     * @param size of the page in rows, where {@code pageSize}, at most {@value #MOST_ROWS}, does not say another
     * @throws HttpProblem 400 for an empty token or several, and for a size that is none
     */
    static Page page(HttpCall call, int size) {
        List<String> tokens = call.query().getOrDefault("nextPageToken", List.of());
        if (tokens.size() > 1) {
            throw new HttpProblem(400, "too many values for nextPageToken: " + tokens.size() + "; give one");
        }
        if (tokens.contains("")) {
            throw new HttpProblem(400, "nextPageToken is empty; leave it out for the first page");
        }
        Page.Builder page = Page.newBuilder().setSize(rows(call, size));
        tokens.forEach(page::setToken);
        return page.build();
    }

    private static int rows(HttpCall call, int size) {
        String wanted = first(call, "pageSize");
        if (wanted.isEmpty()) {
            return size;
        }
        if (!ROWS.matcher(wanted).matches()) {
            throw new HttpProblem(
                    400, "query parameter pageSize is \"" + wanted + "\"; it is a number from 1 to " + MOST_ROWS);
        }
        return Integer.parseInt(wanted);
    }

    /** The first value of a parameter, empty when there is none. */
    static String first(HttpCall call, String parameter) {
        List<String> values = call.query().getOrDefault(parameter, List.of());
        return values.isEmpty() ? "" : values.getFirst();
    }

    /**
     * The revision that a parameter gives, as {@link HttpReply#text} has it; null when there is none.
     *
     * @throws HttpProblem 400 for one that no engine gave
     */
    static @Nullable Revision revision(HttpCall call, String parameter) {
        String text = first(call, parameter);
        if (text.isEmpty()) {
            return null;
        }
        var parts = REVISION.matcher(text);
        try {
            if (parts.matches()) {
                return Revision.newBuilder()
                        .setIncarnation(Long.parseUnsignedLong(Objects.requireNonNull(parts.group(1))))
                        .setIndex(Long.parseUnsignedLong(Objects.requireNonNull(parts.group(2))))
                        .setOrdinal(Integer.parseUnsignedInt(Objects.requireNonNull(parts.group(3))))
                        .build();
            }
        } catch (NumberFormatException e) {
            // As one that does not look like it.
        }
        throw new HttpProblem(
                400, "query parameter " + parameter + " is \"" + text + "\"; it is a revision that an engine gave");
    }

    /** A glob that matches this name alone: unit names may hold backslashes, which a glob takes for escapes. */
    static String exactly(String name) {
        StringBuilder glob = new StringBuilder(name.length());
        for (int i = 0; i < name.length(); i++) {
            char c = name.charAt(i);
            if (c == '*' || c == '?' || c == '[' || c == '\\') {
                glob.append('\\');
            }
            glob.append(c);
        }
        return glob.toString();
    }
}
