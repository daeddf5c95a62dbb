package io.raftfleet.chaos.campaign;

import io.raftfleet.chaos.cluster.AgentNode;
import io.raftfleet.chaos.history.Event;
import io.raftfleet.chaos.history.Recorder;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Notes each start and stop of a unit as the machine's own systemd writes them into its journal, with the journal's monotonic
 * time; of machines in memory as they write them into a file. A thread for each machine.
 */
final class UnitObserver implements AutoCloseable {
    /** Message ids of systemd's {@code sd-messages.h}. */
    private static final String STARTED = "39f53479d3a045ac8e11786248231fbf";

    private static final String STOPPED = "9d1aaa27d60140bd96365438aad20286";
    private static final String FAILED = "d9b373ed55a64feb8242e02dbe79a49c";
    private static final String SUCCEEDED = "7ad2d189f7e94e70a38c781354912448";

    private static final Map<String, Event.Step> STEPS = Map.of(
            STARTED, Event.Step.STARTED,
            STOPPED, Event.Step.STOPPED,
            FAILED, Event.Step.STOPPED,
            SUCCEEDED, Event.Step.STOPPED);
    /** Those that campaigns make. */
    private static final Pattern OURS = Pattern.compile("(steady|fenced|r|f|w)\\d+\\.service");

    private final Recorder recorder;
    private final JsonMapper json = JsonMapper.builder().build();
    private final List<Process> readers = new ArrayList<>();
    private final Map<String, Event.Running> inMemory = new ConcurrentHashMap<>();

    UnitObserver(Recorder recorder, List<AgentNode> agents) {
        this.recorder = recorder;
        agents.forEach(this::follow);
    }

    /** Whether a unit is one of a campaign's. */
    static boolean isOurs(String unit) {
        return OURS.matcher(unit).matches();
    }

    private void follow(AgentNode agent) {
        try {
            if (agent.hollow()) {
                var process = new ProcessBuilder(
                                "tail", "-n", "+1", "-F", agent.hollowJournal().toString())
                        .redirectError(ProcessBuilder.Redirect.DISCARD)
                        .start();
                process.getOutputStream().close();
                read(agent, process, line -> fromMemory(line));
                return;
            }
            var machine = agent.machineIds().getFirst();
            var process = agent.machine()
                    .start(
                            "journalctl",
                            "--follow",
                            "--lines=all",
                            "--output=json",
                            "MESSAGE_ID=" + STARTED,
                            "MESSAGE_ID=" + STOPPED,
                            "MESSAGE_ID=" + FAILED,
                            "MESSAGE_ID=" + SUCCEEDED);
            read(agent, process, line -> fromSystemd(machine, line));
        } catch (IOException e) {
            throw new IllegalStateException("the journal of " + agent.name() + " can't be followed", e);
        }
    }

    private interface Line {
        void read(String line);
    }

    private void read(AgentNode agent, Process process, Line reader) {
        readers.add(process);
        Thread.ofVirtual().name("journal-" + agent.name()).start(() -> {
            try (var in = new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
                for (var line = in.readLine(); line != null; line = in.readLine()) {
                    reader.read(line);
                }
            } catch (IOException e) {
                // Ended with the campaign.
            }
        });
    }

    private void fromSystemd(String machine, String line) {
        try {
            var entry = json.readTree(line);
            var unit = entry.path("USER_UNIT").asString("");
            var step = STEPS.get(entry.path("MESSAGE_ID").asString(""));
            if (step == null || !isOurs(unit)) {
                return;
            }
            long micros = micros(entry, "__MONOTONIC_TIMESTAMP", 0);
            // The journal's own time is when it read the message; it says when that was sent by the wall clock only.
            long read = micros(entry, "__REALTIME_TIMESTAMP", 0);
            micros -= Math.max(0, read - micros(entry, "_SOURCE_REALTIME_TIMESTAMP", read));
            recorder.add(new Event.UnitRan(
                    recorder.at(TimeUnit.MICROSECONDS.toNanos(micros)),
                    machine,
                    unit,
                    step,
                    entry.path("USER_INVOCATION_ID").asString("")));
        } catch (JacksonException e) {
            // The last line of a journal that ended meanwhile.
        }
    }

    private static long micros(JsonNode entry, String field, long otherwise) {
        return Long.parseLong(entry.path(field).asString(Long.toString(otherwise)));
    }

    /** What runs on machines in memory, as far as their files have been read. */
    List<Event.Running> running() {
        return List.copyOf(inMemory.values());
    }

    private void fromMemory(String line) {
        var fields = line.split(" ", -1);
        if (fields.length == 3 && fields[2].equals("BOOTED")) {
            inMemory.keySet().removeIf(key -> key.startsWith(fields[1] + " "));
        } else if (fields.length == 5 && isOurs(fields[2])) {
            var key = fields[1] + " " + fields[2];
            if (fields[3].equals("STARTED")) {
                inMemory.put(key, new Event.Running(fields[2], fields[1], "active", Long.parseLong(fields[4])));
            } else {
                inMemory.remove(key);
            }
            recorder.add(new Event.UnitRan(
                    recorder.at(Long.parseLong(fields[0])),
                    fields[1],
                    fields[2],
                    Event.Step.valueOf(fields[3]),
                    fields[4]));
        }
    }

    @Override
    public void close() {
        readers.forEach(Process::destroy);
    }
}
