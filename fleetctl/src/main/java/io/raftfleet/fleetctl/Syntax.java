package io.raftfleet.fleetctl;

import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.IGetter;
import picocli.CommandLine.Model.ISetter;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;
import picocli.CommandLine.Range;

/**
 * What a command is called, says of itself, and takes, for picocli, in code. With annotations Java generates a class for each kind of
 * them, and code to set fields, in every process anew: some 75 ms of each command (docs/decisions/0007-start-up-caches.md).
 *
 * <p>A setter is called with what was given, what a variable says ({@link EnvironmentDefaults}), or the initial or default value of
 * the flag, if it has one; a field keeps what it was made with otherwise. Not thread-safe.
 */
final class Syntax {
    private static final String YES = "true";

    private final CommandSpec spec;

    /** Adds to this command's options and arguments. */
    Syntax(CommandSpec spec) {
        this.spec = spec;
        spec.usageMessage().abbreviateSynopsis(true).synopsisSubcommandLabel("COMMAND");
    }

    /** What a command takes: nothing yet. */
    static CommandSpec of(Callable<Integer> command) {
        return CommandSpec.wrapWithoutInspection(command);
    }

    /** @param description the first line is that of lists of commands */
    Syntax command(String name, String... description) {
        spec.name(name);
        spec.usageMessage().description(description);
        return this;
    }

    /** In no list of commands. */
    Syntax hidden() {
        spec.usageMessage().hidden(true);
        return this;
    }

    void add(OptionSpec.Builder option) {
        spec.addOption(option.build());
    }

    /** One that may not be missing has an arity of at least 1, which is that of those of which nothing is said. */
    void add(PositionalParamSpec.Builder argument) {
        Range arity = argument.arity();
        spec.addPositional(argument.required(arity == null || arity.min() > 0).build());
    }

    /** {@code --help}, which every command has. */
    static OptionSpec.Builder help() {
        return OptionSpec.builder("-h", "--h", "--help")
                .type(boolean.class)
                .usageHelp(true)
                .description("Print usage information and exit");
    }

    /** A flag that takes no value. */
    static OptionSpec.Builder flag(Consumer<Boolean> setter, String... names) {
        return value(boolean.class, setter, names);
    }

    /** A flag as those of fleet are: {@code --flag} is {@code --flag=true}. */
    static OptionSpec.Builder yesOrNo(Consumer<Boolean> setter, String... names) {
        return flag(setter, names).arity("0..1").fallbackValue(YES).paramLabel("true|false");
    }

    /** A flag with a value. */
    static <T> OptionSpec.Builder value(Class<T> type, Consumer<T> setter, String... names) {
        return option(type, setter, names);
    }

    /** A flag whose values add up. */
    static OptionSpec.Builder strings(Consumer<List<String>> setter, String... names) {
        return option(List.class, setter, names).auxiliaryTypes(String.class);
    }

    /** The same where it does not count how often and in which order. */
    static OptionSpec.Builder stringSet(Consumer<Set<String>> setter, String... names) {
        return option(Set.class, setter, names).auxiliaryTypes(String.class);
    }

    /** One argument. */
    static <T> PositionalParamSpec.Builder argument(Class<T> type, Consumer<T> setter) {
        return positional(type, setter);
    }

    /** Any number of arguments. */
    static PositionalParamSpec.Builder arguments(Consumer<List<String>> setter) {
        return positional(List.class, setter).auxiliaryTypes(String.class);
    }

    private static OptionSpec.Builder option(Class<?> type, Consumer<?> setter, String... names) {
        var binding = new Binding<>(setter);
        return OptionSpec.builder(names).type(type).getter(binding).setter(binding);
    }

    private static PositionalParamSpec.Builder positional(Class<?> type, Consumer<?> setter) {
        var binding = new Binding<>(setter);
        return PositionalParamSpec.builder().type(type).getter(binding).setter(binding);
    }

    /** Remembers what was set, since a list grows value by value. */
    private static final class Binding<T> implements IGetter, ISetter {
        private final Consumer<T> setter;
        private @Nullable Object value;

        Binding(Consumer<T> setter) {
            this.setter = setter;
        }

        @Override
        @SuppressWarnings({"unchecked", "TypeParameterUnusedInFormals"
        }) // picocli's: it takes what the type of the flag says
        public <V> @Nullable V get() {
            return (V) value;
        }

        @Override
        @SuppressWarnings("unchecked")
        public <V> @Nullable V set(@Nullable V given) {
            Object before = value;
            value = given;
            if (given != null) {
                setter.accept((T) given);
            }
            return (V) before;
        }
    }
}
