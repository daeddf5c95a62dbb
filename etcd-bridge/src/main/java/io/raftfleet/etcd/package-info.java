/** Mirrors what is persistent in the registry to etcd v3, and reads it back. */
@NullMarked
package io.raftfleet.etcd;

import org.jspecify.annotations.NullMarked;
