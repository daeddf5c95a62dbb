package io.raftfleet.agent.systemd;

import io.raftfleet.unit.InstallNames;
import io.raftfleet.unit.InvalidUnitException;
import io.raftfleet.unit.UnitFile;
import io.raftfleet.unit.UnitName;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The links that enable a unit, as its {@code [Install]} section asks for: what {@code systemctl enable} would make, for
 * {@code WantedBy=}, {@code RequiredBy=}, {@code UpheldBy=} and {@code Alias=} ({@code systemd.unit(5)}). systemd follows new ones when it reads
 * its files the next time: soon enough for units of the host, and done at once for those of fleet. {@code Also=} is ignored: the other unit is
 * scheduled on its own.
 */
final class InstallLinks {
    private static final Logger LOG = LoggerFactory.getLogger(InstallLinks.class);
    /** By {@link InstallNames#DEPENDENCIES}. */
    private static final Map<String, String> DIRECTORIES =
            Map.of("WantedBy", ".wants", "RequiredBy", ".requires", "UpheldBy", ".upholds");

    private static final String HEADER = "[Install]\n";

    private InstallLinks() {}

    /**
     * One link.
     *
     * @param path relative to the directory that systemd searches
     * @param of the unit that pulls this one in; the other name, of an alias
     * @param alias whether it is another name of the unit rather than a dependency
     */
    record Link(String path, String of, boolean alias) {}

    /** The links of a unit. What can't be one, of files from before such were refused, is logged and left out. */
    static List<Link> of(String unit, UnitFile file) {
        if (!file.text().contains(HEADER)) {
            return List.of(); // Most units: reading a file anew costs, and there may be thousands.
        }
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
                links.put(path, new Link(path, other, false));
            }
        });
        for (String alias : names(name, file, InstallNames.ALIAS)) {
            if (!alias.equals(unit)) {
                links.put(alias, new Link(alias, alias, true));
            }
        }
        return List.copyOf(links.values());
    }

    private static List<String> names(UnitName unit, UnitFile file, String option) {
        InstallNames.Found found = InstallNames.of(unit, file, option);
        found.faults().forEach(word -> LOG.warn("{}: {}={} is ignored: it can't be linked", unit.name(), option, word));
        return found.names();
    }
}
