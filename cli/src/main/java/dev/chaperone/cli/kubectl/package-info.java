/** What is asked of a cluster, through the user's own kubectl. */
package dev.chaperone.cli.kubectl;
