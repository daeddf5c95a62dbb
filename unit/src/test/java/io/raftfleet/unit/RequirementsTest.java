package io.raftfleet.unit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.raftfleet.proto.log.UnitFacts;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RequirementsTest {

    @Test
    void unitsWithoutTheSectionAskForNothingAndShareOneObject() throws InvalidUnitException {
        Requirements none =
                Requirements.of("a.service", UnitFile.parse("[Service]\nGlobal=true\nMachineOf=b.service\n"));

        assertThat(none.isUnconstrained()).isTrue();
        assertThat(none.machineId()).isEmpty();
        assertThat(none.peers()).isEmpty();
        assertThat(none.metadata()).isEmpty();
        assertThat(none.conflicts()).isEmpty();
        assertThat(none.replaces()).isEmpty();
        assertThat(none.global()).isFalse();
        assertThat(none.admits(Map.of())).isTrue();
        assertThat(none.admitsMachine("f0c1")).isTrue();
        assertThat(none.conflictsWith("b.service")).isFalse();
        assertThat(Requirements.of("b.service", UnitFile.parse(""))).isSameAs(none);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "MachineID=123                                    | 123",
                "MachineID=\"123\" \"456\"                        | 123",
                "MachineID=123\\nMachineID=456                    | 123",
                "X-ConditionMachineID=\"123\" \"456\"             | 123",
                "X-ConditionMachineID=456\\nMachineID=123         | 123",
                "X-ConditionMachineBootID=123                     | 123",
                "X-ConditionMachineBootID=123\\nX-ConditionMachineID=456 | 456",
                "X-ConditionMachineBootID=123\\nMachineID=456     | 456",
                "MachineID=                                       | ''"
            })
    void readsTheMachineIdFromTheNewestOptionThatIsThere(String options, String id) throws InvalidUnitException {
        assertThat(of(options).machineId()).contains(id);
    }

    @Test
    void admitsMachinesByWholeIdOrItsFirstEightCharacters() throws InvalidUnitException {
        String id = "148a18ff6e954cd892dac9de9bb90d5a";

        assertThat(of("MachineID=" + id).admitsMachine(id)).isTrue();
        assertThat(of("MachineID=148a18ff").admitsMachine(id)).isTrue();
        assertThat(of("MachineID=148a18f").admitsMachine(id)).isFalse();
        assertThat(of("MachineID=148a18ff6").admitsMachine(id)).isFalse();
        assertThat(of("MachineID=").admitsMachine(id)).isFalse();
    }

    @Test
    void readsPeersFromAllLinesOldOnesFirst() throws InvalidUnitException {
        Requirements requirements =
                of("MachineOf=\"a.service\" \"b.service\"\\nX-ConditionMachineOf=c.service\\nMachineOf=d.service e");

        assertThat(requirements.peers()).containsExactly("c.service", "a.service", "b.service", "d.service e");
        assertThat(requirements.isUnconstrained()).isFalse();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "\"bar\" \"ping\" \"pong\"  | bar;ping;pong",
                "\"bar\"                    | bar",
                "\"a b\" \"c\"              | a b;c",
                "\"a\"\"b\"                 | ab",
                "\"a\"  \"b\"               | a;;b",
                "\"bar                      | \"bar",
                "bar\"                      | bar\"",
                "\"bar\" \"                 | bar;",
                "\"foo\\\"bar\"             | foo\\bar",
                "\"\"                       | ''",
                "\"                         | ''"
            })
    void splitsQuotedValuesAsFleetDoes(String line, String values) {
        assertThat(FleetOptions.split(line)).containsExactly(values.split(";", -1));
    }

    @Test
    void readsConflictsAsWordsAndMatchesThemAsPatterns() throws InvalidUnitException {
        Requirements requirements =
                of("Conflicts=db*.service  web@?.service\\nConflicts=\"x\" \"y z\"\\nX-Conflicts=old.*");

        assertThat(requirements.conflicts()).containsExactly("old.*", "db*.service", "web@?.service", "x", "y", "z");
        assertThat(requirements.conflictsWith("db-1.service")).isTrue();
        assertThat(requirements.conflictsWith("web@1.service")).isTrue();
        assertThat(requirements.conflictsWith("web@10.service")).isFalse();
        assertThat(requirements.conflictsWith("a.service")).isFalse();
    }

    @Test
    void readsReplacesWithoutSplittingAtSpaces() throws InvalidUnitException {
        Requirements requirements = of("Replaces=web*.service\\nReplaces=a b");

        assertThat(requirements.replaces()).containsExactly("web*.service", "a b");
        assertThat(requirements.replaces("web1.service")).isTrue();
        assertThat(requirements.replaces("a")).isFalse();
        assertThat(requirements.conflictsWith("web1.service")).isFalse();
    }

    @Test
    void malformedPatternsMatchNothing() throws InvalidUnitException {
        Requirements requirements = of("Conflicts=[a b\\\\");

        assertThat(requirements.conflicts()).containsExactly("[a", "b\\\\");
        assertThat(requirements.conflictsWith("[a")).isFalse();
        assertThat(requirements.conflictsWith("a")).isFalse();
    }

    @Test
    void metadataOfOneKeyAreAlternativesAndAllKeysAreRequired() throws InvalidUnitException {
        Requirements requirements = of("MachineMetadata=\"disk=ssd\" \"disk=nvme\"\\nMachineMetadata=region=eu\\n"
                + "X-ConditionMachineMetadata=region=us");

        assertThat(requirements.metadata())
                .isEqualTo(Map.of("disk", Set.of("ssd", "nvme"), "region", Set.of("us", "eu")));
        assertThat(requirements.admits(Map.of("disk", "ssd", "region", "us", "more", "x")))
                .isTrue();
        assertThat(requirements.admits(Map.of("disk", "nvme", "region", "eu"))).isTrue();
        assertThat(requirements.admits(Map.of("disk", "hdd", "region", "eu"))).isFalse();
        assertThat(requirements.admits(Map.of("disk", "ssd"))).isFalse();
        assertThat(requirements.admits(Map.of())).isFalse();
    }

    @Test
    void metadataStayInOrderAndCannotBeChanged() throws InvalidUnitException {
        Map<String, Set<String>> metadata = of("MachineMetadata=z=1\\nMachineMetadata=a=2\\nMachineMetadata=z=0")
                .metadata();

        assertThat(metadata.keySet()).containsExactly("z", "a");
        assertThat(metadata.get("z")).containsExactly("1", "0");
        assertThatThrownBy(() -> metadata.put("b", Set.of())).isInstanceOf(UnsupportedOperationException.class);
        assertThatThrownBy(() -> metadata.values().iterator().next().add("c"))
                .isInstanceOf(UnsupportedOperationException.class);
    }

    @ParameterizedTest
    @ValueSource(strings = {"foo=", "=bar", "=", "foo", "foo=bar=baz", "", "\"foo= bar"})
    void passesOverMetadataThatAreNoPair(String value) throws InvalidUnitException {
        Requirements requirements = of("MachineMetadata=" + value + "\\nMachineMetadata=ok=yes");

        if (value.startsWith("\"")) {
            assertThat(requirements.metadata()).containsOnlyKeys("\"foo", "ok");
        } else {
            assertThat(requirements.metadata()).containsOnlyKeys("ok");
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "Global=true               | true",
                "Global=True               | true",
                "Global=Yes                | true",
                "Global=ON                 | true",
                "Global=1                  | true",
                "Global=t                  | true",
                "Global=                   | false",
                "Global=12                 | false",
                "Global=what               | false",
                "Global=yeſ                | false",
                "Global=true\\nGlobal=no   | false",
                "Global=no\\nGlobal=true   | true",
                "Global=\"no\" \"true\"    | true",
                "MachineID=x               | false"
            })
    void theLastGlobalCounts(String options, boolean global) throws InvalidUnitException {
        assertThat(of(options).global()).isEqualTo(global);
    }

    @ParameterizedTest
    @CsvSource({
        "ssh@2.service, ssh@2.service ssh@2 ssh 2",
        "test.service,  'test.service test test '",
        "ssh@.service,  'ssh@.service ssh@ ssh '"
    })
    void fillsSpecifiersIn(String name, String filled) throws InvalidUnitException {
        UnitFile file = UnitFile.parse("[X-Fleet]\nMachineOf=\"%n %N %p %i\"\nMachineMetadata=%p=%N\nConflicts=%p*\n");

        Requirements requirements = Requirements.of(name, file);

        assertThat(requirements.peers()).containsExactly(filled);
        assertThat(requirements.metadata()).containsOnlyKeys(UnitName.of(name).prefix());
        assertThat(requirements.conflictsWith(UnitName.of(name).prefix() + "1.socket"))
                .isTrue();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "Unknown-to-none=",
                "MachineID=148a18ff",
                "MachineID=",
                "MachineOf=\"a.service\" \"b@%i.service\"\\nX-ConditionMachineOf=c.service",
                "MachineMetadata=\"disk=ssd\" \"disk=nvme\"\\nMachineMetadata=region=eu\\nMachineMetadata=no pair",
                "Conflicts=db*.service [a web@?.service\\nX-Conflicts=old.*",
                "Replaces=a b\\nReplaces=%p*",
                "Global=yes\\nMachineMetadata=a=b",
                "Fence=true",
                "StartFirst=1"
            })
    void areTheSameAfterTheyWentThroughARecord(String options) throws Exception {
        Requirements written =
                options.startsWith("Unknown") ? Requirements.of("a.service", UnitFile.parse("")) : of(options);

        Requirements read = Requirements.of(UnitFacts.parseFrom(written.facts().toByteArray()));

        assertThat(read).isEqualTo(written).hasSameHashCodeAs(written);
        assertThat(read.facts()).isEqualTo(written.facts());
        assertThat(List.copyOf(read.metadata().keySet()))
                .isEqualTo(List.copyOf(written.metadata().keySet()));
        assertThat(read.conflictsWith("db-1.service")).isEqualTo(written.conflictsWith("db-1.service"));
        assertThat(read.replaces("echo1")).isEqualTo(written.replaces("echo1"));
        assertThat(read.isUnconstrained()).isEqualTo(written.isUnconstrained());
    }

    @ParameterizedTest
    @CsvSource({
        "Machineof,                 MachineOf",
        "MachineId,                 MachineID",
        "global,                    Global",
        "Conflict,                  Conflicts",
        "X-ConditionConflicts,      Conflicts",
        "X-Global,                  Global",
        "X-MachineMetadata,         MachineMetadata",
        "X-ConditionMachineId,      MachineID",
        "Metadata,                  MachineMetadata",
        "Replace,                   Replaces"
    })
    void refusesUnknownOptionsAndSuggestsTheNearestCurrentOne(String option, String suggestion) {
        assertThatThrownBy(() -> of(option + "=x"))
                .hasMessage("unit \"echo.service\": [X-Fleet] \"" + option + "\": unknown option; did you mean \""
                        + suggestion + "\"?");
    }

    @Test
    void namesAllOptionsWhereNoneIsNear() {
        assertThatThrownBy(() -> of("Nonsense=x"))
                .hasMessage(
                        "unit \"echo.service\": [X-Fleet] \"Nonsense\": unknown option; there are: MachineID, MachineOf,"
                                + " MachineMetadata, Conflicts, Replaces, Global, Fence, StartFirst");
    }

    @Test
    void refusesValuesThatMakeTheSectionTooLong() throws InvalidUnitException {
        String peers = ("MachineOf=" + "x".repeat(1023) + "\n").repeat(16);
        String specifiers = "MachineOf=" + "%n".repeat(100) + "\n";
        String longName = "a".repeat(200) + ".service";

        assertThat(Requirements.of("a.service", UnitFile.parse("[X-Fleet]\n" + peers))
                        .peers())
                .hasSize(16);
        assertThatThrownBy(() -> Requirements.of("a.service", UnitFile.parse("[X-Fleet]\n" + peers + "Global=no\n")))
                .hasMessageContaining("[X-Fleet]: its values have 16387 characters");
        assertThat(Requirements.of("a.service", UnitFile.parse("[X-Fleet]\n" + specifiers))
                        .peers())
                .hasSize(1);
        assertThatThrownBy(() -> Requirements.of(longName, UnitFile.parse("[X-Fleet]\n" + specifiers)))
                .hasMessageContaining("[X-Fleet]: its values have 20801 characters with specifiers put in");
    }

    @Test
    void refusesInvalidNames() {
        assertThatThrownBy(() -> Requirements.of("a", UnitFile.parse(""))).isInstanceOf(InvalidUnitException.class);
    }

    /** The options in the section, with "\n" written out between lines. */
    private static Requirements of(String options) throws InvalidUnitException {
        UnitFile file = UnitFile.parse("[X-Fleet]\n" + String.join("\n", List.of(options.split("\\\\n", -1))));
        return Requirements.of("echo.service", file);
    }
}
