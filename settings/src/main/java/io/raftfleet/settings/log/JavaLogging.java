package io.raftfleet.settings.log;

import org.slf4j.bridge.SLF4JBridgeHandler;

/**
 * What libraries log by {@code java.util.logging}, such as gRPC, Ratis' copy of it too. By itself it goes to standard error as it is,
 * a stack trace for each stream that a stranger breaks, with what the stranger sent.
 */
public final class JavaLogging {
    private JavaLogging() {}

    /** From now on it goes where all else does: with {@code logback.xml}'s levels, {@linkplain EscapedMessage escaped}, and limited. */
    public static void toLogback() {
        SLF4JBridgeHandler.removeHandlersForRootLogger();
        SLF4JBridgeHandler.install();
    }
}
