package io.raftfleet.unit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class UnitFileTest {

    /** What the file says, and what it reads as, one "section|name|value" an option. */
    static Stream<Arguments> files() {
        return Stream.of(
                file("", List.of()),
                file("# nothing\n\n", List.of()),
                file(";skipped [T]\n[S]\nB=c\n", List.of("S|B|c")),
                file("\uFEFF[S]\nB=c\n", List.of("S|B|c")),
                file("\uFEFF# note\n[S]\nB=c\n", List.of("S|B|c")),
                file("[S]\nB=c", List.of("S|B|c")),
                file("[S]\r\nB=c\r\nD=e\r\n", List.of("S|B|c", "S|D|e")),
                file("[S]\rB=c\rD=e\r", List.of("S|B|c", "S|D|e")),
                file("[S]\n\rB=c\n\rD=e", List.of("S|B|c", "S|D|e")),
                file("[Empty]\n[S]\nB=c\n[Empty too]", List.of("S|B|c")),
                file("[S] \t\nB=c\n", List.of("S|B|c")),
                file("  [S]\nB=c\n", List.of("S|B|c")),
                file("[S]\n  B  =  c d  \n", List.of("S|B|c d")),
                file("[S]\nB=\u3000c\u0085\n", List.of("S|B|\u3000c\u0085")),
                file("[S]\nB=\nC=\t \n", List.of("S|B|", "S|C|")),
                file("[S]\nB=c=d\n", List.of("S|B|c=d")),
                file("[S]\n<<<<=bar\n", List.of("S|<<<<|bar")),
                file("[S]\nB=c # no comment\n", List.of("S|B|c # no comment")),
                file("[S]\nB=#c\n", List.of("S|B|#c")),
                file("[S]\n# one\n;two\n  # three\nB=c\n", List.of("S|B|c")),
                file("[S]\n# ends here\\\nB=c\nC=d\n", List.of("S|B|c", "S|C|d")),
                file("[S]\n# ends here\\ \nB=c\n", List.of("S|B|c")),
                file("[S]\n; ends here\\\r\nB=c\n", List.of("S|B|c")),
                file("[S]\nB=c \\\n  d\\\ne\nF=g\n", List.of("S|B|c \\\n  d\\\ne", "S|F|g")),
                file("[S]\r\nB=c \\\r\n  d\r\nF=g\r\n", List.of("S|B|c \\\n  d", "S|F|g")),
                file("[S]\nB=\\\nc\n", List.of("S|B|\\\nc")),
                file("[S]\nB \\\n =c\n", List.of("S|B|c")),
                file("[S]\nB=c\\\\\nD=e\n", List.of("S|B|c\\\\", "S|D|e")),
                file("[S]\nB=c \\ \nD=e\n", List.of("S|B|c \\ ", "S|D|e")),
                file("[S]\nB=c\\\n#d\ne\nF=g\n", List.of("S|B|c\\\n#d\ne", "S|F|g")),
                file("[S]\nB=c\\\n#d\\\n ;x\ne\\\nf\nF=g\n", List.of("S|B|c\\\n#d\\\n ;x\ne\\\nf", "S|F|g")),
                file("[S]\nB=c\\\n#d\n", List.of("S|B|c\\\n")),
                file("[S]\nB=c\\\n#d\n\nF=g\n", List.of("S|B|c\\\n", "S|F|g")),
                file("[S]\nB=c\\\n[T]\nD=e\n", List.of("S|B|c\\\n[T]", "S|D|e")),
                file("[S]\nB=c\\\n\nD=e\n", List.of("S|B|c\\\n", "S|D|e")),
                file("[S]\nB=c\\\n \t\nD=e\n", List.of("S|B|c\\\n", "S|D|e")),
                file("[S]\nB=1\n[T]\nC=2\n[S]\nB=3\n", List.of("S|B|1", "S|B|3", "T|C|2")));
    }

    private static Arguments file(String text, List<String> options) {
        return Arguments.of(text, options);
    }

    @ParameterizedTest
    @MethodSource("files")
    void readsWhatSystemdReads(String text, List<String> options) throws InvalidUnitException {
        assertThat(flat(UnitFile.parse(text).options())).isEqualTo(options);
    }

    /** A file, the line that is wrong in it, and a part of the reason. */
    static Stream<Arguments> faults() {
        return Stream.of(
                Arguments.of("[S", "line 1", "no \"]\""),
                Arguments.of("[S]\nB=c\n[T\nD=e\n", "line 3", "no \"]\""),
                Arguments.of("[a\nb]\nB=c\n", "line 1", "no \"]\""),
                Arguments.of("[S] B=c\n", "line 1", "found \"B=c\" after section header \"[S]\""),
                Arguments.of("no section at all", "line 1", "expected a section"),
                Arguments.of(
                        "\n# note\nA=before any section\n[S]\nB=c\n",
                        "line 3",
                        "\"A\" stands before the first section"),
                Arguments.of("[S]\n\nnonsense upon stilts\nB=c\n", "line 3", "\"nonsense upon stilts\" without \"=\""),
                Arguments.of("[S]\nB=c\nD", "line 3", "\"D\" without \"=\""),
                Arguments.of("[S]\nB\r=c\n", "line 2", "\"B\" without \"=\""),
                Arguments.of("[S]\n=c\n", "line 2", "no name"),
                Arguments.of("[S]\nB=c\n\uFEFFD=e\n", "line 3", "byte order mark"),
                Arguments.of("[S]\n \uFEFFD=e\n", "line 2", "byte order mark"),
                Arguments.of("[S]\n\\\n \uFEFF=e\n", "line 2", "byte order mark"),
                Arguments.of("[S]\nB=lone \uD800 surrogate\n", "line 2", "surrogate"),
                Arguments.of("[S]\nB=" + "x".repeat(1 << 20) + "\n", "line 2", "1048576 bytes"));
    }

    @ParameterizedTest
    @MethodSource("faults")
    void namesTheLineThatCannotBeRead(String text, String line, String reason) {
        assertThatThrownBy(() -> UnitFile.parse(text)).isInstanceOfSatisfying(InvalidUnitException.class, e -> {
            assertThat(e.unit()).isEmpty();
            assertThat(e.field()).isEqualTo(line);
            assertThat(e.reason()).contains(reason);
            assertThat(e).hasMessage("unit file: " + line + ": " + e.reason());
        });
    }

    @Test
    void optionsThatWouldBecomeOthersAreRefusedByName() {
        UnitOption plain = new UnitOption("Service", "Restart", "no");
        for (UnitOption bad : List.of(
                new UnitOption("Service", "ExecStart", "/bin/a\nExecStartPost=/bin/b"),
                new UnitOption("Service", "ExecStart", "/bin/a\n[X-Fleet]\nGlobal=true"),
                new UnitOption("Service", "ExecStart", "/bin/a\n# gone"),
                new UnitOption("Service", "ExecStart", "/bin/a\\"),
                new UnitOption("Service", "ExecStart", "/bin/a \uD800"),
                new UnitOption("Service", "Exec=Start", "/bin/a"),
                new UnitOption("Service", "#ExecStart", "/bin/a"),
                new UnitOption("Service", ";ExecStart", "/bin/a"),
                new UnitOption("Service", "[ExecStart", "/bin/a"),
                new UnitOption("Service", " ExecStart", "/bin/a"),
                new UnitOption("Service", "Exec\nStart", "/bin/a"),
                new UnitOption("Ser]vice", "ExecStart", "/bin/a"),
                new UnitOption("Service]\nUser=root\n[Install", "ExecStart", "/bin/a"))) {
            assertThatThrownBy(() -> UnitFile.exactly(List.of(bad, plain)))
                    .as("%s", bad)
                    .isInstanceOf(InvalidUnitException.class)
                    .hasMessageContaining("another option");
        }
        assertThatThrownBy(() -> UnitFile.exactly(List.of(plain, new UnitOption("Service", "User", "y\\"))))
                .as("what follows one day would become a part of it")
                .hasMessageContaining("another option");
    }

    @Test
    void optionsThatAFileCanHoldAreKept() throws Exception {
        for (String value : List.of(
                "",
                " spaced ",
                "a=b",
                "/bin/a \\\n --b",
                "/bin/a \\\n# why\n --b",
                "C:\\\\",
                "/bin/a \\\n",
                "50% \"x\" ; #",
                "größer")) {
            List<UnitOption> options = List.of(
                    new UnitOption("Service", "ExecStart", value),
                    new UnitOption("Unit", "After", "x"),
                    new UnitOption("Service", "User", "y"));
            assertThat(UnitFile.exactly(options)).as("'%s'", value).isEqualTo(UnitFile.of(options));
        }
        assertThat(UnitFile.exactly(List.of()).isEmpty()).isTrue();
    }

    @ParameterizedTest
    @ValueSource(ints = {2045, 2047, 2048, 2100, 3000, 4096, 100_000, (1 << 20) - 2})
    void readsLongLinesWhereverTheyStand(int length) throws InvalidUnitException {
        String value = "x".repeat(length);
        for (int before : List.of(0, 1, 1000, 2314, 4000, 5000)) {
            assertThat(UnitFile.parse("#" + "y".repeat(before) + "\n[S]\nB=" + value + "\nC=d\n")
                            .values("S", "B"))
                    .containsExactly(value);
        }
    }

    @Test
    void valuesAreWhatSystemdMakesOfContinuedLines() throws InvalidUnitException {
        UnitFile file = UnitFile.parse("""
            [Service]
            ExecStart=/usr/bin/env \\
                A=1 \\
                # B comes next
                B=2 \\
                /bin/sleep 1000
            # formerly: Environment=LIMIT=1 \\
            Environment=LIMIT=2
            """);

        assertThat(file.values("Service", "ExecStart"))
                .containsExactly("/usr/bin/env      A=1      B=2      /bin/sleep 1000");
        assertThat(file.values("Service", "Environment")).containsExactly("LIMIT=2");
        assertThat(file.options()).hasSize(2);
        assertThat(UnitFile.parse(file.text())).isEqualTo(file);
    }

    @Test
    void groupsSectionsAndDropsCommentsInTheText() throws InvalidUnitException {
        UnitFile file = UnitFile.parse("""
            # A ping.
            [Unit]
            Description = Ping

            [Nothing]
            [Service]
            ExecStart=/usr/bin/echo \\
              ping
            [Unit]
            After=docker.service
            [Service]
            ExecStop=/usr/bin/true
            [X-Fleet]
            ; together
            MachineOf=pong.service
            """);

        assertThat(file.text()).isEqualTo("""
            [Unit]
            Description=Ping
            After=docker.service

            [Service]
            ExecStart=/usr/bin/echo \\
              ping
            ExecStop=/usr/bin/true

            [X-Fleet]
            MachineOf=pong.service
            """);
        // printf '[Unit]\nDescription=Ping\nAfter=docker.service\n\n[Service]\n…' | sha1sum
        assertThat(file.hash()).hasToString("20be96c726d9f69c82bbd8aaa02a831eeda23c56");
        assertThat(file.description()).contains("Ping");
    }

    @Test
    void hashesTheUtf8BytesOfTheText() throws InvalidUnitException {
        // printf '[Service]\nExecStart=/bin/sleep 100\n' | sha1sum
        assertThat(UnitFile.parse("[Service]\nExecStart=/bin/sleep 100").hash())
                .hasToString("1c6fb6f3684bafb0c173d8b8b957ceff031180c1");
        // printf '[Service]\nEnvironment=GREETING=gr\xc3\xbc\xc3\x9fe \xf0\x9d\x84\x9e\n' | sha1sum
        assertThat(UnitFile.parse("[Service]\nEnvironment=GREETING=grüße \uD834\uDD1E\n")
                        .hash())
                .hasToString("fcf2c4485eecd7898d77b30e97f7cc04c5ec2a86");
        // printf '' | sha1sum
        assertThat(UnitFile.parse("[Service]\n").hash()).hasToString("da39a3ee5e6b4b0d3255bfef95601890afd80709");
    }

    /** What goes on in nothing is closed by an empty line: it does not take up what may come to stand behind it. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "[Service]\nExecStart=foo\\",
                "[Service]\r\nExecStart=foo\\\r\n",
                "[Service]\nExecStart=foo\\\n\n"
            })
    void closesValuesThatEndInABackslash(String text) throws InvalidUnitException {
        UnitFile file = UnitFile.parse(text);

        // printf '[Service]\nExecStart=foo\\\n\n' | sha1sum
        assertThat(file.hash()).hasToString("8aea73f14d5626d4712814a0a76fcdb7cf0a03fc");
        assertThat(UnitFile.parse(file.text())).isEqualTo(file);
    }

    @Test
    void findsValuesInOrder() throws InvalidUnitException {
        UnitFile file = UnitFile.parse("[Service]\nExecStartPre=a\nExecStart=b\nExecStartPre=\nExecStartPre=c\n");

        assertThat(file.values("Service", "ExecStartPre")).containsExactly("a", "", "c");
        assertThat(file.values("Service", "execstart")).isEmpty();
        assertThat(file.values("Unit", "ExecStart")).isEmpty();
        assertThat(file.description()).isEmpty();
    }

    @Test
    void equalsFilesWithTheSameText() throws InvalidUnitException {
        UnitFile parsed = UnitFile.parse("[S]\nB = c\n\n[T]\nD=e");
        UnitFile built = UnitFile.of(List.of(new UnitOption("S", "B", "c"), new UnitOption("T", "D", "e")));

        assertThat(parsed).isEqualTo(built).hasSameHashCodeAs(built).isNotEqualTo(UnitFile.parse("[S]\nB=c\n"));
        assertThat(parsed.isEmpty()).isFalse();
        assertThat(UnitFile.of(List.of())).isEqualTo(UnitFile.parse("# nothing"));
        assertThat(UnitFile.of(List.of()).isEmpty()).isTrue();
    }

    @Test
    void takesOptionsForWhatTheirTextSays() {
        UnitFile spaced = UnitFile.of(List.of(new UnitOption("S", " B", " c ")));
        UnitFile smuggled = UnitFile.of(List.of(new UnitOption("S", "B", "c\n[X-Fleet]\nGlobal=true")));

        assertThat(flat(spaced.options())).containsExactly("S|B|c");
        assertThat(flat(smuggled.options())).containsExactly("S|B|c", "X-Fleet|Global|true");
    }

    @Test
    void keepsTheReadablePartOfOptionsThatCannotBeReadBack() {
        UnitFile file = UnitFile.of(List.of(new UnitOption("S", "A", "b"), new UnitOption("S", "C", "d\ne")));

        assertThat(flat(file.options())).containsExactly("S|A|b", "S|C|d");
        assertThatThrownBy(() -> Units.validate("a.service", file))
                .hasMessage("unit \"a.service\": line 4: expected Name=Value, found \"e\" without \"=\"");
    }

    private static List<String> flat(List<UnitOption> options) {
        List<String> flat = new ArrayList<>();
        for (UnitOption option : options) {
            flat.add(option.section() + "|" + option.name() + "|" + option.value());
        }
        return flat;
    }
}
