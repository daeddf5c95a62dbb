package io.raftfleet.unit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.concurrent.TimeUnit;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class GlobTest {

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "abc          | abc       | true",
                "abc          | abd       | false",
                "abc          | abcd      | false",
                "''           | ''        | true",
                "''           | a         | false",
                "*            | ''        | true",
                "*            | abc       | true",
                "*            | a/b       | false",
                "*c           | abc       | true",
                "a*           | a         | true",
                "a*           | ab/c      | false",
                "a*/b         | abc/b     | true",
                "a*/b         | a/c/b     | false",
                "a*b*c*d*e*/f | axbxcxdxe/f     | true",
                "a*b*c*d*e*/f | axbxcxdxexxx/f  | true",
                "a*b*c*d*e*/f | axbxcxdxe/xxx/f | false",
                "a*b?c*x      | abxbbxdbxebxczzx | true",
                "a*b?c*x      | abxbbxdbxebxczzy | false",
                "*a*b         | aab       | true",
                "*ab          | aab       | true",
                "?            | ''        | false",
                "?            | /         | false",
                "a?b          | a☺b       | true",
                "a[^a]b       | a☺b       | true",
                "a???b        | a☺b       | false",
                "ab[c]        | abc       | true",
                "ab[b-d]      | abc       | true",
                "ab[e-g]      | abc       | false",
                "ab[^c]       | abc       | false",
                "ab[^e-g]     | abc       | true",
                "[a-ζ]*       | α         | true",
                "*[a-ζ]       | A         | false",
                "[x\\-]       | x         | true",
                "[x\\-]       | -         | true",
                "[x\\-]       | z         | false",
                "[\\]a]       | ]         | true",
                "[\\-x]       | -         | true",
                "[a*]         | *         | true",
                "[^a]         | /         | true",
                "a\\*b        | a*b       | true",
                "a\\*b        | axb       | false",
                "\\a\\b       | ab        | true",
                "a]           | a]        | true",
                "a-b          | a-b       | true",
                "*x           | xxx       | true",
                "web@*.service | web@1.service | true",
                "web@*.service | web.service   | false"
            })
    void matchesAsGoDoes(String pattern, String name, boolean matches) throws InvalidPatternException {
        assertThat(Glob.compile(pattern).matches(name)).isEqualTo(matches);
    }

    /** After a star Go tries each byte, so that what is left of a character counts as U+FFFD. */
    @Test
    void triesBytesAfterAStar() throws InvalidPatternException {
        assertThat(Glob.compile("[^é]").matches("é")).isFalse();
        assertThat(Glob.compile("*[^é]").matches("é")).isTrue();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "[", "a[", "[a", "[]", "[]a]", "[^]", "[^", "[^bc", "[-]", "[-x]", "[x-]", "[a-", "[a-b-c]", "[a-b",
                "[\\", "\\", "a\\", "*[", "b*[-", "[a]\\"
            })
    void refusesMalformedPatterns(String pattern) {
        assertThatThrownBy(() -> Glob.compile(pattern))
                .isInstanceOfSatisfying(
                        InvalidPatternException.class,
                        e -> assertThat(e.pattern()).isEqualTo(pattern))
                .hasMessageStartingWith("pattern \"");
    }

    @Test
    void tellsPatternsFromPlainNames() {
        assertThat(Glob.isPattern("web@1.service")).isFalse();
        assertThat(Glob.isPattern("a]b-c^")).isFalse();
        assertThat(Glob.isPattern("web*")).isTrue();
        assertThat(Glob.isPattern("web?")).isTrue();
        assertThat(Glob.isPattern("[w]eb")).isTrue();
        assertThat(Glob.isPattern("\\web")).isTrue();
    }

    @ParameterizedTest
    @CsvSource({
        "web.service, web.service",
        "web-*.service, web-",
        "w?b, w",
        "w[e]b, w",
        "dev-a\\\\x2db*, dev-a\\x2db",
        "a\\*b*, a*b",
        "*, ''",
        "aö*, a"
    })
    void tellsWhatEveryNameBeginsWith(String pattern, String prefix) throws InvalidPatternException {
        assertThat(Glob.compile(pattern).prefix()).isEqualTo(prefix);
    }

    @Test
    @Timeout(value = 20, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void doesNotBacktrackExponentially() throws InvalidPatternException {
        assertThat(Glob.compile("a*".repeat(500) + "b").matches("a".repeat(5000)))
                .isFalse();
        assertThat(Glob.compile("*[^b]?".repeat(500) + "b").matches("a".repeat(5000)))
                .isFalse();
    }

    @Property(tries = 3000)
    void agreesWithTheNaiveMatcher(@ForAll("patterns") String pattern, @ForAll("names") String name) {
        assertThat(outcome(pattern, name)).isEqualTo(NaiveGlob.match(pattern, name));
    }

    @Property
    void judgesAnyStrings(@ForAll String pattern, @ForAll String name) throws InvalidPatternException {
        if (!outcome(pattern, name).equals("malformed") && !Glob.isPattern(pattern)) {
            assertThat(Glob.compile(pattern).matches(name)).isEqualTo(pattern.equals(name));
        }
    }

    private static String outcome(String pattern, String name) {
        try {
            return Boolean.toString(Glob.compile(pattern).matches(name));
        } catch (InvalidPatternException e) {
            return "malformed";
        }
    }

    @Provide
    Arbitrary<String> patterns() {
        return Arbitraries.strings().withChars("ab*?[]^-\\/").ofMaxLength(9);
    }

    @Provide
    Arbitrary<String> names() {
        return Arbitraries.strings().withChars("ab/-").ofMaxLength(7);
    }
}
