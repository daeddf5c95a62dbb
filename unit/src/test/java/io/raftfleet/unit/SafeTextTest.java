package io.raftfleet.unit;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class SafeTextTest {
    @Test
    void shortTextStaysAndLongTextIsCutWithAMark() {
        assertThat(SafeText.cut("short", 64)).isEqualTo("short");
        assertThat(SafeText.cut("x".repeat(64), 64)).isEqualTo("x".repeat(64));
        assertThat(SafeText.cut("x".repeat(100), 64))
                .startsWith("xxxx")
                .endsWith("… (cut, 100 bytes)")
                .hasSizeLessThanOrEqualTo(64);
    }

    @Test
    void noCharacterIsCutInTwo() {
        for (String character : new String[] {"a", "é", "€", "😀"}) {
            for (int before = 0; before < 5; before++) {
                String text = "x".repeat(before) + character.repeat(100);
                String cut = SafeText.cut(text, 80);
                byte[] bytes = cut.getBytes(StandardCharsets.UTF_8);
                assertThat(bytes.length).isLessThanOrEqualTo(80);
                assertThat(new String(bytes, StandardCharsets.UTF_8)).isEqualTo(cut);
                assertThat(SafeText.bytes(text)).isEqualTo(text.getBytes(StandardCharsets.UTF_8).length);
            }
        }
    }

    @Test
    void whatActsIsEscapedAndWhatShowsIsNot() {
        assertThat(SafeText.escape("größe 10 € 😀")).isEqualTo("größe 10 € 😀");
        assertThat(SafeText.escape("a\nb\r\t\u001b[31m\u0000\u007f\u009b"))
                .isEqualTo("a\\nb\\r\\t\\x1b[31m\\x00\\x7f\\x9b");
        assertThat(SafeText.escape("\u202egnp.exe\u2028\u2066")).isEqualTo("\\u202egnp.exe\\u2028\\u2066");
        assertThat(SafeText.escapeLines("a\n\tb\u001b]0;x\u0007")).isEqualTo("a\n\tb\\x1b]0;x\\x07");
        assertThat(SafeText.isPlain("a b")).isTrue();
        assertThat(SafeText.isPlain("a\nb")).isFalse();
    }
}
