/** Where a running gateway says how it is, for the commands that look and decide there. */
package dev.chaperone.cli.status;
