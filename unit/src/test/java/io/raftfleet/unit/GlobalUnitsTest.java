package io.raftfleet.unit;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class GlobalUnitsTest {
    private final TreeMap<String, Requirements> wanted = new TreeMap<>();
    private final Map<String, Requirements> scheduled = new LinkedHashMap<>();
    private int looks;
    private int asked;

    /** A machine is its metadata here. */
    private final GlobalUnits<String, Map<String, String>> rule = new GlobalUnits<>() {
        @Override
        protected Iterable<String> wanted() {
            return wanted.keySet();
        }

        @Override
        protected Iterable<String> declaring() {
            return wanted.keySet().stream()
                    .filter(global -> !wants(global).conflicts().isEmpty())
                    .toList();
        }

        @Override
        protected String name(String global) {
            asked++;
            return global;
        }

        @Override
        protected Requirements wants(String global) {
            return wanted.getOrDefault(global, Requirements.NONE);
        }

        @Override
        protected boolean admits(String global, Map<String, String> machine) {
            looks++;
            return wants(global).admits(machine);
        }

        @Override
        protected boolean conflictsWithScheduled(String global, Map<String, String> machine) {
            return scheduled.entrySet().stream()
                    .anyMatch(unit -> Requirements.conflict(global, wants(global), unit.getKey(), unit.getValue()));
        }
    };

    @Test
    void runOnMachinesWhoseMetadataTheyAdmit() throws Exception {
        wanted.put("a.service", wants("MachineMetadata=disk=ssd"));
        wanted.put("b.service", wants());
        assertThat(rule.on(Map.of("disk", "ssd"))).containsExactly("a.service", "b.service");
        assertThat(on(Map.of())).containsExactly("b.service");
    }

    @Test
    void giveWayToWhatIsScheduledWhicheverOfThemNamesTheOther() throws Exception {
        wanted.put("a.service", wants("Conflicts=db*"));
        wanted.put("b.service", wants());
        scheduled.put("db.service", wants("Conflicts=b.service"));
        assertThat(on(Map.of())).isEmpty();
        scheduled.clear();
        assertThat(on(Map.of())).containsExactly("a.service", "b.service");
    }

    @Test
    void giveWayToThoseOfALowerNameThatRunThere() throws Exception {
        wanted.put("a.service", wants("MachineMetadata=disk=ssd", "Conflicts=b.service"));
        wanted.put("b.service", wants());
        wanted.put("c.service", wants("Conflicts=b.service"));
        assertThat(on(Map.of("disk", "ssd"))).containsExactly("a.service", "c.service");
        assertThat(on(Map.of())).containsExactly("b.service");
    }

    /** Of each pair the second conflicts with all before it: none of these runs, for the first of its own pair does. */
    @Test
    void areLookedAtOnceEachHoweverTheyConflict() throws Exception {
        int pairs = 200;
        for (int pair = 0; pair < pairs; pair++) {
            wanted.put(String.format("p%03d-a.service", pair), wants());
            wanted.put(
                    String.format("p%03d-b.service", pair),
                    wants("Conflicts=p*-b.service", "Conflicts=p%03d-a.service".formatted(pair)));
        }
        assertThat(rule.on(Map.of())).hasSize(pairs);
        looks = 0;
        assertThat(rule.runsOn(wanted.lastKey(), Map.of())).isFalse();
        assertThat(looks).isLessThanOrEqualTo(2 * pairs + 1);
    }

    /** Also for the last of many: to make them all, each is asked for on each machine. */
    @Test
    void areComparedWithThoseAloneThatNameOthers() throws Exception {
        int others = 500;
        for (int i = 0; i < others; i++) {
            wanted.put(String.format("g%03d.service", i), wants());
        }
        wanted.put("a.service", wants("Conflicts=nobody*"));
        assertThat(rule.runsOn(wanted.lastKey(), Map.of())).isTrue();
        assertThat(asked).isLessThan(10);
    }

    /** A unit that names others gives way to whichever of a lower name it names, and one of a higher name does not matter. */
    @Test
    void areComparedWithAllOfALowerNameIfTheyNameOthers() throws Exception {
        wanted.put("a.service", wants());
        wanted.put("b.service", wants("Conflicts=a.service"));
        wanted.put("c.service", wants("Conflicts=b.service"));
        wanted.put("d.service", wants());
        wanted.put("e.service", wants("Conflicts=d.service"));
        assertThat(on(Map.of())).containsExactly("a.service", "c.service", "d.service");
    }

    /** What is said of all at once is said of each alone. */
    private List<String> on(Map<String, String> machine) {
        var running = rule.on(machine);
        assertThat(wanted.keySet().stream().filter(name -> rule.runsOn(name, machine)))
                .containsExactlyElementsOf(running);
        return new ArrayList<>(running);
    }

    private static Requirements wants(String... lines) throws InvalidUnitException {
        var text = "[Service]\nExecStart=/bin/true\n\n[X-Fleet]\n"
                + String.join("\n", Stream.of(lines).toList()) + "\n";
        return Requirements.of("x.service", UnitFile.parse(text));
    }
}
