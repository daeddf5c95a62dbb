package io.raftfleet.engine.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.grpc.StatusRuntimeException;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class PageTokenTest {
    @Test
    void comesBackAsItWent() {
        var token = new PageToken('s', "a@1.service", "0123");
        assertThat(PageToken.decode('s', token.encode())).isEqualTo(token);
        assertThat(PageToken.decode('s', "")).isEqualTo(PageToken.start('s'));
    }

    @Test
    void aMadeUpTokenIsRefused() {
        var token = new PageToken('u', "a.service", "").encode();
        for (var made : List.of("x", "!!", "AAAA", token + "A", token.substring(1), token.replace('a', 'b') + "==")) {
            assertThatThrownBy(() -> PageToken.decode('u', made))
                    .as(made)
                    .isInstanceOf(StatusRuntimeException.class)
                    .hasMessageContaining("INVALID_ARGUMENT");
        }
        assertThatThrownBy(() -> PageToken.decode('m', token)).hasMessageContaining("none of this list");
    }

    @Test
    void noChangedByteGoesUnnoticed() {
        var token = new PageToken('u', "some-unit.service", "");
        long seed = new Random().nextLong();
        var random = new Random(seed);
        for (int i = 0; i < 1000; i++) {
            var text = new StringBuilder(token.encode());
            text.setCharAt(random.nextInt(text.length()), (char) ('A' + random.nextInt(26)));
            PageToken read;
            try {
                read = PageToken.decode('u', text.toString());
            } catch (StatusRuntimeException e) {
                continue;
            }
            assertThat(read).as("seed %d", seed).isEqualTo(token);
        }
    }
}
