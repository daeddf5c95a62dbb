package io.raftfleet.engine.server;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.LoggerContext;
import io.raftfleet.settings.SettingsException;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.concurrent.CountDownLatch;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine;

/** Runs an engine until it is told to stop. */
public final class EngineMain {
    private static final Logger log = LoggerFactory.getLogger("io.raftfleet.engine");
    private static final int USAGE = 2;

    private EngineMain() {}

    /**
     * Runs an engine with these arguments and the process' environment.
     *
     * @return the process' exit code: 0 after an orderly stop, 1 when it could not start or go on, 2 for wrong arguments
     */
    public static int run(String... args) {
        var options = new EngineOptions();
        var commandLine = new CommandLine(options);
        try {
            var parsed = commandLine.parseArgs(args);
            if (CommandLine.printHelpIfRequested(parsed)) {
                return 0;
            }
        } catch (CommandLine.ParameterException e) {
            System.err.println("fleet-engine: " + e.getMessage());
            CommandLine.UnmatchedArgumentException.printSuggestions(e, System.err);
            System.err.println("See fleet-engine --help.");
            return USAGE;
        }
        EngineConfig config;
        try {
            config = options.resolve(System.getenv());
        } catch (SettingsException | IllegalArgumentException e) {
            System.err.println("fleet-engine: " + e.getMessage());
            return USAGE;
        }
        setLevel("io.raftfleet", Level.toLevel(config.verbosity().name()));
        return run(config);
    }

    private static int run(EngineConfig config) {
        var stopped = new CountDownLatch(1);
        try (var engine = new Engine(config)) {
            engine.start();
            var main = Thread.currentThread();
            Runtime.getRuntime().addShutdownHook(new Thread(() -> {
                main.interrupt();
                try {
                    stopped.await();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            }));
            System.out.println("ready engine=" + config.engineId() + " http=" + printable(config.http()) + " grpc="
                    + printable(config.grpc()));
            System.out.flush();
            var failure = engine.awaitFailure();
            log.error("engine {} can't go on: {}", config.engineId(), String.valueOf(failure));
            // While it closes Ratis refuses, each with a stack trace, what others still send: that buries the reason.
            setLevel("org.apache.ratis", Level.OFF);
            return 1;
        } catch (IOException | IllegalArgumentException | IllegalStateException e) {
            System.err.println("fleet-engine: " + e.getMessage());
            log.debug("the engine could not start", e);
            return 1;
        } catch (InterruptedException e) {
            log.info("engine {} was told to stop", config.engineId());
            return 0;
        } finally {
            stopped.countDown();
        }
    }

    private static String printable(InetSocketAddress address) {
        return address.getHostString() + ":" + address.getPort();
    }

    private static void setLevel(String logger, Level level) {
        if (LoggerFactory.getILoggerFactory() instanceof LoggerContext context) {
            context.getLogger(logger).setLevel(level);
        }
    }
}
