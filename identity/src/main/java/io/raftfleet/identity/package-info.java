/** Who somebody is: names, roles, and the files that prove them. */
@NullMarked
package io.raftfleet.identity;

import org.jspecify.annotations.NullMarked;
