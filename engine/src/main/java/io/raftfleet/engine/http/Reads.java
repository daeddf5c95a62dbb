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
     * @throws HttpProblem 400 for an empty token or several
     */
    static Page page(HttpCall call, int size) {
        List<String> tokens = call.query().getOrDefault("nextPageToken", List.of());
        if (tokens.size() > 1) {
            throw new HttpProblem(400, "too many values for nextPageToken: " + tokens.size() + "; give one");
        }
        if (tokens.contains("")) {
            throw new HttpProblem(400, "nextPageToken is empty; leave it out for the first page");
        }
        Page.Builder page = Page.newBuilder().setSize(size);
        tokens.forEach(page::setToken);
        return page.build();
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
