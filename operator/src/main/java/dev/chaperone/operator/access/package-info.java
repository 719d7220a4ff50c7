/** Who may do what in the cluster, as its authorizer says. */
package dev.chaperone.operator.access;
