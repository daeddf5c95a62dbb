package io.raftfleet.agent.main;

import io.raftfleet.agent.session.SessionConfig;
import io.raftfleet.settings.CollectionWatch;
import io.raftfleet.settings.Daemon;
import io.raftfleet.settings.Flags;
import io.raftfleet.settings.LiveSettings;
import io.raftfleet.settings.Settings;
import io.raftfleet.settings.SettingsException;
import io.raftfleet.settings.Verbosity;
import io.raftfleet.settings.log.JavaLogging;
import io.raftfleet.settings.service.Answers;
import io.raftfleet.settings.service.ServiceManager;
import io.raftfleet.settings.service.Watchdog;
import java.io.IOException;
import java.security.SecureRandom;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;

/**
 * The agent's daemon. Ends with 0 after SIGTERM, 2 for a configuration that can't be used, 1 for what keeps it from running, 11
 * when it only collects garbage.
 * Units keep running however it ends. SIGHUP has it read its settings again.
 */
public final class FleetAgent {
    private static final Logger log = LoggerFactory.getLogger(FleetAgent.class);
    private static final long END_LIMIT_SECONDS = 3;

    private FleetAgent() {}

    /** Runs until SIGTERM, or until it can't. Prints "ready" when all its machines are in session. */
    public static void main(String[] arguments) {
        System.exit(start(arguments));
    }

    private static int start(String[] arguments) {
        JoinCommand join = new JoinCommand();
        CommandLine commandLine = commandLine(join);
        ParseResult parsed;
        Settings settings;
        AgentConfig config;
        try {
            parsed = commandLine.parseArgs(arguments);
            if (CommandLine.printHelpIfRequested(parsed)) {
                return 0;
            }
            if (parsed.hasSubcommand()) {
                return join(join);
            }
            settings = Flags.read(Daemon.AGENT, parsed, System.getenv());
            if (Flags.printsOnly(parsed)) {
                Flags.print(settings);
            }
            config = AgentOptions.resolve(settings);
            if (Flags.printsOnly(parsed)) {
                return 0;
            }
        } catch (ParameterException | SettingsException e) {
            System.err.println("fleet-agent: " + e.getMessage());
            return 2;
        }
        config.logFormat().apply();
        JavaLogging.toLogback();
        Verbosity.apply(config.verbosity());
        endOnDefects();
        CollectionWatch.start("fleet-agent");
        try {
            return run(config, settings, () -> Flags.read(Daemon.AGENT, parsed, System.getenv()));
        } catch (IOException | IllegalStateException e) {
            log.error("the agent can't run: {}", e.getMessage());
            log.debug("in detail", e);
            return 1;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return 1;
        }
    }

    /** What it takes, for who writes about that. */
    public static CommandLine commandLine() {
        return commandLine(new JoinCommand());
    }

    private static CommandLine commandLine(JoinCommand join) {
        return Flags.commandLine(
                        Daemon.AGENT, new VersionProvider(), "Runs units on this machine as the cluster orders.")
                .addSubcommand(join);
    }

    private static int join(JoinCommand join) {
        try {
            return join.run() ? start(new String[] {"--config", join.config.toString()}) : 0;
        } catch (IOException e) {
            System.err.println("fleet-agent join: " + e.getMessage());
            return 1;
        }
    }

    private static int run(AgentConfig config, Settings settings, LiveSettings.Source source)
            throws IOException, InterruptedException {
        CountDownLatch end = new CountDownLatch(1);
        AtomicReference<String> fatal = new AtomicReference<>();
        CountDownLatch ended = new CountDownLatch(1);
        AtomicBoolean inOrder = new AtomicBoolean();
        Thread hook = new Thread(
                () -> {
                    end.countDown();
                    try {
                        if (ended.await(END_LIMIT_SECONDS + 2, TimeUnit.SECONDS) && inOrder.get()) {
                            // An end in order is no failure, also when a signal asked for it.
                            Runtime.getRuntime().halt(0);
                        }
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt();
                    }
                },
                "end");
        Runtime.getRuntime().addShutdownHook(hook);
        ServiceManager systemd = ServiceManager.of(System.getenv());
        try (AgentProcess process = AgentProcess.start(config, sessionConfig(config), reason -> {
            fatal.compareAndSet(null, reason);
            end.countDown();
        })) {
            new LiveSettings(settings, source, next -> {
                        AgentConfig changed = AgentOptions.resolve(next);
                        Verbosity.apply(changed.verbosity());
                        process.announce(changed.publicIp(), changed.metadata());
                    })
                    .reloadOnHangup();
            log.info(
                    "fleet-agent {} with {} machine(s), engines {}",
                    VersionProvider.version(),
                    process.machines().size(),
                    config.engines());
            sayReady(process.machines());
            // Not only in session: the agent does its work, keeping units running, without any engine too.
            systemd.ready();
            Watchdog watchdog = Watchdog.start(
                    systemd, System.getenv(), List.of(new Answers("the machine", () -> answers(process))));
            tell(process, config, watchdog);
            end.await();
            systemd.stopping();
            endSessions(process.machines());
            log.info("the agent ends; units keep running");
            inOrder.set(fatal.get() == null);
        } finally {
            ended.countDown();
        }
        String reason = fatal.get();
        if (reason != null) {
            log.error("the agent ends: {}", reason);
            return 1;
        }
        return 0;
    }

    /** Figures are worth no unit: without a port for them the agent does its work all the same. */
    private static void tell(AgentProcess process, AgentConfig config, Watchdog watchdog) {
        try {
            process.tell(config.metrics(), watchdog::stuck);
        } catch (IOException e) {
            log.error("no metrics and no health are told until the agent restarts: {}", e.getMessage());
        }
    }

    /** One line on standard output, for launchers, once every machine is in session. */
    private static void sayReady(List<Machine> machines) {
        CompletionStage<Void> ready = CompletableFuture.allOf(
                machines.stream().map(Machine::firstSession).toArray(CompletableFuture<?>[]::new));
        ready.thenRun(() -> {
            System.out.println("ready");
            System.out.flush();
        });
    }

    private static CompletableFuture<Void> answers(AgentProcess process) {
        return CompletableFuture.allOf(
                process.machines().stream().map(Machine::answers).toArray(CompletableFuture<?>[]::new));
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
        } catch (TimeoutException | ExecutionException e) {
            log.warn("not every session could be ended in order within {} s", END_LIMIT_SECONDS);
        }
    }

    /** A defect that would leave the agent half alive: it ends, to be started again; units run on. */
    private static void endOnDefects() {
        Thread.setDefaultUncaughtExceptionHandler((thread, defect) -> {
            log.error("thread {} failed, the agent ends; please report this", thread.getName(), defect);
            Runtime.getRuntime().halt(1);
        });
    }
}
