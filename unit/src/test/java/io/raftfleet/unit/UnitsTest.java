package io.raftfleet.unit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class UnitsTest {

    @ParameterizedTest
    @ValueSource(
            strings = {
                "[Service]\nExecStart=/bin/true\n",
                "[X-Fleet]\nConflicts=foo.service\nConflicts=bar.service\n",
                "[X-Fleet]\nConflicts=foo.service\nMachineOf=bar.service\n",
                "[X-Fleet]\nConflicts=b*e\nMachineOf=foo.service\n",
                "[X-Fleet]\nReplaces=foo.service\nReplaces=bar.service\n",
                "[X-Fleet]\nReplaces=foo.service\nMachineOf=bar.service\n",
                "[X-Fleet]\nMachineID=abcdefghi\n",
                "[X-Fleet]\nMachineID=abcdefghi\nMachineMetadata=a=b\n",
                "[X-Fleet]\nMachineID=abcdefghi\nGlobal=false\n",
                "[X-Fleet]\nMachineID=abcdefghi\nConflicts=\n",
                "[X-Fleet]\nGlobal=true\n",
                "[X-Fleet]\nGlobal=true\nConflicts=foo.service\n",
                "[X-Fleet]\nGlobal=true\nMachineMetadata=a=b\n",
                "[X-Fleet]\nMachineOf=b@%i.service\nConflicts=a@*.service\n"
            })
    void acceptsWhatFleetAccepts(String text) throws InvalidUnitException {
        UnitFile file = UnitFile.parse(text);

        assertThatCode(() -> Units.validate("a@1.service", file)).doesNotThrowAnyException();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "Conflicts=b.service;MachineOf=b.service             | MachineOf | \"b.service\" must be on the same machine, but Conflicts matches it",
                "Conflicts=a;Conflicts=b;MachineOf=b                 | MachineOf | \"b\" must be on the same machine, but Conflicts matches it",
                "Conflicts=b*e;MachineOf=\"a.service\" \"bar.service\" | MachineOf | \"bar.service\" must be on the same machine, but Conflicts matches it",
                "Replaces=a;Replaces=b*;MachineOf=bar                | MachineOf | \"bar\" must be on the same machine, but Replaces matches it",
                "MachineID=x;MachineOf=a                             | MachineID | it can't be combined with MachineOf; drop one of them",
                "MachineID=x;X-Conflicts=a                           | MachineID | it can't be combined with Conflicts; drop one of them",
                "MachineID=x;Global=true                             | MachineID | it can't be combined with Global; drop one of them",
                "X-ConditionMachineBootID=x;Replaces=a               | MachineID | it can't be combined with Replaces; drop one of them",
                "Global=true;X-ConditionMachineOf=a                  | Global    | it can't be combined with MachineOf; drop one of them",
                "Global=true;Replaces=a                              | Global    | it can't be combined with Replaces; drop one of them",
                "Global=true;Fence=true                              | Global    | it can't be combined with Fence; drop one of them",
                "Global=true;StartFirst=true                         | Global    | it can't be combined with StartFirst; drop one of them",
                "Fence=true;StartFirst=on                            | Fence     | it can't be combined with StartFirst; drop one of them",
                "Conflicts=a;Replaces=b                              | Conflicts | it can't be combined with Replaces; drop one of them"
            })
    void refusesWhatCannotBeMetTogether(String options, String field, String reason) throws InvalidUnitException {
        UnitFile file = UnitFile.parse("[X-Fleet]\n" + options.replace(';', '\n'));

        assertThatThrownBy(() -> Units.validate("web.service", file))
                .hasMessage("unit \"web.service\": [X-Fleet] " + field + ": " + reason);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "MachineMetadata=rack=%i | MachineMetadata | \"rack=%i\" stands for \"rack=\" in this unit: \"rack=\" is not of the form KEY=VALUE",
                "Conflicts=%i            | Conflicts       | \"%i\" stands for \"\" in this unit: there is an empty value among its values; separate them by one space",
                "MachineOf=%i            | MachineOf       | \"%i\" stands for \"\" in this unit: there is an empty value among its values; separate them by one space"
            })
    void refusesARequirementOfWhichSpecifiersLeaveNothing(String option, String field, String reason)
            throws InvalidUnitException {
        UnitFile file = UnitFile.parse("[X-Fleet]\n" + option);

        assertThatThrownBy(() -> Units.validate("web.service", file))
                .hasMessage("unit \"web.service\": [X-Fleet] " + field + ": " + reason);
        Units.validate("web@.service", file);
        Units.validate("web@1.service", file);
    }

    @Test
    void refusesInvalidNamesBeforeAnythingElse() {
        assertThatThrownBy(() -> Units.validate("web", UnitFile.parse("")))
                .hasMessage("unit \"web\": name: it must end in a unit type, like \".service\"");
    }

    @ParameterizedTest
    @ValueSource(strings = {"busname", "device", "scope", "snapshot"})
    void refusesTypesThatSystemdDoesNotStartFromAFile(String type) {
        assertThatThrownBy(() -> Units.validate("a." + type, UnitFile.parse("[Unit]\nDescription=a\n")))
                .hasMessage("unit \"a." + type + "\": name: systemd starts no unit of type \"" + type
                        + "\" from a file; it does those of: automount, mount, path, service, slice, socket, swap, target,"
                        + " timer");
    }

    @ParameterizedTest
    @ValueSource(strings = {"automount", "mount", "path", "service", "slice", "socket", "swap", "target", "timer"})
    void acceptsTypesThatSystemdStartsFromAFile(String type) throws InvalidUnitException {
        Units.validate("a." + type, UnitFile.parse("[Unit]\nDescription=a\n"));
    }

    @Test
    void refusesNamesThatNoFileCanHave() {
        assertThatThrownBy(() -> Units.validate(
                        "a".repeat(248) + ".service", UnitFile.parse("[Service]\nExecStart=/bin/true\n")))
                .hasMessageEndingWith("it has 256 characters; at most 255 are allowed");
    }

    /** Nobody looks there, and the unit would run anywhere. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "X-fleet",
                "x-fleet",
                "X-FLEET",
                "X-Fleet ",
                " X-Fleet",
                "X_Fleet",
                "XFleet",
                "Fleet",
                "X-Fleets",
                "X-Flet",
                "X--Fleet"
            })
    void refusesSectionsThatAreOnlyNearlyFleets(String section) throws InvalidUnitException {
        UnitFile file = UnitFile.parse("[Service]\nExecStart=/bin/a\n[" + section + "]\nGlobal=true\n");

        assertThatThrownBy(() -> Units.validate("web.service", file))
                .hasMessage("unit \"web.service\": [" + section
                        + "] Global: nothing looks into a section of that name; did you" + " mean [X-Fleet]?");
    }

    @ParameterizedTest
    @ValueSource(strings = {"X-Other", "X-Docker", "X-", "Unit", "Service", "Install", "Socket", "X-Freight"})
    void acceptsSectionsOfOthers(String section) throws InvalidUnitException {
        Units.validate(
                "web.service", UnitFile.parse("[" + section + "]\nDescription=a\n[Unit]\nConflicts=b.service\n"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "MachineID",
                "MachineOf",
                "MachineMetadata",
                "Global",
                "Replaces",
                "Fence",
                "StartFirst",
                "X-ConditionMachineID",
                "X-ConditionMachineBootID",
                "X-ConditionMachineOf",
                "X-ConditionMachineMetadata",
                "X-Conflicts"
            })
    void refusesFleetsOptionsInOtherSections(String option) throws InvalidUnitException {
        for (String section : List.of("Unit", "Service", "Install")) {
            UnitFile file = UnitFile.parse("[" + section + "]\n" + option + "=a=b\n");

            assertThatThrownBy(() -> Units.validate("web.service", file))
                    .hasMessage("unit \"web.service\": [" + section + "] " + option
                            + ": it counts in section [X-Fleet] alone; put it there");
        }
        Units.validate("web.service", UnitFile.parse("[X-Other]\n" + option + "=a=b\n"));
    }

    /** Copied from a web page, for one: fleet passed over white space of all kinds, and systemd passes over the option. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "\u00a0User",
                "\u2003User",
                "\u200bUser",
                "Us er",
                "User\u00a0",
                "Us\\\ner",
                "Üser",
                "\"User\"",
                "User,Group"
            })
    void refusesNamesThatNoOptionHas(String option) throws InvalidUnitException {
        UnitFile file = UnitFile.parse("[Service]\nExecStart=/bin/a\n" + option + "=nobody\n");

        assertThatThrownBy(() -> Units.validate("web.service", file))
                .hasMessageContaining("[Service] ")
                .hasMessageContaining("has characters that no option's name has");
        Units.validate("web.service", UnitFile.parse("[X-Other]\n" + option + "=nobody\n"));
        Units.validate("web.service", UnitFile.parse("[Service]\nX-User=a\nUser_2.b-c=d\n"));
    }

    /** In fleet, too: what stands between two values in quotes is nothing. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "\"a=1\"  \"b=2\"",
                "\"a=1\" \\\n     \"b=2\"",
                "\"a=1\" \\\n# why\n\"b=2\"",
                "\"a=1\" \"\" \"b=2\""
            })
    void acceptsSeveralSpacesBetweenValuesWhereTheyMeanNothing(String values) throws InvalidUnitException {
        for (String option : List.of("MachineMetadata", "X-ConditionMachineMetadata")) {
            UnitFile file = UnitFile.parse("[X-Fleet]\n" + option + "=" + values + "\n");

            Units.validate("web.service", file);
            assertThat(Requirements.of("web.service", file).metadata())
                    .isEqualTo(Map.of("a", Set.of("1"), "b", Set.of("2")));
        }
        UnitFile conflicts = UnitFile.parse("[X-Fleet]\nConflicts=" + values.replace("=", "-") + "\n");
        Units.validate("web.service", conflicts);
        assertThat(Requirements.of("web.service", conflicts).conflicts()).containsExactly("a-1", "b-2");
        for (String option : List.of("MachineOf", "Replaces")) {
            assertThatThrownBy(() -> Units.validate(
                            "web.service",
                            UnitFile.parse("[X-Fleet]\n" + option + "=" + values.replace("=", "-") + "\n")))
                    .hasMessageContaining("there is an empty value among its values");
        }
    }

    /** systemd could not enable it, and fleet did not load what can't be enabled. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "web.service   | WantedBy=multi-user            | WantedBy   | \"multi-user\" is not the name of a unit",
                "web.service   | WantedBy=a.target b/c.target   | WantedBy   | \"b/c.target\" is not the name of a unit",
                "web.service   | RequiredBy=%i.target           | RequiredBy | \"%i.target\" is not the name of a unit; of specifiers %n, %N, %p, %i and %j are filled in here",
                "web.service   | UpheldBy=%H.target             | UpheldBy   | \"%H.target\" is not the name of a unit; of specifiers %n, %N, %p, %i and %j are filled in here",
                "web.service   | Alias=web.socket               | Alias      | \"web.socket\" can't be another name of a service",
                "web@.service  | WantedBy=none                  | WantedBy   | \"none\" is not the name of a unit"
            })
    void refusesWhatCannotBeEnabled(String name, String option, String field, String reason)
            throws InvalidUnitException {
        UnitFile file = UnitFile.parse("[Service]\nExecStart=/bin/a\n[Install]\n" + option + "\n");

        assertThatThrownBy(() -> Units.validate(name, file))
                .hasMessage("unit \"" + name + "\": [Install] " + field + ": " + reason);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "web.service   | WantedBy=multi-user.target 'late.target'",
                "web.service   | WantedBy=;WantedBy=none;WantedBy=",
                "web.service   | Alias=www.service web.service",
                "web@.service  | WantedBy=%i.target %H.target",
                "web@1.service | Alias=%p-%i.service",
                "web.service   | Also=anything at all",
                "web.service   | DefaultInstance=1"
            })
    void acceptsWhatCanBeEnabled(String name, String option) throws InvalidUnitException {
        Units.validate(
                name, UnitFile.parse("[Service]\nExecStart=/bin/a\n[Install]\n" + option.replace(';', '\n') + "\n"));
    }

    @Test
    void refusesEmptyFiles() {
        assertThatThrownBy(() -> Units.validate("web.service", UnitFile.parse("[Service]\n# nothing\n")))
                .hasMessage("unit \"web.service\": contents: the file has no options");
    }

    /** systemd ends a line there, so that it would see an option that nobody else does. */
    @Test
    void refusesCharactersThatSystemdReadsAsTheEndOfALine() throws InvalidUnitException {
        var file = UnitFile.parse("[Service]\nExecStart=/bin/a\0ExecStartPost=/bin/b\n");
        assertThatThrownBy(() -> Units.validate("web.service", file))
                .hasMessageStartingWith("unit \"web.service\": contents: the file has a NUL character");
    }

    @Test
    void refusesUnknownFleetOptions() {
        assertThatThrownBy(() -> Units.validate("web.service", UnitFile.parse("[X-Fleet]\nMachineIDs=x\n")))
                .hasMessage(
                        "unit \"web.service\": [X-Fleet] \"MachineIDs\": unknown option; did you mean \"MachineID\"?");
    }

    @Test
    void acceptsFilesOf256KiBInUtf8AndNoMore() throws InvalidUnitException {
        // 12 bytes of header, then 131 lines of 2,000 bytes and one that fills up.
        String lines = "[Service  ]\n" + ("A=" + "é".repeat(998) + "b\n").repeat(131);
        int rest = Units.MAX_BYTES - 12 - 131 * 2000;
        String full = lines + "B=" + "x".repeat(rest - 3) + "\n";

        UnitFile fits = UnitFile.parse(full);
        UnitFile tooLong = UnitFile.parse(full + "C=\n");

        assertThatCode(() -> Units.validate("web.service", fits)).doesNotThrowAnyException();
        assertThatThrownBy(() -> Units.validate("web.service", tooLong))
                .hasMessage("unit \"web.service\": contents: the file has over 256 KiB, the most that is stored");
    }

    @Test
    @Timeout(value = 30, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void hostileFilesOfTheGreatestSizeAreJudgedSoon() throws InvalidUnitException {
        UnitFile manyPatterns = UnitFile.parse("[X-Fleet]\n"
                + ("Conflicts=" + "a* ".repeat(600) + "\n").repeat(60)
                + ("MachineOf=\"b" + "\" \"b".repeat(400) + "\"\n").repeat(60));
        UnitFile onePattern = UnitFile.parse("[X-Fleet]\nConflicts=" + "*a".repeat(900) + "b\n"
                + ("MachineOf=" + "a".repeat(2000) + "\n").repeat(7));

        assertThatThrownBy(() -> Units.validate("a.service", manyPatterns)).hasMessageContaining("16384 are allowed");
        assertThatCode(() -> Units.validate("a.service", onePattern)).doesNotThrowAnyException();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "web.service | [Service];ExecStart=/bin/a;ExecStop= | ",
                "web@.service | [Service];ExecStart=/bin/a;TimeoutStopSec=900 | ",
                "web.service | [Service];ExecStop=/bin/b | it can't be combined with [Service] ExecStop: a fenced unit ends by signals alone, in a bounded time; drop one of them",
                "web.service | [Service];ExecStopPost=/bin/b | it can't be combined with [Service] ExecStopPost: a fenced unit ends by signals alone, in a bounded time; drop one of them",
                "web.timer   | [Timer];OnBootSec=1 | it is for services, and this is a timer"
            })
    void fencesOnlyWhatSystemdStopsInBoundedTime(String name, String options, @Nullable String reason)
            throws InvalidUnitException {
        String unfenced = options.replace(';', '\n');
        UnitFile fenced = UnitFile.parse(unfenced + "\n[X-Fleet]\nFence=true\n");

        assertThatCode(() -> Units.validate(name, UnitFile.parse(unfenced))).doesNotThrowAnyException();
        assertThat(Fence.applies(name, unfenced)).isFalse();
        assertThat(Fence.applies(name, fenced.text())).isTrue();
        assertThat(Fence.applies(name, fenced.text().replace("true", "no"))).isFalse();
        if (reason == null) {
            assertThatCode(() -> Units.validate(name, fenced)).doesNotThrowAnyException();
        } else {
            assertThatThrownBy(() -> Units.validate(name, fenced))
                    .hasMessage("unit \"" + name + "\": [X-Fleet] Fence: " + reason);
        }
    }

    @Test
    void refusesTheNameOfTheLeaseUnit() throws InvalidUnitException {
        UnitFile file = UnitFile.parse("[Service]\nExecStart=/bin/true\n");

        assertThatThrownBy(() -> Units.validate("raftfleet-lease.service", file))
                .hasMessageContaining("agents have a unit of this name themselves");
    }
}
