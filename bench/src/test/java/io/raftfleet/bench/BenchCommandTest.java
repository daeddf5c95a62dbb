package io.raftfleet.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class BenchCommandTest {
    @Test
    void everyBenchmarkTakesTheCommonOptions() {
        for (var command : BenchCommand.commandLine().getSubcommands().values()) {
            assertThat(command.getCommandSpec().optionsMap())
                    .as(command.getCommandName())
                    .containsKey("--help");
            if (!command.getCommandName().equals("report")) {
                assertThat(command.getCommandSpec().optionsMap())
                        .as(command.getCommandName())
                        .containsKeys("--json", "--html", "--rounds", "--warm");
            }
        }
    }

    @Test
    void defaultsAreTheBenchmarksOwn() {
        var parsed = BenchCommand.commandLine()
                .parseArgs("failover", "--fault", "pause")
                .subcommand();
        var command = (FailoverCommand) parsed.commandSpec().userObject();
        assertThat(command.options.rounds).isEqualTo(500);
        assertThat(command.fault).isEqualTo(FailoverCommand.How.PAUSE);
        assertThat(command.changes.election).containsExactly(500, 1000);
    }

    @Test
    void sizesGoUpToTheLargest() {
        assertThat(ScaleCommand.sizes(3_000, 1_000_000)).containsExactly(3_000, 20_000, 100_000, 1_000_000);
        assertThat(ScaleCommand.sizes(300, 600)).containsExactly(300, 600);
        assertThat(ScaleCommand.sizes(3_000, 3_000)).containsExactly(3_000);
    }

    @Test
    void theMedianIsTheLowerOneOfTwo() {
        assertThat(Medians.of(List.of(4.0, 1.0, 3.0, 2.0))).isEqualTo(2.0);
        assertThat(Medians.of(List.of(3.0, 1.0, 2.0))).isEqualTo(2.0);
    }
}
