/** Looking at requests for approval, and deciding them. */
package dev.chaperone.cli.approval;
