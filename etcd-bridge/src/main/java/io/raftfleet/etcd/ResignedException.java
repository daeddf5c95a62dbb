package io.raftfleet.etcd;

/** This engine leads no longer, so it can't tell whether something is mirrored: the next leader can. */
public final class ResignedException extends Exception {
    private static final long serialVersionUID = 1;

    ResignedException() {
        super("this engine leads no longer", null, false, false);
    }
}
