package io.raftfleet.settings.log;

import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.LayoutBase;
import ch.qos.logback.core.encoder.JsonEscapeUtil;
import java.time.Instant;

/**
 * One JSON object a line: {@code time} (as ISO 8601 has it, UTC), {@code level}, {@code thread}, {@code logger}, {@code message}, and
 * {@code trace} where something was thrown. Texts are escaped and cut as in lines for people.
 */
final class JsonLayout extends LayoutBase<ILoggingEvent> {
    private final EscapedMessage message = new EscapedMessage();
    private final EscapedThrowable trace = new EscapedThrowable();

    @Override
    public void start() {
        trace.start();
        super.start();
    }

    @Override
    public String doLayout(ILoggingEvent event) {
        var line = new StringBuilder(256).append('{');
        field(line, "time", Instant.ofEpochMilli(event.getTimeStamp()).toString());
        field(line, "level", event.getLevel().toString());
        field(line, "thread", event.getThreadName());
        field(line, "logger", event.getLoggerName());
        field(line, "message", message.convert(event));
        if (event.getThrowableProxy() != null) {
            field(line, "trace", trace.convert(event));
        }
        line.setCharAt(line.length() - 1, '}');
        return line.append('\n').toString();
    }

    private static void field(StringBuilder line, String name, String text) {
        line.append('"')
                .append(name)
                .append("\":\"")
                .append(JsonEscapeUtil.jsonEscapeString(text))
                .append("\",");
    }
}
