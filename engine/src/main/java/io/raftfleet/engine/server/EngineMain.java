package io.raftfleet.engine.server;

import ch.qos.logback.classic.Level;
import com.google.common.net.HostAndPort;
import io.raftfleet.settings.CollectionWatch;
import io.raftfleet.settings.Daemon;
import io.raftfleet.settings.Flags;
import io.raftfleet.settings.LiveSettings;
import io.raftfleet.settings.Settings;
import io.raftfleet.settings.SettingsException;
import io.raftfleet.settings.Verbosity;
import io.raftfleet.settings.log.JavaLogging;
import io.raftfleet.settings.service.ServiceManager;
import io.raftfleet.settings.service.Watchdog;
import io.raftfleet.state.raft.EnginePeer;
import io.raftfleet.state.raft.RegistryTooLargeException;
import io.raftfleet.state.raft.StartRefusedException;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.nio.charset.Charset;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine;

/** Runs an engine until it is told to stop. */
public final class EngineMain {
    private static final Logger log = LoggerFactory.getLogger("io.raftfleet.engine");
    private static final int USAGE = 2;
    private static final int TOO_LARGE = 10;
    private static final int STUCK = 12;
    private static final int REFUSED = 13;
    /** An orderly stop takes a few seconds. */
    private static final Duration STOP_LIMIT = Duration.ofSeconds(20);

    private EngineMain() {}

    /**
     * Runs an engine with these arguments and the process' environment. SIGHUP has it read its settings again.
     *
     * @return the process' exit code: 0 after an orderly stop, 1 when it could not start or go on, 2 for wrong arguments, 10
     *     when its heap has no room for its registry, 13 when it refuses to start or go on until somebody does something about
     *     it ({@link StartRefusedException}). Besides, the Java machine ends by itself with 3 when it is out of memory, 11
     *     when it only collects garbage ({@link CollectionWatch}), and 12 when it does not come to its end within 20 seconds
     */
    public static int run(String... args) {
        var recover = new RecoverCommand();
        var init = new InitCommand();
        var join = new JoinCommand();
        var restore = new RestoreCommand();
        var commandLine = commandLine(recover, init, join, restore);
        CommandLine.ParseResult parsed;
        try {
            parsed = commandLine.parseArgs(args);
            if (CommandLine.printHelpIfRequested(parsed)) {
                return 0;
            }
            if (parsed.hasSubcommand()) {
                return switch (parsed.subcommand().commandSpec().name()) {
                    case "init" -> begin("init", init.steps.config, () -> init.run(System.getenv()));
                    case "join" -> begin("join", join.steps.config, join::run);
                    case "restore" -> begin("restore", restore.config, () -> restore.run(System.getenv()));
                    default -> run(recover);
                };
            }
        } catch (CommandLine.ParameterException e) {
            System.err.println("fleet-engine: " + e.getMessage());
            CommandLine.UnmatchedArgumentException.printSuggestions(e, System.err);
            System.err.println("See fleet-engine --help.");
            return USAGE;
        }
        LiveSettings live;
        EngineConfig config;
        try {
            var settings = Flags.read(Daemon.ENGINE, parsed, System.getenv());
            if (Flags.printsOnly(parsed)) {
                Flags.print(settings);
            }
            config = EngineOptions.resolve(settings);
            if (Flags.printsOnly(parsed)) {
                return 0;
            }
            config.logFormat().apply();
            JavaLogging.toLogback();
            Verbosity.apply(config.verbosity());
            live = new LiveSettings(
                    settings, () -> Flags.read(Daemon.ENGINE, parsed, System.getenv()), EngineMain::apply);
        } catch (SettingsException | IllegalArgumentException e) {
            System.err.println("fleet-engine: " + e.getMessage());
            return USAGE;
        } catch (UncheckedIOException e) {
            System.err.println("fleet-engine: " + e.getMessage());
            return 1;
        }
        live.reloadOnHangup();
        CollectionWatch.start("fleet-engine");
        return run(config);
    }

    private static void apply(Settings next) throws SettingsException {
        try {
            Verbosity.apply(EngineOptions.resolve(next).verbosity());
        } catch (UncheckedIOException e) {
            throw new SettingsException(String.valueOf(e.getMessage()), e);
        }
    }

    /** Whom this engine can't reach by name is told at once; it is looked up again whenever it is needed. */
    private static void lookUp(List<EnginePeer> engines) {
        for (var engine : engines) {
            var host = HostAndPort.fromString(engine.raftAddress()).getHost();
            try {
                var unused = InetAddress.getByName(host);
            } catch (UnknownHostException e) {
                log.warn("no address is known now for {}, which peers has for engine {}", host, engine.id());
            }
        }
    }

    /** What it takes, for who writes about that. */
    public static CommandLine commandLine() {
        return commandLine(new RecoverCommand(), new InitCommand(), new JoinCommand(), new RestoreCommand());
    }

    private static CommandLine commandLine(
            RecoverCommand recover, InitCommand init, JoinCommand join, RestoreCommand restore) {
        return Flags.commandLine(
                        Daemon.ENGINE,
                        new EngineVersion(),
                        "One of the engines that keep a fleet cluster's registry and decide what runs where.")
                .addSubcommand(recover)
                .addSubcommand(init)
                .addSubcommand(join)
                .addSubcommand(restore);
    }

    @FunctionalInterface
    private interface FirstStep {
        boolean take() throws IOException;
    }

    private static int begin(String command, Path config, FirstStep first) {
        try {
            return first.take() ? run("--config", config.toString()) : 0;
        } catch (IOException | IllegalArgumentException e) {
            System.err.println("fleet-engine " + command + ": " + e.getMessage());
            return 1;
        }
    }

    /** A thread that ends of an exception says so in the log; of an {@link Error}, as out of memory, it takes all with it. */
    private static void endOnErrors() {
        Thread.setDefaultUncaughtExceptionHandler((thread, fault) -> {
            log.error("thread {} failed{}", thread.getName(), fault instanceof Error ? ", the engine ends" : "", fault);
            if (fault instanceof Error) {
                Runtime.getRuntime().halt(1);
            }
        });
    }

    private static int run(EngineConfig config) {
        endOnErrors();
        var stopped = new CountDownLatch(1);
        var systemd = ServiceManager.of(System.getenv());
        Thread.ofVirtual().name("look-up").start(() -> lookUp(config.peers()));
        try (var engine = new Engine(config)) {
            engine.start();
            var main = Thread.currentThread();
            Runtime.getRuntime().addShutdownHook(new Thread(() -> {
                systemd.stopping();
                limitStop(config);
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
            systemd.ready();
            engine.watchedBy(Watchdog.start(systemd, System.getenv(), engine.parts()));
            var failure = engine.awaitFailure();
            limitStop(config);
            log.error("engine {} can't go on: {}", config.engineId(), String.valueOf(failure));
            // While it closes Ratis refuses, each with a stack trace, what others still send: that buries the reason.
            Verbosity.set("org.apache.ratis", Level.OFF);
            return exitCode(failure);
        } catch (IOException | IllegalArgumentException | IllegalStateException e) {
            var reason = reason(e);
            System.err.println("fleet-engine: " + (reason == null ? e : reason).getMessage());
            log.debug("the engine could not start", e);
            return exitCode(e);
        } catch (InterruptedException e) {
            log.info("engine {} was told to stop", config.engineId());
            return 0;
        } finally {
            stopped.countDown();
        }
    }

    /** From now on the process ends by itself, whatever hangs. */
    private static void limitStop(EngineConfig config) {
        Thread.ofPlatform().daemon().name("stop-limit").start(() -> {
            try {
                Thread.sleep(STOP_LIMIT);
            } catch (InterruptedException e) {
                // Nobody does that: as good as over.
            }
            System.err.println("fleet-engine: engine " + config.engineId() + " has not stopped within "
                    + STOP_LIMIT.toSeconds() + " s and ends at once; what it acknowledged is on the disk");
            Runtime.getRuntime().halt(STUCK);
        });
    }

    private static int run(RecoverCommand recover) {
        Verbosity.set("io.raftfleet", Level.WARN);
        Verbosity.set("org.apache.ratis", Level.ERROR);
        try {
            recover.run(System.getenv(), new PrintWriter(System.out, true, Charset.defaultCharset()));
            return 0;
        } catch (SettingsException e) {
            System.err.println("fleet-engine recover: " + e.getMessage());
            return USAGE;
        } catch (IOException e) {
            System.err.println("fleet-engine recover: " + e.getMessage());
            return e instanceof RegistryTooLargeException ? TOO_LARGE : 1;
        }
    }

    private static int exitCode(@Nullable Throwable failure) {
        var reason = reason(failure);
        if (reason instanceof RegistryTooLargeException) {
            return TOO_LARGE;
        }
        return reason instanceof StartRefusedException ? REFUSED : 1;
    }

    /** Of what was thrown, perhaps through Ratis, what says why this engine does not start. */
    private static @Nullable Throwable reason(@Nullable Throwable failure) {
        for (var cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof RegistryTooLargeException || cause instanceof StartRefusedException) {
                return cause;
            }
        }
        return null;
    }

    private static String printable(InetSocketAddress address) {
        return address.getHostString() + ":" + address.getPort();
    }
}
