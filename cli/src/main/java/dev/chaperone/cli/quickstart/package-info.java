/** The quickstart: a real database, the gateway in front of it, and nothing left behind. */
package dev.chaperone.cli.quickstart;
