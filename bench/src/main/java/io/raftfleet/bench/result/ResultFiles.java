package io.raftfleet.bench.result;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/** Results as JSON. */
public final class ResultFiles {
    private static final JsonMapper JSON =
            JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();

    private ResultFiles() {}

    /** A result as JSON, with a new line at its end. */
    public static String json(BenchResult result) {
        return JSON.writeValueAsString(result) + "\n";
    }

    /** The result that some JSON is of. */
    public static BenchResult parse(String json) {
        return JSON.readValue(json, BenchResult.class);
    }

    /**
     * Those of some files, and of the files that end in {@code .json} in some directories, by name and time.
     *
     * @throws IOException when a file cannot be read or is none of a benchmark's
     */
    public static List<BenchResult> read(List<Path> places) throws IOException {
        var results = new ArrayList<BenchResult>();
        for (var place : places) {
            for (var file : files(place)) {
                try {
                    results.add(parse(Files.readString(file)));
                } catch (JacksonException e) {
                    throw new IOException(file + " holds no result of a benchmark: " + e.getOriginalMessage(), e);
                }
            }
        }
        results.sort(Comparator.comparing(BenchResult::name).thenComparing(BenchResult::when));
        return results;
    }

    private static List<Path> files(Path place) throws IOException {
        if (!Files.isDirectory(place)) {
            return List.of(place);
        }
        try (Stream<Path> files = Files.list(place)) {
            return files.filter(file -> file.toString().endsWith(".json"))
                    .sorted()
                    .toList();
        }
    }
}
