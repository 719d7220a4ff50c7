/** The program: what the administrator may say, what is started in which order, and how it is. */
package dev.chaperone.operator.program;
