package io.raftfleet.fleetctl;

import com.google.protobuf.ByteString;
import io.raftfleet.client.FleetClientException;
import io.raftfleet.client.LogReader;
import io.raftfleet.proto.fleet.UnitStatusRequest;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Which units can start another, as {@code systemctl status} on its machine names them. */
final class Triggers {
    private static final String LABEL = "TriggeredBy:";

    private Triggers() {}

    /** Names what can start a unit again; says nothing when nothing can, or its machine does not answer. */
    static void tell(Session session, String unit) {
        List<String> triggers;
        try (LogReader status = session.client()
                .unitStatus(UnitStatusRequest.newBuilder().setUnit(unit).build())) {
            triggers = of(text(status));
        } catch (FleetClientException unanswered) {
            return;
        }
        if (!triggers.isEmpty()) {
            session.err("Unit " + unit + " can be started again by " + String.join(", ", triggers)
                    + ": stop that as well if it is to stay down");
        }
    }

    private static String text(LogReader status) {
        var text = new StringBuilder();
        try {
            for (@Nullable ByteString bytes = status.next(); bytes != null; bytes = status.next()) {
                text.append(bytes.toStringUtf8());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return text.toString();
    }

    /** The names, one a line, each behind a dot, from the label on; lines of other labels have a colon there. */
    static List<String> of(String status) {
        var found = new ArrayList<String>();
        int column = -1;
        for (String line : status.lines().toList()) {
            int label = line.indexOf(LABEL);
            if (label >= 0 && line.substring(0, label).isBlank()) {
                column = label + LABEL.length();
            } else if (column >= 0
                    && (line.length() <= column || !line.substring(0, column).isBlank())) {
                break;
            }
            if (column >= 0) {
                String rest = line.substring(column).strip();
                found.add(rest.substring(rest.lastIndexOf(' ') + 1));
            }
        }
        return found;
    }
}
