package io.raftfleet.identity.join;

import io.raftfleet.identity.SpiffeId;
import io.raftfleet.identity.TokenText;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/**
 * Where a command gets its token from: standard input, a file, or its arguments, which everybody on the machine can see while it
 * runs. To be an {@code @ArgGroup} of which one is needed; picocli sets its fields.
 */
public final class TokenInput {
    /** In a token's place: it comes by standard input. */
    private static final String STANDARD_INPUT = "-";

    @Parameters(
            paramLabel = "TOKEN",
            description =
                    "The whole line; or - and it is read from standard input, which shows it to nobody else on this machine.")
    @Nullable
    String token;

    @Option(names = "--token-file", paramLabel = "FILE", description = "File with it, for its owner alone.")
    @Nullable
    Path file;

    /**
     * The token.
     *
     * @param directory where the path of the file begins, if it is relative
     * @param input of the process; a line of at most {@value TokenText#MOST} bytes is read of it, if that is where the token is
     * @param kind what it is to make of somebody
     * @throws JoinException when it can't be read, is none, or is for somebody else
     */
    public TokenText read(Path directory, InputStream input, SpiffeId.Kind kind, String maker) throws JoinException {
        Path from = file == null ? null : directory.resolve(file);
        TokenText read;
        try {
            read = TokenText.parse(text(token, from, input));
        } catch (IllegalArgumentException e) {
            throw new JoinException(String.valueOf(e.getMessage()), e);
        } catch (JoinException e) {
            throw e;
        } catch (NoSuchFileException e) {
            throw new JoinException("token file " + from + " does not exist", e);
        } catch (IOException e) {
            throw new JoinException("the token can't be read: " + e.getMessage(), e);
        }
        if (read.kind() != kind) {
            throw new JoinException("the token is for " + (read.kind() == SpiffeId.Kind.USER ? "a " : "an ")
                    + read.kind().label() + ", and this takes one for " + (kind == SpiffeId.Kind.USER ? "a " : "an ")
                    + kind.label()
                    + ": make one with " + maker);
        }
        return read;
    }

    private static String text(@Nullable String argument, @Nullable Path file, InputStream input) throws IOException {
        if (file != null) {
            if (Files.getPosixFilePermissions(file).contains(PosixFilePermission.OTHERS_READ)) {
                throw new JoinException("token file " + file
                        + " is open to every user of this machine, who could all use it: take the token away, chmod 600 the file"
                        + " and make a new one");
            }
            try (InputStream in = Files.newInputStream(file)) {
                return line(in);
            }
        }
        return argument == null || argument.equals(STANDARD_INPUT) ? line(input) : argument;
    }

    /** The first line, or the whole of what has none; not more than could be a token. */
    private static String line(InputStream in) throws IOException {
        var line = new ByteArrayOutputStream();
        for (int next = in.read(); next >= 0 && next != '\n' && line.size() <= TokenText.MOST; next = in.read()) {
            line.write(next);
        }
        return line.toString(StandardCharsets.US_ASCII);
    }
}
