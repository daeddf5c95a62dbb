package io.raftfleet.bench.hot;

import io.raftfleet.unit.InvalidUnitException;
import io.raftfleet.unit.Requirements;
import io.raftfleet.unit.UnitFile;
import io.raftfleet.unit.UnitHash;
import io.raftfleet.unit.Units;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** The time to read a unit's file, as an engine does for each that is submitted: parsed, hashed, checked, and what it asks of machines. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(value = 1, jvmArgsAppend = "-XX:+UseSerialGC")
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class ParsingBenchmark {
    private static final String NAME = "web@17.service";
    private static final String SHORT = "[Service]\nExecStart=/bin/true\n";
    private static final String USUAL = """
            # A web server in a container.
            [Unit]
            Description=Web server %i
            After=network-online.target
            Wants=network-online.target

            [Service]
            Environment=PORT=80%i
            EnvironmentFile=-/etc/web.env
            ExecStartPre=-/usr/bin/podman rm -f web-%i
            ExecStart=/usr/bin/podman run --name web-%i \\
                --publish ${PORT}:8080 \\
                registry.example/web:1.2.3
            ExecStop=/usr/bin/podman stop web-%i
            Restart=always
            RestartSec=5

            [X-Fleet]
            MachineMetadata=disk=ssd
            MachineMetadata="zone=a" "zone=b"
            Conflicts=%p@*.service
            """;

    /** Which file. */
    public enum File {
        /** Two lines. */
        SHORT,
        /** Some twenty. */
        USUAL
    }

    /** Which file is read. */
    @Param
    public File file = File.SHORT;

    /** Parses it. */
    @Benchmark
    public UnitFile parse() throws InvalidUnitException {
        return UnitFile.parse(text());
    }

    /** All that is done with it before anything is decided. */
    @Benchmark
    public Object readWhole() throws InvalidUnitException {
        var parsed = UnitFile.parse(text());
        Units.validate(NAME, parsed);
        UnitHash hash = parsed.hash();
        return new Object[] {hash, Requirements.of(NAME, parsed)};
    }

    private String text() {
        return file == File.SHORT ? SHORT : USUAL;
    }
}
