package io.raftfleet.agent.systemd;

import static org.assertj.core.api.Assertions.assertThat;

import io.raftfleet.unit.InvalidUnitException;
import io.raftfleet.unit.UnitFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Random unit files, read by a real systemd as they are, by it in the form that is stored, and by {@link UnitFile}: all three find the
 * same description, continuations, comments, quotes and line breaks of all kinds considered.
 */
class UnitSyntaxIT {
    private static final int FILES = 400;
    private static final List<String> PIECES = List.of(
            "Description=",
            "Description = ",
            "a",
            "b c",
            " ",
            "\t",
            "\\",
            "\\\\",
            " \\\n",
            "\\\n",
            "\\\r\n",
            "\n",
            "\n",
            "\r\n",
            "\n  # why \\\n",
            "\n; why\n",
            "\n#\n",
            "\n\n",
            "\n \t\n",
            "#",
            ";",
            "\"",
            "'",
            "=",
            "ü",
            "\u2003",
            "[Unit]\n",
            "\n[Unit]\nDescription=",
            "\nAfter=x.service\n");

    @TempDir
    static Path directory;

    @BeforeAll
    static void possible() throws IOException {
        SimulatedMachine.assumePossible();
    }

    private static String file(RandomGenerator random) {
        StringBuilder text = new StringBuilder(random.nextInt(8) == 0 ? "\uFEFF" : "").append("[Unit]\nDescription=");
        for (int i = random.nextInt(1, 14); i > 0; i--) {
            text.append(PIECES.get(random.nextInt(PIECES.size())));
        }
        return text.toString();
    }

    @Test
    void systemdReadsWhatWasSubmittedWhatIsStoredAndWhatIsShownAlike() throws Exception {
        long seed = Long.getLong("seed", System.nanoTime());
        System.out.println("UnitSyntaxIT seed " + seed);
        var random = new SplittableRandom(seed);
        Map<String, String> expected = new LinkedHashMap<>();
        Map<String, String> texts = new LinkedHashMap<>();
        try (SimulatedMachine machine = SimulatedMachine.start(directory)) {
            for (int tried = 0; expected.size() < 2 * FILES && tried < 40 * FILES; tried++) {
                String text = file(random);
                UnitFile read;
                try {
                    read = UnitFile.parse(text);
                } catch (InvalidUnitException refused) {
                    continue;
                }
                List<String> values = read.values("Unit", "Description");
                for (var form : Map.of("raw-" + tried, text, "stored-" + tried, read.text())
                        .entrySet()) {
                    String unit = form.getKey() + ".target";
                    Files.writeString(machine.searchDirectory().resolve(unit), form.getValue());
                    texts.put(unit, form.getValue());
                    expected.put(unit, values.isEmpty() || values.getLast().isEmpty() ? unit : values.getLast());
                }
            }
            assertThat(expected).hasSizeGreaterThan(FILES);
            List<String> command = new ArrayList<>(List.of("systemctl", "--user", "show", "--property=Id,Description"));
            command.addAll(expected.keySet());
            String shown = machine.exec(command.toArray(String[]::new));

            Map<String, String> found = new LinkedHashMap<>();
            for (String block : shown.split("\n\n", -1)) {
                String id = "";
                String description = "";
                for (String line : block.split("\n", -1)) {
                    if (line.startsWith("Id=")) {
                        id = line.substring(3);
                    } else if (line.startsWith("Description=")) {
                        description = line.substring("Description=".length());
                    }
                }
                found.put(id, description);
            }
            expected.forEach((unit, description) -> assertThat(found.get(unit))
                    .as("description of %s, seed %d: <%s>", unit, seed, texts.get(unit))
                    .isEqualTo(description));
        }
    }
}
