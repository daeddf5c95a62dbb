package io.raftfleet.engine.control;

import io.raftfleet.proto.fleet.ItemCode;
import io.raftfleet.proto.fleet.ItemResult;
import org.jspecify.annotations.Nullable;

/** Templates ({@code a@.service}) are submitted and instances made from them; they never run themselves. */
final class Templates {
    private Templates() {}

    static boolean isTemplate(String name) {
        int at = name.indexOf('@');
        return at >= 0 && at + 1 == name.lastIndexOf('.');
    }

    /** Name of the template that an instance is of; null for any other unit. */
    static @Nullable String of(String instance) {
        int at = instance.indexOf('@');
        int type = instance.lastIndexOf('.');
        return at < 0 || type <= at + 1 ? null : instance.substring(0, at + 1) + instance.substring(type);
    }

    /** Fleet's answer (`api/units.go`): a template has no state but inactive. */
    static ItemResult refusal(String name) {
        return Item.result(
                ItemCode.ITEM_CODE_REFUSED,
                "cannot activate template \"" + name + "\": make an instance of it, such as \""
                        + name.replace("@.", "@1.") + "\"");
    }
}
