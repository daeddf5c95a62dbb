/** fleet's scheduling rules once more, as a model to compare the scheduler with. */
@NullMarked
package io.raftfleet.engine.oracle;

import org.jspecify.annotations.NullMarked;
