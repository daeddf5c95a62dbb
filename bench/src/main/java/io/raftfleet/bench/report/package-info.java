/** How results are shown: on the terminal, as a page, as a document. */
@NullMarked
package io.raftfleet.bench.report;

import org.jspecify.annotations.NullMarked;
