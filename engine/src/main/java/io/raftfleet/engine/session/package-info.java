/** The leader's side of its agents: sessions, what each machine is to run, who is still heard, logs on their way. */
@NullMarked
package io.raftfleet.engine.session;

import org.jspecify.annotations.NullMarked;
