package io.raftfleet.chaos;

import io.raftfleet.proto.model.TargetState;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import tools.jackson.databind.json.JsonMapper;

/**
 * A unit that is to be refused.
 *
 * @param overHttp whether HTTP can say the same: neither its path nor its JSON can carry everything
 * @param message words that the refusal has
 */
record BadUnit(String what, String name, String text, TargetState target, boolean overHttp, List<String> message) {
    private static final JsonMapper JSON = new JsonMapper();
    private static final String GOOD = "[Service]\nExecStart=/bin/true\n";

    static final List<BadUnit> ALL = List.of(
            bad("empty name", "", GOOD, "name", "empty").grpcOnly(),
            bad("over-long name", "n".repeat(300) + ".service", GOOD, "name", "at most"),
            bad("name without type", "web", GOOD, "web", "name", "unit type"),
            bad("unknown type", "web.thing", GOOD, "web.thing", "name", "unknown unit type \"thing\""),
            bad("character", "we b.service", GOOD, "we b.service", "name", "\" \" is not allowed"),
            bad("path as a name", "../../etc/x.service", GOOD, "../../etc/x.service", "\"/\" is not allowed")
                    .grpcOnly(),
            bad("line break", "a\nb.service", GOOD, "control characters are not allowed")
                    .grpcOnly(),
            bad("empty file", "web.service", "", "web.service", "contents", "no options")
                    .grpcOnly(),
            bad("file of comments", "web.service", "# nothing\n", "web.service", "no options")
                    .grpcOnly(),
            bad("malformed file", "web.service", "[Service\nExecStart=x\n", "web.service")
                    .grpcOnly(),
            bad(
                            "option before any section",
                            "web.service",
                            "ExecStart=x\n" + GOOD,
                            "web.service",
                            "before the first section")
                    .grpcOnly(),
            fleet(
                    "metadata without a value",
                    "MachineMetadata=ssd",
                    "MachineMetadata",
                    "\"ssd\" is not of the form KEY=VALUE"),
            fleet("two pairs unquoted", "MachineMetadata=a=b c=d", "MachineMetadata=\"a=b\" \"c=d\""),
            fleet("a pair of three", "MachineMetadata=url=http://x/?a=b", "more than one \"=\""),
            fleet("two pairs with a tab between", "MachineMetadata=\"a=b\"\t\"c=d\"", "with one space between"),
            fleet("half a quote", "Conflicts=\"a* b", "a quote without its other half"),
            fleet("a pattern that matches nothing", "Conflicts=[a", "\"[a\" is no pattern"),
            fleet("several machines", "MachineID=\"a\" \"b\"", "several machines", "name one"),
            fleet("neither true nor false", "Global=maybe", "neither true nor false"),
            fleet("two peers on a line", "MachineOf=a.service b.service", "white space inside"),
            bad(
                    "contents over the limit",
                    "web.service",
                    "[Service]\n" + ("Environment=" + "x".repeat(1_000) + "\n").repeat(300),
                    "web.service",
                    "contents",
                    "256 KiB"),
            fleet("unknown option", "MachineOff=a.service", "[X-Fleet] \"MachineOff\"", "did you mean \"MachineOf\""),
            fleet("id and peers", "MachineID=m\nMachineOf=a.service", "MachineID", "combined with MachineOf"),
            fleet("id and conflicts", "MachineID=m\nConflicts=a.service", "MachineID", "combined with Conflicts"),
            fleet("id and global", "MachineID=m\nGlobal=true", "MachineID", "combined with Global"),
            fleet("id and replaces", "MachineID=m\nReplaces=a.service", "MachineID", "combined with Replaces"),
            fleet("global and peers", "Global=true\nMachineOf=a.service", "Global", "combined with MachineOf"),
            fleet("global and replaces", "Global=true\nReplaces=a.service", "Global", "combined with Replaces"),
            fleet("conflicts and replaces", "Conflicts=a*\nReplaces=b.service", "Conflicts", "combined with Replaces"),
            fleet("peer that conflicts", "MachineOf=a.service\nConflicts=a*", "MachineOf", "a.service", "Conflicts"),
            bad("template to be launched", "t@.service", GOOD, "t@.service", "cannot activate template", "t@1.service")
                    .to(TargetState.TARGET_STATE_LAUNCHED),
            bad("template to be loaded", "t@.service", GOOD, "t@.service", "cannot activate template", "t@1.service")
                    .to(TargetState.TARGET_STATE_LOADED));

    /** The unit as fleet's JSON. */
    String json() {
        var options = text.lines()
                .filter(line -> line.indexOf('=') > 0)
                .map(line -> Map.of(
                        "section",
                        section(line),
                        "name",
                        line.substring(0, line.indexOf('=')),
                        "value",
                        line.substring(line.indexOf('=') + 1)))
                .toList();
        var state = target.name().replaceFirst("TARGET_STATE_", "").toLowerCase(Locale.ROOT);
        return JSON.writeValueAsString(Map.of("options", options, "desiredState", state));
    }

    @Override
    public String toString() {
        return what;
    }

    private String section(String line) {
        var before = text.substring(0, text.indexOf(line));
        int open = before.lastIndexOf('[');
        return before.substring(open + 1, before.indexOf(']', open));
    }

    private BadUnit grpcOnly() {
        return new BadUnit(what, name, text, target, false, message);
    }

    private BadUnit to(TargetState other) {
        return new BadUnit(what, name, text, other, overHttp, message);
    }

    private static BadUnit fleet(String what, String options, String... message) {
        return bad(what, "web.service", GOOD + "\n[X-Fleet]\n" + options + "\n", message);
    }

    private static BadUnit bad(String what, String name, String text, String... message) {
        return new BadUnit(what, name, text, TargetState.TARGET_STATE_INACTIVE, true, List.of(message));
    }
}
