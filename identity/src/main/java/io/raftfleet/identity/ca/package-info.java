/** A certificate authority in a directory. */
@NullMarked
package io.raftfleet.identity.ca;

import org.jspecify.annotations.NullMarked;
