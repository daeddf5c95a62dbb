/** Real etcd servers for tests and benchmarks, with or without TLS, and a network to them that can fail. */
@NullMarked
package io.raftfleet.etcd.testing;

import org.jspecify.annotations.NullMarked;
