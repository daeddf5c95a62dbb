package io.raftfleet.agent.main;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.LoggerContext;
import io.raftfleet.agent.session.SessionConfig;
import java.io.IOException;
import java.io.PrintStream;
import java.security.SecureRandom;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine;
import picocli.CommandLine.ParameterException;

/**
 * The agent's daemon. Ends with 0 after SIGTERM, 2 for a configuration that can't be used, 1 for what keeps it from running.
 * Units keep running however it ends.
 */
public final class FleetAgent {
    private static final Logger log = LoggerFactory.getLogger(FleetAgent.class);
    private static final long END_LIMIT_SECONDS = 3;

    private FleetAgent() {}

    /** Runs until SIGTERM, or until it can't. */
    public static void main(String[] arguments) {
        AgentOptions options = new AgentOptions();
        CommandLine commandLine = new CommandLine(options);
        AgentConfig config;
        try {
            commandLine.parseArgs(arguments);
            if (CommandLine.printHelpIfRequested(commandLine.getParseResult())) {
                return;
            }
            config = options.resolve(System.getenv());
        } catch (ParameterException | ConfigException e) {
            System.err.println("fleet-agent: " + e.getMessage());
            exit(2);
            return;
        }
        logAt(config.verbosity());
        try {
            exit(run(config));
        } catch (IOException | IllegalStateException e) {
            log.error("the agent can't run: {}", e.getMessage());
            log.debug("in detail", e);
            exit(1);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            exit(1);
        }
    }

    private static int run(AgentConfig config) throws IOException, InterruptedException {
        CountDownLatch end = new CountDownLatch(1);
        AtomicReference<String> fatal = new AtomicReference<>();
        CountDownLatch ended = new CountDownLatch(1);
        Thread hook = new Thread(
                () -> {
                    end.countDown();
                    try {
                        boolean inTime = ended.await(END_LIMIT_SECONDS + 1, TimeUnit.SECONDS);
                        log.debug("ended in order: {}", inTime);
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt();
                    }
                },
                "end");
        Runtime.getRuntime().addShutdownHook(hook);
        try (AgentProcess process = AgentProcess.start(config, sessionConfig(config), reason -> {
            fatal.compareAndSet(null, reason);
            end.countDown();
        })) {
            log.info(
                    "fleet-agent {} with {} machine(s), engines {}",
                    VersionProvider.version(),
                    process.machines().size(),
                    config.engines());
            end.await();
            endSessions(process.machines());
        } finally {
            ended.countDown();
        }
        String reason = fatal.get();
        if (reason != null) {
            log.error("the agent ends: {}", reason);
            return 1;
        }
        log.info("the agent ends; units keep running");
        return 0;
    }

    private static SessionConfig sessionConfig(AgentConfig config) {
        return new SessionConfig(
                config.machineId(),
                config.publicIp(),
                Map.copyOf(config.metadata()),
                VersionProvider.version(),
                new SecureRandom().nextLong(),
                SessionConfig.Limits.DEFAULT);
    }

    private static void endSessions(List<Machine> machines) throws InterruptedException {
        CompletableFuture<?>[] ends = machines.stream().map(Machine::stop).toArray(CompletableFuture<?>[]::new);
        try {
            CompletableFuture.allOf(ends).get(END_LIMIT_SECONDS, TimeUnit.SECONDS);
        } catch (TimeoutException | java.util.concurrent.ExecutionException e) {
            log.warn("not every session could be ended in order within {} s", END_LIMIT_SECONDS);
        }
    }

    private static void logAt(int verbosity) {
        if (LoggerFactory.getILoggerFactory() instanceof LoggerContext context) {
            Level level = verbosity == 0 ? Level.INFO : verbosity == 1 ? Level.DEBUG : Level.TRACE;
            context.getLogger("io.raftfleet").setLevel(level);
        }
    }

    /** Not from within the shutdown hook's reach: by then the process is ending with the signal's own code. */
    private static void exit(int code) {
        PrintStream err = System.err;
        err.flush();
        if (code != 0) {
            Runtime.getRuntime().halt(code);
        }
    }
}
