/** What a whole cluster promises, shown on real processes. */
@NullMarked
package io.raftfleet.chaos;

import org.jspecify.annotations.NullMarked;
