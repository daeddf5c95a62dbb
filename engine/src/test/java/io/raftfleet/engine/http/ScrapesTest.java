package io.raftfleet.engine.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class ScrapesTest {
    private final AtomicInteger begun = new AtomicInteger();

    @Test
    void thoseWhoAskDuringAScrapeShareTheNextOne() throws Exception {
        var first = new CountDownLatch(1);
        var go = new CountDownLatch(1);
        var scrapes = new Scrapes(() -> {
            int number = begun.incrementAndGet();
            if (number == 1) {
                first.countDown();
                try {
                    go.await();
                } catch (InterruptedException e) {
                    throw new IllegalStateException(e);
                }
            }
            return ByteString.copyFromUtf8(String.valueOf(number));
        });
        var one = scrapes.next();
        assertThat(first.await(30, TimeUnit.SECONDS)).isTrue();
        var two = scrapes.next();
        var three = scrapes.next();
        go.countDown();
        assertThat(one.get(30, TimeUnit.SECONDS).toStringUtf8()).isEqualTo("1");
        assertThat(two.get(30, TimeUnit.SECONDS).toStringUtf8()).isEqualTo("2");
        assertThat(three.get(30, TimeUnit.SECONDS).toStringUtf8()).isEqualTo("2");
        assertThat(begun).hasValue(2);
    }

    @Test
    void aScrapeThatFailsFailsForThoseWhoAskedAndNoOthers() throws Exception {
        var scrapes = new Scrapes(() -> {
            if (begun.incrementAndGet() == 1) {
                throw new IllegalStateException("bug");
            }
            return ByteString.copyFromUtf8("fine");
        });
        assertThatThrownBy(() -> scrapes.next().get(30, TimeUnit.SECONDS)).hasRootCauseMessage("bug");
        assertThat(scrapes.next().get(30, TimeUnit.SECONDS).toStringUtf8()).isEqualTo("fine");
    }
}
