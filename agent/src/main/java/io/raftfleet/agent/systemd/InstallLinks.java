package io.raftfleet.agent.systemd;

import io.raftfleet.unit.InvalidUnitException;
import io.raftfleet.unit.UnitFile;
import io.raftfleet.unit.UnitName;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The links that enable a unit, as its {@code [Install]} section asks for: what {@code systemctl enable} would make, for
 * {@code WantedBy=}, {@code RequiredBy=}, {@code UpheldBy=} and {@code Alias=} ({@code systemd.unit(5)}). systemd follows new ones when it reads
 * its files the next time; fleet starts the unit itself, so that is soon enough. {@code Also=} is ignored: the other unit is
 * scheduled on its own.
 */
final class InstallLinks {
    private static final Logger LOG = LoggerFactory.getLogger(InstallLinks.class);
    private static final String SECTION = "Install";
    private static final Pattern WHITESPACE = Pattern.compile("\\s+");
    private static final Map<String, String> DIRECTORIES =
            Map.of("WantedBy", ".wants", "RequiredBy", ".requires", "UpheldBy", ".upholds");

    private InstallLinks() {}

    /**
     * One link.
     *
     * @param path relative to the directory that systemd searches
     * @param alias whether it is another name of the unit rather than a dependency
     */
    record Link(String path, boolean alias) {}

    /** The links of a unit; what can't be one is logged and left out. */
    static List<Link> of(String unit, UnitFile file) {
        UnitName name;
        try {
            name = UnitName.of(unit);
        } catch (InvalidUnitException invalid) {
            throw new IllegalArgumentException(invalid.getMessage(), invalid);
        }
        Map<String, Link> links = new LinkedHashMap<>();
        DIRECTORIES.forEach((option, suffix) -> {
            for (String other : names(name, file, option)) {
                String path = other + suffix + "/" + unit;
                links.put(path, new Link(path, false));
            }
        });
        for (String alias : names(name, file, "Alias")) {
            if (alias.endsWith("." + name.type()) && !alias.equals(unit)) {
                links.put(alias, new Link(alias, true));
            } else {
                LOG.warn("{}: Alias={} is ignored: an alias is another name of the same type", unit, alias);
            }
        }
        return List.copyOf(links.values());
    }

    private static List<String> names(UnitName unit, UnitFile file, String option) {
        List<String> names = new ArrayList<>();
        for (String value : file.values(SECTION, option)) {
            String words = value.strip();
            if (words.isEmpty()) {
                names.clear(); // An empty assignment takes back those before it.
                continue;
            }
            for (String word : WHITESPACE.splitAsStream(words).toList()) {
                expand(unit, unquoted(word))
                        .filter(UnitName::isValid)
                        .ifPresentOrElse(
                                names::add,
                                () -> LOG.warn("{}: {}={} is ignored: not a unit's name", unit.name(), option, word));
            }
        }
        return names;
    }

    private static String unquoted(String word) {
        boolean quoted = word.length() >= 2
                && (word.charAt(0) == '"' || word.charAt(0) == '\'')
                && word.charAt(word.length() - 1) == word.charAt(0);
        return quoted ? word.substring(1, word.length() - 1) : word;
    }

    /** Fills in specifiers; empty when there is one that does not come from the unit's name. */
    private static Optional<String> expand(UnitName unit, String text) {
        StringBuilder expanded = new StringBuilder(text.length());
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c != '%') {
                expanded.append(c);
                continue;
            }
            switch (++i < text.length() ? text.charAt(i) : ' ') {
                case 'n' -> expanded.append(unit.name());
                case 'N' -> expanded.append(unit.nameWithoutType());
                case 'p' -> expanded.append(unit.prefix());
                case 'i' -> expanded.append(unit.instance());
                case 'j' ->
                    expanded.append(unit.prefix().substring(unit.prefix().lastIndexOf('-') + 1));
                case '%' -> expanded.append('%');
                default -> {
                    return Optional.empty();
                }
            }
        }
        return Optional.of(expanded.toString());
    }
}
