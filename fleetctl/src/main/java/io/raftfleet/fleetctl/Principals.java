package io.raftfleet.fleetctl;

import io.raftfleet.identity.SpiffeId;
import io.raftfleet.proto.model.Principal;
import io.raftfleet.proto.model.PrincipalKind;
import java.time.Duration;
import java.time.Instant;
import java.util.regex.Pattern;

/** Who somebody is, as people write it: {@code agent/ID}, {@code engine/ID} or {@code user/NAME}. */
final class Principals {
    private static final Pattern TIME = Pattern.compile("([0-9]{1,6})([smhd])");

    private Principals() {}

    static Principal parse(String text) {
        String name = text.replaceFirst("^spiffe://[^/]*/", "");
        int slash = name.indexOf('/');
        if (slash > 0) {
            for (var kind : SpiffeId.Kind.values()) {
                if (kind.label().equals(name.substring(0, slash))) {
                    return of(kind, name.substring(slash + 1));
                }
            }
        }
        throw new CommandException(
                "\"" + text + "\" names nobody: it is engine/ID, agent/MACHINE-ID or user/NAME, as the logs have it");
    }

    static Principal of(SpiffeId.Kind kind, String name) {
        return Principal.newBuilder()
                .setKind(
                        switch (kind) {
                            case ENGINE -> PrincipalKind.PRINCIPAL_KIND_ENGINE;
                            case AGENT -> PrincipalKind.PRINCIPAL_KIND_AGENT;
                            case USER -> PrincipalKind.PRINCIPAL_KIND_USER;
                        })
                .setName(name)
                .build();
    }

    static String kind(Principal who) {
        return switch (who.getKind()) {
            case PRINCIPAL_KIND_ENGINE -> "engine";
            case PRINCIPAL_KIND_AGENT -> "agent";
            case PRINCIPAL_KIND_USER -> "user";
            case PRINCIPAL_KIND_UNSPECIFIED, UNRECOGNIZED -> "-";
        };
    }

    static String text(Principal who) {
        return kind(who) + "/" + who.getName();
    }

    /** A time such as {@code 30m}, {@code 24h} or {@code 7d}. */
    static Duration time(String option, String text) {
        var match = TIME.matcher(text);
        if (!match.matches()) {
            throw new CommandException(option + " " + text + ": it is a time such as 30m, 24h or 7d");
        }
        long count = Long.parseLong(match.group(1));
        return switch (match.group(2)) {
            case "s" -> Duration.ofSeconds(count);
            case "m" -> Duration.ofMinutes(count);
            case "h" -> Duration.ofHours(count);
            default -> Duration.ofDays(count);
        };
    }

    /** For people, to the second. */
    static String time(long unixMs) {
        return Instant.ofEpochSecond(unixMs / 1000).toString();
    }
}
