/** What packages have beside the programs: manual pages and completions, written from the programs' own command lines. */
@NullMarked
package io.raftfleet.packages;

import org.jspecify.annotations.NullMarked;
