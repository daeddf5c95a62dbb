/** A campaign as a page for people, one file that needs no other. Knows histories and findings alone. */
@NullMarked
package io.raftfleet.chaos.report;

import org.jspecify.annotations.NullMarked;
