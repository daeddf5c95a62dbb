/** The replicated registry: what the cluster knows, and how a record changes it. */
@NullMarked
package io.raftfleet.state;

import org.jspecify.annotations.NullMarked;
