package io.raftfleet.engine.control;

import io.raftfleet.proto.fleet.ItemCode;
import io.raftfleet.proto.fleet.ItemResult;
import io.raftfleet.proto.log.Record;
import io.raftfleet.unit.SafeText;
import io.raftfleet.unit.limits.Limits;
import java.util.List;

/** One item of a client's write, checked as far as it can be without the registry. */
@FunctionalInterface
interface Item {
    ItemResult OK = ItemResult.newBuilder().setCode(ItemCode.ITEM_CODE_OK).build();
    ItemResult REPLACED =
            ItemResult.newBuilder().setCode(ItemCode.ITEM_CODE_REPLACED).build();

    /** Decides on it; adds the records that carry it out to {@code out}, none when it is refused or changes nothing. */
    ItemResult decide(Draft draft, List<Record> out);

    static ItemResult result(ItemCode code, String message) {
        return ItemResult.newBuilder()
                .setCode(code)
                .setMessage(SafeText.cut(message, Limits.MESSAGE_BYTES))
                .build();
    }

    static ItemResult unchanged(String message) {
        return result(ItemCode.ITEM_CODE_UNCHANGED, message);
    }

    static ItemResult notFound(String unit) {
        return result(ItemCode.ITEM_CODE_NOT_FOUND, "unit " + unit + " does not exist");
    }

    /** An item that was refused before it got here. */
    static Item invalid(String message) {
        var result = result(ItemCode.ITEM_CODE_INVALID, message);
        return (draft, out) -> result;
    }
}
