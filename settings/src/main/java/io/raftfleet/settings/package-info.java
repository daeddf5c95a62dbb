/** What the daemons' configuration file and environment say. Engines and agents read the same file. */
@NullMarked
package io.raftfleet.settings;

import org.jspecify.annotations.NullMarked;
