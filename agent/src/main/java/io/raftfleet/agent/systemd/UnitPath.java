package io.raftfleet.agent.systemd;

/** D-Bus object paths of units. */
final class UnitPath {
    static final String PREFIX = "/org/freedesktop/systemd1/unit/";

    private UnitPath() {}

    /** The object path of a unit: every byte of its name but letters and digits escaped as systemd does it. */
    static String of(String unit) {
        StringBuilder path = new StringBuilder(PREFIX.length() + unit.length() + 16).append(PREFIX);
        for (int i = 0; i < unit.length(); i++) {
            char c = unit.charAt(i);
            boolean digit = c >= '0' && c <= '9';
            if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (digit && i > 0)) {
                path.append(c);
            } else {
                path.append('_').append(Character.forDigit(c >> 4, 16)).append(Character.forDigit(c & 15, 16));
            }
        }
        return path.toString();
    }
}
