package io.raftfleet.unit;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.Tuple;
import net.jqwik.api.constraints.Size;

class UnitFilePropertiesTest {

    @Property(tries = 3000)
    void textAndHashKeepTheirForm(@ForAll("files") String text) throws InvalidUnitException {
        UnitFile file = parsed(text);

        UnitFile again = UnitFile.parse(file.text());

        assertThat(again.text()).isEqualTo(file.text());
        assertThat(again.hash()).isEqualTo(file.hash());
        assertThat(UnitFile.of(file.options())).isEqualTo(file);
        assertThat(file.isEmpty()).isEqualTo(file.options().isEmpty());
        assertThat(file.text().getBytes(StandardCharsets.UTF_8))
                .asString(StandardCharsets.UTF_8)
                .isEqualTo(file.text());
    }

    @Property
    void anyCharactersAreReadOrRefused(@ForAll String text) throws InvalidUnitException {
        textAndHashKeepTheirForm(text);
        textAndHashKeepTheirForm("[S]\n" + text);
        textAndHashKeepTheirForm("[S]\nA=" + text);
    }

    @Property
    void anyBytesAreReadOrRefused(@ForAll @Size(max = 6000) byte[] bytes) throws InvalidUnitException {
        textAndHashKeepTheirForm("[S]\n" + new String(bytes, StandardCharsets.ISO_8859_1));
        textAndHashKeepTheirForm("[S]\nA=" + new String(bytes, StandardCharsets.UTF_8));
    }

    @Property(tries = 3000)
    void anyOptionsMakeAFileThatValidatesOrIsRefused(@ForAll("options") List<UnitOption> options)
            throws InvalidUnitException {
        UnitFile file = UnitFile.of(options);

        try {
            Units.validate("a.service", file);
        } catch (InvalidUnitException e) {
            assertThat(e.unit()).isEqualTo("a.service");
            return;
        }
        assertThat(UnitFile.parse(file.text())).isEqualTo(file);
    }

    @Property(tries = 3000)
    void anyRequirementsAreReadOrRefused(@ForAll("files") String text, @ForAll("pieces") String name)
            throws InvalidUnitException {
        UnitFile file = parsed("[X-Fleet]\n" + text);

        Requirements requirements;
        try {
            requirements = Requirements.of("a@b.service", file);
        } catch (InvalidUnitException e) {
            assertThat(e).hasMessageContaining("[X-Fleet]");
            return;
        }
        assertThat(requirements.conflictsWith(name) && requirements.conflicts().isEmpty())
                .isFalse();
        assertThat(requirements.admits(Map.of()))
                .isEqualTo(requirements.metadata().isEmpty());
    }

    /** The file, or an empty one for text that is refused. */
    private static UnitFile parsed(String text) {
        try {
            return UnitFile.parse(text);
        } catch (InvalidUnitException e) {
            assertThat(e.field()).startsWith("line ");
            return UnitFile.of(List.of());
        }
    }

    @Provide
    Arbitrary<String> files() {
        return pieces().list().ofMaxSize(40).map(pieces -> String.join("", pieces));
    }

    @Provide
    Arbitrary<List<UnitOption>> options() {
        Arbitrary<String> text = pieces().list().ofMaxSize(3).map(pieces -> String.join("", pieces));
        return Combinators.combine(text, text, text).as(UnitOption::new).list().ofMaxSize(5);
    }

    @Provide
    Arbitrary<String> pieces() {
        return Arbitraries.frequencyOf(
                Tuple.of(8, Arbitraries.of("\n", "=", "A=b\n", "\\\n", "[S]\n", " ")),
                Tuple.of(
                        4,
                        Arbitraries.of(
                                "[",
                                "]",
                                "#",
                                ";",
                                "\\",
                                "\r",
                                "\r\n",
                                "\t",
                                "\"",
                                "%i",
                                "é",
                                "\u2003",
                                "\uD834\uDD1E",
                                "\uD800",
                                "\uFEFF",
                                "\0",
                                "Conflicts=a* b?\n",
                                "MachineMetadata=\"a=b\" \"a=c\"\n",
                                "MachineOf=%p.service\n",
                                "[X-Fleet]\n")),
                Tuple.of(1, Arbitraries.of("x".repeat(2045), "x".repeat(2050), "é ".repeat(700))));
    }
}
