/** A program that uses the Java client. */
@NullMarked
package io.raftfleet.example;

import org.jspecify.annotations.NullMarked;
