/** Load generators: what the budgets are measured with. */
@NullMarked
package io.raftfleet.bench;

import org.jspecify.annotations.NullMarked;
