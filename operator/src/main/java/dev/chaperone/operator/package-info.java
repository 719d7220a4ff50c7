/** The operator: admission, injection, the control channel, reconcilers. */
package dev.chaperone.operator;
