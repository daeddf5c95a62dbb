/** What a daemon that joins leaves behind for its service. */
@NullMarked
package io.raftfleet.settings.join;

import org.jspecify.annotations.NullMarked;
