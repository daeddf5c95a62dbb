package io.raftfleet.client;

import io.grpc.ManagedChannel;
import java.time.Duration;
import javax.net.ssl.SSLSocketFactory;
import org.jspecify.annotations.Nullable;

/** A way to an engine that is not reached by gRPC. Calls have no deadline there: what a call is made of, one request after the other, has one each. Thread-safe. */
public interface Gateway extends AutoCloseable {
    /** Where calls go, as they would to an engine. */
    ManagedChannel channel();

    /** Ends what is under way; waits for nothing. */
    @Override
    void close();

    /** Makes gateways. */
    @FunctionalInterface
    interface Opener {
        /**
         * Connects to nothing yet.
         *
         * @param endpoint of a kind other than gRPC
         * @param tls with the client's certificate, which believes engines alone; null for plaintext
         * @param timeout of one request
         */
        Gateway open(Endpoint endpoint, @Nullable SSLSocketFactory tls, Duration timeout);
    }
}
