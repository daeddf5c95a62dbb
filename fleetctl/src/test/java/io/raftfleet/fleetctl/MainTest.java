package io.raftfleet.fleetctl;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.logging.Level;
import java.util.logging.LogManager;
import java.util.logging.Logger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class MainTest {
    private static final LogManager MANAGER = LogManager.getLogManager();

    @AfterEach
    void undo() throws IOException {
        System.clearProperty("java.util.logging.config.class");
        MANAGER.readConfiguration();
    }

    @Test
    void librariesDoNotWriteToTheTerminal() throws IOException {
        var library = Logger.getLogger("io.grpc.netty.NettyClientHandler");
        assertThat(library.isLoggable(Level.WARNING)).isTrue();
        Main.settleLibraries();
        MANAGER.readConfiguration(); // As happens when something logs for the first time.
        assertThat(library.isLoggable(Level.SEVERE)).isFalse();
    }
}
