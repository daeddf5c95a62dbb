package io.raftfleet.identity.join;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.raftfleet.identity.SpiffeId.Kind;
import io.raftfleet.identity.TokenText;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Where a token may come from. */
class TokenInputTest {
    private static final TokenText TOKEN =
            new TokenText("0011", "aabb", Kind.AGENT, "", "c1", "ccdd", List.of("10.0.0.1:14201"));

    @TempDir
    Path dir;

    private static InputStream input(String text) {
        return new ByteArrayInputStream(text.getBytes(StandardCharsets.US_ASCII));
    }

    private static TokenText read(@Nullable String argument, @Nullable Path file, InputStream in) throws JoinException {
        return given(argument, file).read(Path.of(""), in, Kind.AGENT, "fleetctl token create --role agent");
    }

    private static TokenInput given(@Nullable String argument, @Nullable Path file) {
        var input = new TokenInput();
        input.token = argument;
        input.file = file;
        return input;
    }

    private Path file(String text, String mode) throws IOException {
        return Files.setPosixFilePermissions(
                Files.writeString(dir.resolve("token"), text), PosixFilePermissions.fromString(mode));
    }

    @Test
    void anArgumentTheFirstLineOfStandardInputOrAFile() throws Exception {
        assertThat(read(TOKEN.text(), null, InputStream.nullInputStream())).isEqualTo(TOKEN);
        assertThat(read("-", null, input(TOKEN.text()))).isEqualTo(TOKEN);
        var pasted = input("  " + TOKEN.text() + "\r\nnext line");
        assertThat(read("-", null, pasted)).isEqualTo(TOKEN);
        assertThat(new String(pasted.readAllBytes(), StandardCharsets.US_ASCII))
                .as("left for whoever reads on")
                .isEqualTo("next line");
        var file = file(TOKEN.text() + "\n", "rw-------");
        assertThat(read(null, file, InputStream.nullInputStream())).isEqualTo(TOKEN);
        assertThat(given(null, file.getFileName()).read(dir, InputStream.nullInputStream(), Kind.AGENT, ""))
                .isEqualTo(TOKEN);
    }

    @Test
    void whatIsNoTokenOrSomebodyElsesIsSaidWithoutShowingIt() throws Exception {
        refused("-", null, "", "this is no token");
        refused("-", null, "x".repeat(100_000), "this is no token");
        refused(null, dir.resolve("none"), "", "token file " + dir.resolve("none") + " does not exist");
        refused(null, file(TOKEN.text(), "rw-r--r--"), "", "is open to every user of this machine");
        assertThatThrownBy(() ->
                        given("-", null).read(Path.of(""), input(TOKEN.text()), Kind.USER, "fleetctl user create"))
                .isInstanceOf(JoinException.class)
                .hasMessage(
                        "the token is for an agent, and this takes one for a user: make one with fleetctl user create");
    }

    private static void refused(@Nullable String argument, @Nullable Path file, String in, String words) {
        assertThatThrownBy(() -> read(argument, file, input(in)))
                .isInstanceOf(JoinException.class)
                .hasMessageContaining(words)
                .message()
                .doesNotContain("\n", TOKEN.text());
    }
}
