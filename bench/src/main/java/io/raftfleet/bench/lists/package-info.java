/** What lists with filters cost. */
@NullMarked
package io.raftfleet.bench.lists;

import org.jspecify.annotations.NullMarked;
