package io.raftfleet.engine.http;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class HttpReplyTest {
    @Test
    void anErrorSteersNoTerminalAndIsNotLong() {
        var body = HttpReply.error(400, "no unit \"\u001b[31m\u009b\u202e\n\"" + "x".repeat(1_000_000))
                .body()
                .toStringUtf8()
                .strip();
        assertThat(body.codePoints())
                .noneMatch(character ->
                        Character.isISOControl(character) || Character.getType(character) == Character.FORMAT);
        assertThat(body).contains("no unit").contains("(cut, ").hasSizeLessThan(1_500);
    }
}
