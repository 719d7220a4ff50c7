/** The {@code chaperone} command. */
package dev.chaperone.cli;
