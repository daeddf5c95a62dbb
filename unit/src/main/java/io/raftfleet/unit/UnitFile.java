package io.raftfleet.unit;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * A unit file in the form that is stored, hashed and given to systemd: go-systemd's serialisation, sections in order of
 * first appearance, one {@code Name=Value} a line, a blank line between sections; no empty sections, and no comments but those between
 * the lines of a value. It is read as systemd reads it; a file that go-systemd reads alike has the hash that fleet shows.
 *
 * <p>Holds the text alone, since a registry holds a million of these; {@link #options()} and {@link #values} read it
 * anew in time linear in its length (some microseconds), so keep their results rather than call them in loops.
 *
 * <p>Immutable. Files are equal when their texts are.
 */
public final class UnitFile {
    private final String text;

    /** Computed on first use. Threads that race compute equal values. */
    private @Nullable UnitHash hash;

    private UnitFile(String text) {
        this.text = text;
    }

    /**
     * Reads a unit file as systemd does.
     *
     * @throws InvalidUnitException if systemd would refuse it, or pass over a part of it with a warning ({@link UnitLexer}), or it has
     *     characters that UTF-8 can't express (lone surrogates); the field is the line, the unit's name is left empty
     */
    public static UnitFile parse(String text) throws InvalidUnitException {
        int lone = Text.loneSurrogate(text, 0);
        if (lone >= 0) {
            throw new InvalidUnitException(
                    "",
                    "line "
                            + (1
                                    + text.substring(0, lone)
                                            .chars()
                                            .filter(c -> c == '\n')
                                            .count()),
                    "half a surrogate pair, which is no character; take it out");
        }
        return new UnitFile(serialize(UnitLexer.read(text)));
    }

    /**
     * A file as a registry, or an agent's directory, holds it: it is not read, whichever version wrote it, so that it keeps its hash.
     * {@link #options()} has what this version makes of it.
     */
    public static UnitFile stored(String text) {
        return new UnitFile(text);
    }

    /**
     * The file with these options. What they are is decided by reading their serialised form, as systemd will: white
     * space around a value is lost, and a newline in one ends it. When that form can't be read, {@link #options()} has what comes
     * before the fault, and {@link Units#validate} refuses the file.
     */
    public static UnitFile of(List<UnitOption> options) {
        String text = Text.wellFormed(serialize(options));
        try {
            return new UnitFile(serialize(UnitLexer.read(text)));
        } catch (InvalidUnitException unreadable) {
            return new UnitFile(text);
        }
    }

    /**
     * The file with exactly these options: {@link #of}, if it reads back as it was meant, but for white space around values.
     *
     * @throws InvalidUnitException naming the first option that would become another one, or none: by a line break that is not
     *     continued, a backslash at its end, half a surrogate pair, a character that ends its name or its section, or begins a comment;
     *     the unit's name is left empty
     */
    public static UnitFile exactly(List<UnitOption> options) throws InvalidUnitException {
        UnitFile file = of(options);
        List<UnitOption> meant = options.stream()
                .collect(Collectors.groupingBy(UnitOption::section, LinkedHashMap::new, Collectors.toList()))
                .values()
                .stream()
                .flatMap(List::stream)
                .toList();
        List<UnitOption> written = UnitLexer.readUntilFault(file.text);
        for (int i = 0; i < meant.size(); i++) {
            if (i >= written.size() || !same(meant.get(i), written.get(i)) || continues(meant.get(i))) {
                UnitOption option = meant.get(i);
                throw new InvalidUnitException(
                        "",
                        "[" + shown(option.section()) + "] " + shown(option.name()),
                        "a unit file can't hold it as it is, but would have another option instead: look for line"
                                + " breaks, a backslash at the end, and brackets, \"=\" or \"#\" in its section or name");
            }
        }
        return file;
    }

    private static boolean same(UnitOption meant, UnitOption written) {
        return meant.section().equals(written.section())
                && meant.name().equals(written.name())
                && UnitLexer.trim(meant.value().replace("\r\n", "\n")).equals(UnitLexer.trim(written.value()));
    }

    /** Also of the last option, where nothing follows yet that would become a part of it. */
    private static boolean continues(UnitOption option) {
        return UnitLexer.isContinued(option.value());
    }

    private static String shown(String text) {
        return SafeText.cut(SafeText.escape(text), 80);
    }

    private static String serialize(List<UnitOption> options) {
        Map<String, List<UnitOption>> sections = new LinkedHashMap<>();
        for (UnitOption option : options) {
            sections.computeIfAbsent(option.section(), section -> new ArrayList<>())
                    .add(option);
        }
        StringBuilder text = new StringBuilder(512);
        sections.forEach((section, lines) -> {
            if (!text.isEmpty()) {
                text.append('\n');
            }
            text.append('[').append(section).append("]\n");
            for (UnitOption line : lines) {
                text.append(line.name()).append('=').append(line.value()).append('\n');
            }
        });
        return text.toString();
    }

    /** All options, those of one section together, in the file's order otherwise. */
    public List<UnitOption> options() {
        return List.copyOf(UnitLexer.readUntilFault(text));
    }

    /**
     * {@link #options()} of a file that can be read.
     *
     * @throws InvalidUnitException if it was made of options and can't be read back
     */
    List<UnitOption> readBack() throws InvalidUnitException {
        return UnitLexer.read(text);
    }

    /** The values of one option as systemd reads them, in the order of their lines; empty when there is none. */
    public List<String> values(String section, String name) {
        return UnitLexer.readUntilFault(text).stream()
                .filter(option ->
                        option.section().equals(section) && option.name().equals(name))
                .map(option -> UnitLexer.unfold(option.value()))
                .toList();
    }

    /** The first {@code Description} in {@code [Unit]}. */
    public Optional<String> description() {
        return values("Unit", "Description").stream().findFirst();
    }

    /** True for a file without a single option. */
    public boolean isEmpty() {
        return text.isEmpty();
    }

    /** What is stored, hashed and given to systemd. */
    public String text() {
        return text;
    }

    /** SHA-1 of {@link #text()} in UTF-8. */
    public UnitHash hash() {
        UnitHash known = hash;
        if (known == null) {
            known = UnitHash.ofText(text);
            hash = known;
        }
        return known;
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof UnitFile file && text.equals(file.text);
    }

    @Override
    public int hashCode() {
        return text.hashCode();
    }

    /** {@link #text()}. */
    @Override
    public String toString() {
        return text;
    }
}
