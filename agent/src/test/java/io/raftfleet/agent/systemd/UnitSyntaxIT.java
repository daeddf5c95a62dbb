package io.raftfleet.agent.systemd;

import static org.assertj.core.api.Assertions.assertThat;

import io.raftfleet.unit.InvalidUnitException;
import io.raftfleet.unit.UnitFile;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Unit files, read by a real systemd as they are, by it in the form that is stored, and by {@link UnitFile}. Of random ones all three find
 * the same description, continuations, comments, quotes and line breaks of all kinds considered; of random services, and of all unit
 * files that systemd and this host's packages bring along, systemd finds the same in every property whichever form it reads.
 */
class UnitSyntaxIT {
    private static final int FILES = 400;
    private static final int SERVICES = 150;

    /** Lists that an empty assignment resets, words in quotes of both kinds, escapes, values that systemd refuses. */
    private static final List<String> SETTINGS = List.of(
            "ExecStart=/bin/sleep infinity",
            "ExecStart=/bin/echo \"a b\" 'c d' e\\x20f $$HOME ${HOME} %n; -x",
            "ExecStart=",
            "ExecStartPre=-/bin/true \\\n  one \\\n# two\n  three",
            "ExecStartPre=",
            "Environment=A=1 \"B=2 3\" 'C=\"'",
            "Environment=\"A=x\\ty\"",
            "Environment=",
            "EnvironmentFile=-/etc/none",
            "After=a.service b.service",
            "After=",
            "Type=oneshot",
            "Restart=sometimes",
            "TimeoutStopSec=1min 30s",
            "Nice= 5",
            "LimitNOFILE=1024:2048",
            "# a comment \\",
            "; another",
            "[Unit]",
            "Wants=c.service",
            "Conflicts=d.service",
            "ConditionPathExists=!/nowhere",
            "Documentation=man:x(1) http://example.org/?a=b#c",
            "[Service]",
            "[X-Fleet]",
            "MachineMetadata=\"a=b\" \"c=d\"");

    /** Properties that are of the moment, not of the file. */
    private static final Pattern OF_THE_MOMENT = Pattern.compile(
            ".*Timestamp.*|InvocationID|MemoryAvailable|MemoryCurrent|TasksCurrent|EffectiveTasksMax|EffectiveMemory.*");

    private static final Set<String> DEPENDENCIES = Set.of(
            "After",
            "Before",
            "BoundBy",
            "BindsTo",
            "Conflicts",
            "ConflictedBy",
            "Requires",
            "RequiredBy",
            "RequiresMountsFor",
            "Requisite",
            "Triggers",
            "TriggeredBy",
            "WantedBy",
            "Wants",
            "OnFailure",
            "OnSuccess",
            "PartOf",
            "ConsistsOf",
            "PropagatesReloadTo",
            "PropagatesStopTo",
            "StopPropagatedFrom",
            "ReloadPropagatedFrom",
            "Upholds",
            "UpheldBy",
            "JoinsNamespaceOf",
            "SliceOf");

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

    private static SimulatedMachine machine;

    @BeforeAll
    static void start() throws Exception {
        SimulatedMachine.assumePossible();
        machine = SimulatedMachine.start(directory);
    }

    @AfterAll
    static void stop() {
        if (machine != null) {
            machine.close();
        }
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
        for (int tried = 0; expected.size() < 2 * FILES && tried < 40 * FILES; tried++) {
            String text = file(random);
            UnitFile read;
            try {
                read = UnitFile.parse(text);
            } catch (InvalidUnitException refused) {
                continue;
            }
            List<String> values = read.values("Unit", "Description");
            for (var form :
                    Map.of("raw-" + tried, text, "stored-" + tried, read.text()).entrySet()) {
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

    @Test
    void whatIsStoredMeansInEveryPropertyWhatWasWritten() throws Exception {
        long seed = Long.getLong("seed", System.nanoTime());
        System.out.println("UnitSyntaxIT seed " + seed);
        var random = new SplittableRandom(seed);
        Map<String, String> files = new LinkedHashMap<>();
        for (int i = 0; i < SERVICES; i++) {
            // With an option at least: a file without any is refused when it is submitted.
            var text = new StringBuilder("[Unit]\nDescription=random\n[Service]\n");
            for (int n = random.nextInt(2, 14); n > 0; n--) {
                text.append(SETTINGS.get(random.nextInt(SETTINGS.size())))
                        .append(random.nextInt(9) == 0 ? "\r\n" : "\n");
            }
            files.put(i + ".service", text.toString());
        }
        List<Path> refused = new ArrayList<>();
        for (Path folder : List.of(Path.of("/usr/lib/systemd/system"), Path.of("/usr/lib/systemd/user"))) {
            try (Stream<Path> all = Files.list(folder)) {
                for (Path file : all.filter(Files::isRegularFile).sorted().toList()) {
                    String name = String.valueOf(file.getFileName());
                    String type = name.substring(name.lastIndexOf('.'));
                    if (List.of(".service", ".socket", ".timer", ".path", ".target")
                            .contains(type)) {
                        String text = readable(file);
                        if (text == null) {
                            refused.add(file);
                        } else {
                            files.put(files.size() + type, text);
                        }
                    }
                }
            }
        }
        assertThat(refused).as("odd files of this host").hasSizeLessThanOrEqualTo((files.size() - SERVICES) / 10);
        List<String> units = new ArrayList<>();
        for (var file : files.entrySet()) {
            String stored = UnitFile.parse(file.getValue()).text();
            for (var form : Map.of("raw", file.getValue(), "sto", stored).entrySet()) {
                String unit = form.getKey() + file.getKey();
                Files.writeString(machine.searchDirectory().resolve(unit), form.getValue());
                units.add(unit);
            }
        }
        Map<String, List<String>> found = properties(units);
        assertThat(found).hasSameSizeAs(units);
        files.forEach((name, text) -> assertThat(found.get("sto" + name))
                .as("properties of %s, seed %d: <%s>", name, seed, text)
                .isEqualTo(found.get("raw" + name)));
    }

    /** What a unit file of this host says; null for one that would be refused when it is submitted. */
    private static @Nullable String readable(Path file) throws IOException {
        try {
            String text = Files.readString(file);
            UnitFile.parse(text);
            return text;
        } catch (CharacterCodingException | InvalidUnitException e) {
            return null;
        }
    }

    /** All that systemd has of each of these units, without their names. */
    private static Map<String, List<String>> properties(List<String> units) throws IOException {
        List<String> command = new ArrayList<>(List.of("systemctl", "--user", "show", "--all"));
        command.addAll(units);
        Map<String, List<String>> found = new LinkedHashMap<>();
        for (String block : machine.exec(command.toArray(String[]::new)).split("\n\n", -1)) {
            String id = block.lines()
                    .filter(line -> line.startsWith("Id="))
                    .findFirst()
                    .orElse("Id=")
                    .substring(3);
            String stem = id.isEmpty() ? "-" : id.substring(0, id.lastIndexOf('.'));
            found.put(
                    id,
                    block.lines()
                            .filter(line -> !OF_THE_MOMENT
                                    .matcher(line.substring(0, Math.max(0, line.indexOf('='))))
                                    .matches())
                            .map(line -> sorted(line.replace(stem, "NAME")))
                            .sorted()
                            .toList());
        }
        return found;
    }

    /** systemd keeps the units that one depends on in no order. */
    private static String sorted(String line) {
        int equals = line.indexOf('=');
        return equals > 0 && DEPENDENCIES.contains(line.substring(0, equals))
                ? Stream.of(line.substring(equals + 1).split(" ", -1)).sorted().toList() + line.substring(0, equals)
                : line;
    }
}
