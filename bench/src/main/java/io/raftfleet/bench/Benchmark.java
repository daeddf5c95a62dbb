package io.raftfleet.bench;

import io.raftfleet.bench.result.Findings;
import io.raftfleet.bench.result.Host;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Arrays;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** One benchmark on real processes: measures, prints, writes. A figure that misses its limit is shown, and is no failure. */
abstract class Benchmark implements Callable<Integer> {
    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private CommandSpec spec;

    @Mixin
    final ReportOptions options;

    /**
     * @param rounds that count, unless told otherwise
     * @param warm rounds before
     */
    Benchmark(int rounds, int warm) {
        this.options = new ReportOptions(rounds, warm);
    }

    /** Runs it. */
    abstract void measure(Findings findings) throws Exception;

    @Override
    public final Integer call() throws Exception {
        var when = Instant.now().truncatedTo(ChronoUnit.SECONDS).toString();
        var findings = new Findings();
        findings.setting("rounds", options.rounds);
        findings.setting("warm", options.warm);
        for (var variable : new String[] {"RAFTFLEET_ENGINE_JAVA_OPTS", "RAFTFLEET_AGENT_JAVA_OPTS"}) {
            findings.setting(variable, options(System.getenv().getOrDefault(variable, "")));
        }
        measure(findings);
        var arguments = spec.root().commandLine().getParseResult().originalArgs();
        options.write(findings.result(spec.name(), Invocation.of(arguments), when, Host.here()));
        return 0;
    }

    /** Without where something is logged, which says nothing to others. */
    static String options(String variable) {
        return Arrays.stream(variable.strip().split("\\s+"))
                .filter(word -> !word.startsWith("-Xlog:"))
                .collect(Collectors.joining(" "));
    }

    /** Tells how far it is. */
    static void say(String format, Object... values) {
        System.err.printf(Locale.ROOT, format + "%n", values);
    }
}
