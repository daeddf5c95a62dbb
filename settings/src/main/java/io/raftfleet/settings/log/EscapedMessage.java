package io.raftfleet.settings.log;

import ch.qos.logback.classic.pattern.ClassicConverter;
import ch.qos.logback.classic.spi.ILoggingEvent;
import io.raftfleet.unit.SafeText;

/**
 * A message with line breaks and all else that a terminal would act on escaped: what a peer sent and a message repeats can
 * neither begin a line of the log nor colour the screen of who reads it. Cut after {@value #MOST} bytes.
 */
public final class EscapedMessage extends ClassicConverter {
    private static final int MOST = 2_048;

    @Override
    public String convert(ILoggingEvent event) {
        return harmless(String.valueOf(event.getFormattedMessage()));
    }

    static String harmless(String text) {
        return SafeText.cut(SafeText.escape(text), MOST);
    }
}
