package io.raftfleet.agent.systemd;

import java.util.Map;

/** What systemd's {@code Result=} of a unit means, in words. {@code systemd.exec(5)}, "Process Exit Codes", and {@code systemd.service(5)}. */
final class Endings {
    /** {@code si_code} of {@code waitid(2)}: the process exited by itself. */
    private static final int EXITED = 1;

    private static final int KILLED = 2;
    private static final int DUMPED = 3;

    /** What systemd's own child says before it becomes the unit's program. */
    private static final Map<Integer, String> BEFORE_EXEC = Map.ofEntries(
            Map.entry(200, "CHDIR: its WorkingDirectory= can't be entered"),
            Map.entry(203, "EXEC: its program can't be run; is it there, and executable?"),
            Map.entry(208, "STDIN: its standard input can't be set up"),
            Map.entry(209, "STDOUT: its standard output can't be set up"),
            Map.entry(210, "CHROOT: its RootDirectory= can't be entered"),
            Map.entry(216, "GROUP: its Group= is unknown here, or may not be taken"),
            Map.entry(217, "USER: its User= is unknown here, or may not be taken"),
            Map.entry(218, "CAPABILITIES: its capabilities can't be set"),
            Map.entry(219, "CGROUP: its control group can't be set up"),
            Map.entry(226, "NAMESPACE: what it wants of the file system can't be set up"),
            Map.entry(238, "STATE_DIRECTORY: its StateDirectory= can't be set up"));

    private Endings() {}

    /**
     * Why a unit ended, without its name.
     *
     * @param result systemd's {@code Result}
     * @param code {@code ExecMainCode} of a service, 0 when its main process never ran
     * @param status {@code ExecMainStatus}: exit status, or number of the signal
     * @return empty for success and for what is not known
     */
    static String words(String result, int code, int status) {
        return switch (result) {
            case "", "success" -> "";
            case "exit-code" ->
                code == EXITED && status != 0
                        ? "its main process " + process(code, status)
                        : "a command of it failed, such as ExecStartPre=";
            case "signal", "core-dump" ->
                code == KILLED || code == DUMPED
                        ? "its main process " + process(code, status)
                        : "a process of it was killed by a signal";
            case "timeout" -> "it took longer than its TimeoutStartSec= or TimeoutStopSec= allows";
            case "watchdog" -> "it did not report in its WatchdogSec=";
            case "start-limit-hit" ->
                "it was started too often in a short time (StartLimitBurst=)"
                        + (code == 0 || (code == EXITED && status == 0)
                                ? ""
                                : "; the last time its main process " + process(code, status));
            case "service-start-limit-hit", "unit-start-limit-hit" ->
                "what it starts was started too often in a short time (StartLimitBurst=)";
            case "trigger-limit-hit" -> "it was triggered too often in a short time (TriggerLimitBurst=)";
            case "resources" ->
                "systemd could not set up what it needs to run, such as a file, a directory or an address";
            case "oom-kill" -> "a process of it was killed because memory was short";
            case "protocol" -> "it did not do what its Type= promises, such as to say that it is ready";
            case "exec-condition" -> "it was skipped: its ExecCondition= does not hold";
            default -> "systemd's result is \"" + result + "\"";
        };
    }

    private static String process(int code, int status) {
        return switch (code) {
            case EXITED -> {
                String meaning = BEFORE_EXEC.get(status);
                yield "exited with status " + status + (meaning == null ? "" : "/" + meaning);
            }
            case DUMPED -> "was killed by signal " + signal(status) + ", with a core dump";
            default -> "was killed by signal " + signal(status);
        };
    }

    private static String signal(int number) {
        String name = switch (number) {
            case 1 -> "HUP";
            case 2 -> "INT";
            case 3 -> "QUIT";
            case 4 -> "ILL";
            case 6 -> "ABRT";
            case 7 -> "BUS";
            case 8 -> "FPE";
            case 9 -> "KILL";
            case 11 -> "SEGV";
            case 13 -> "PIPE";
            case 14 -> "ALRM";
            case 15 -> "TERM";
            default -> "";
        };
        return name.isEmpty() ? Integer.toString(number) : number + "/" + name;
    }
}
