package io.raftfleet.unit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.regex.Pattern;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class UnitNameTest {
    /** The rules once more, as a pattern. */
    private static final Pattern VALID = Pattern.compile("(?=.{1,256}\\z)"
            + "(?:[0-9A-Za-z:_.\\\\-]+\\.(?:automount|busname|device|mount|scope|slice|snapshot|swap)"
            + "|[0-9A-Za-z:_.\\\\-][0-9A-Za-z:_.\\\\@-]*\\.(?:path|service|socket|target|timer))");

    @ParameterizedTest
    @ValueSource(
            strings = {
                "foo.service",
                "foo@.service",
                "foo@123.service",
                "foo@1@2.timer",
                "a.b.c.target",
                "a:b.path",
                "a-b_c.mount",
                "dev-disk\\x2dby.swap",
                "..service",
                "a@b\\.socket"
            })
    void acceptsNames(String name) throws InvalidUnitException {
        assertThat(UnitName.of(name)).hasToString(name);
        assertThat(UnitName.isValid(name)).isTrue();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "''                | it is empty",
                "fooservice        | it must end in a unit type",
                "a@b               | it must end in a unit type",
                "foo.              | it must end in a unit type",
                "foo.service.      | it must end in a unit type",
                ".service          | nothing stands before its type",
                "..                | it must end in a unit type",
                "foo.bar           | unknown unit type \"bar\"",
                "foo.servICE       | unknown unit type \"servICE\"",
                "foo. service      | unknown unit type \" service\"",
                "@.service         | it must not start with \"@\"",
                "@foo.mount        | it must not start with \"@\"",
                "../../etc.service | character \"/\" is not allowed",
                "a/b.service       | character \"/\" is not allowed",
                "a b.service       | character \" \" is not allowed",
                "a%.service        | character \"%\" is not allowed",
                "naïve.service     | character \"ï\" is not allowed",
                "a@1.mount         | units of type \"mount\" have no templates",
                "a@.slice          | units of type \"slice\" have no templates"
            })
    void refusesNames(String name, String reason) {
        assertThatThrownBy(() -> UnitName.validate(name)).isInstanceOfSatisfying(InvalidUnitException.class, e -> {
            assertThat(e.unit()).isEqualTo(name);
            assertThat(e.field()).isEqualTo("name");
            assertThat(e.reason()).startsWith(reason);
        });
    }

    @Test
    void refusesControlCharactersAndShowsThemEscaped() {
        assertThatThrownBy(() -> UnitName.validate("a\nb\0.service"))
                .hasMessageStartingWith("unit \"a\\nb\\u0000.service\": name: character \"\\n\" is not allowed");
    }

    /** fleet took 256, of which no file and no unit of systemd can be; a registry of before may have it. */
    @Test
    void namesOf255CharactersMayBeSubmittedAndNoLongerOnes() throws InvalidUnitException {
        String suffix = ".service";
        String longest = "a".repeat(255 - suffix.length()) + suffix;

        UnitName.of(longest).validateNew();
        assertThat(UnitName.isValid("a" + longest)).isTrue();
        assertThatThrownBy(() -> UnitName.of("a" + longest).validateNew())
                .hasMessageEndingWith("name: it has 256 characters; at most 255 are allowed");
        assertThatThrownBy(() -> UnitName.validate("aa" + longest))
                .hasMessageEndingWith("name: it has 257 characters; at most 255 are allowed")
                .hasMessageContaining("aaa…\"");
    }

    @ParameterizedTest
    @CsvSource({
        "foo.service,         foo,         foo,   '',      service, ''",
        "foo@.service,        foo@,        foo,   '',      service, foo@.service",
        "foo@bar.service,     foo@bar,     foo,   bar,     service, foo@.service",
        "foo@bar@baz.service, foo@bar@baz, foo,   bar@baz, service, foo@.service",
        "foo.1@.service,      foo.1@,      foo.1, '',      service, foo.1@.service",
        "foo.1@2.service,     foo.1@2,     foo.1, 2,       service, foo.1@.service",
        "foo@1.2.service,     foo@1.2,     foo,   1.2,     service, foo@.service",
        "ssh@1.socket,        ssh@1,       ssh,   1,       socket,  ssh@.socket"
    })
    void takesNamesApart(
            String name, String nameWithoutType, String prefix, String instance, String type, String template)
            throws InvalidUnitException {
        UnitName unit = UnitName.of(name);

        assertThat(unit.nameWithoutType()).isEqualTo(nameWithoutType);
        assertThat(unit.prefix()).isEqualTo(prefix);
        assertThat(unit.instance()).isEqualTo(instance);
        assertThat(unit.type()).isEqualTo(type);
        assertThat(unit.template().orElse("")).isEqualTo(template);
        assertThat(unit.isInstance()).isEqualTo(!instance.isEmpty());
        assertThat(unit.isTemplate()).isEqualTo(name.equals(template));
        assertThat(unit.expand("%n %N %p %i %% %x"))
                .isEqualTo(String.join(" ", name, nameWithoutType, prefix, instance, "%% %x"));
    }

    @Property
    void acceptsExactlyWhatTheRulesAllow(@ForAll("names") String name) {
        assertThat(UnitName.isValid(name)).isEqualTo(VALID.matcher(name).matches());
    }

    @Property
    void judgesAnyString(@ForAll String name) {
        assertThat(UnitName.isValid(name)).isEqualTo(VALID.matcher(name).matches());
    }

    @Provide
    Arbitrary<String> names() {
        Arbitrary<String> stem =
                Arbitraries.strings().withChars("abcXYZ0189:-_.\\@@@@/ é\n").ofMaxLength(6);
        Arbitrary<String> type = Arbitraries.of(
                ".service",
                ".socket",
                ".target",
                ".timer",
                ".path",
                ".mount",
                ".slice",
                ".busname",
                ".Service",
                ".",
                "");
        return Combinators.combine(stem, type).as(String::concat);
    }
}
