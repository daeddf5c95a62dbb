/** How a daemon, or a person, comes to a certificate with a token. */
@NullMarked
package io.raftfleet.identity.join;

import org.jspecify.annotations.NullMarked;
