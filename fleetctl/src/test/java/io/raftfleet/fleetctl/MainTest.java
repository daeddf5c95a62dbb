package io.raftfleet.fleetctl;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.logging.Level;
import java.util.logging.Logger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class MainTest {
    private static final Logger ROOT = Logger.getLogger("");
    private final Level before = ROOT.getLevel();

    @AfterEach
    void undo() {
        ROOT.setLevel(before);
    }

    @Test
    void librariesDoNotWriteToTheTerminal() {
        var library = Logger.getLogger("io.grpc.netty.NettyClientHandler");
        assertThat(library.isLoggable(Level.WARNING)).isTrue();
        Main.quietLibraries();
        assertThat(library.isLoggable(Level.SEVERE)).isFalse();
    }
}
