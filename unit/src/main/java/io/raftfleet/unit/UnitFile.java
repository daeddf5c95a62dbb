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
 * first appearance, one {@code Name=Value} a line, a blank line between sections; no comments, no empty sections.
 *
 * <p>Holds the text alone, since a registry holds a million of these; {@link #options()} and {@link #values} read it
 * anew in time linear in its length (some microseconds), so keep their results rather than call them in loops.
 *
 * <p>The text keeps its form when it is read and written again, and so does the hash. go-systemd's own output does not
 * always: a value that ends in a backslash swallows the next line when read back. fleet stores the first form, reads it
 * back and shows the hash of the second; the file here is what that settles to.
 *
 * <p>Immutable. Files are equal when their texts are.
 */
public final class UnitFile {
    /** Reading back settles after two rounds; more means a flaw in the reader. */
    private static final int MAX_ROUNDS = 4;

    private final String text;

    /** Computed on first use. Threads that race compute equal values. */
    private @Nullable UnitHash hash;

    private UnitFile(String text) {
        this.text = text;
    }

    /**
     * Reads a unit file as go-systemd does: it accepts and refuses the same files. Characters that UTF-8 can't express
     * (lone surrogates) become U+FFFD.
     *
     * @throws InvalidUnitException if a section header doesn't end or has other text behind it, a line lacks its
     *     {@code =} or is too long for systemd; the field is the line, the unit's name is left empty
     */
    public static UnitFile parse(String text) throws InvalidUnitException {
        String wellFormed = Text.wellFormed(text);
        return settle(wellFormed, serialize(UnitLexer.read(wellFormed)));
    }

    /**
     * The file with these options. What they are is decided by reading their serialised form, as systemd will: white
     * space around a value is lost, and a newline in one ends it. When that form can't be read (or, once settled, read
     * again), {@link #options()} has what comes before the fault, and {@link Units#validate} refuses the file.
     */
    public static UnitFile of(List<UnitOption> options) {
        String text = Text.wellFormed(serialize(options));
        try {
            return settle(text, serialize(UnitLexer.read(text)));
        } catch (InvalidUnitException unreadable) {
            return new UnitFile(text);
        }
    }

    /**
     * The file with exactly these options: {@link #of}, if it reads back as it was meant, but for white space around values.
     *
     * @throws InvalidUnitException naming the first option that would become another one, or none: by a line break that is not
     *     continued, a backslash at its end, a character that ends its name or its section, or begins a comment; the unit's
     *     name is left empty
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
                if (i >= written.size() && isLong(option)) {
                    UnitLexer.read(file.text); // says which line is too long
                }
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
                && Text.trim(Text.wellFormed(meant.value())).equals(Text.trim(written.value()));
    }

    /** Also of the last option, where nothing follows yet that would become a part of it. */
    private static boolean continues(UnitOption option) {
        return option.value().endsWith("\\");
    }

    private static boolean isLong(UnitOption option) {
        return option.name().length() + 1 + option.value().length() >= UnitLexer.LINE_MAX;
    }

    private static String shown(String text) {
        return SafeText.cut(SafeText.escape(text), 80);
    }

    private static UnitFile settle(String first, String second) throws InvalidUnitException {
        String before = first;
        String text = second;
        for (int round = 0; !text.equals(before); round++) {
            if (round == MAX_ROUNDS) {
                throw new InvalidUnitException("", "contents", "they change each time they are written and read");
            }
            before = text;
            text = serialize(UnitLexer.read(text));
        }
        return new UnitFile(text);
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
     * {@link #options()} of a file that keeps its form.
     *
     * @throws InvalidUnitException if it was made of options and can't be read back, or not a second time
     */
    List<UnitOption> readBack() throws InvalidUnitException {
        List<UnitOption> options = UnitLexer.read(text);
        settle(text, serialize(options));
        return options;
    }

    /** The values of one option in the order of their lines; empty when there is none. */
    public List<String> values(String section, String name) {
        return UnitLexer.readUntilFault(text).stream()
                .filter(option ->
                        option.section().equals(section) && option.name().equals(name))
                .map(UnitOption::value)
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
