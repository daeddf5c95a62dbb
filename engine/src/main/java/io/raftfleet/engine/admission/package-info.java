/** Which gRPC connections, calls and bytes an engine takes at once, so that no client's load is another one's failure. */
@NullMarked
package io.raftfleet.engine.admission;

import org.jspecify.annotations.NullMarked;
