/**
 * Where the API server asks: an HTTPS server within bounds, and what answers at each of its paths.
 */
package dev.chaperone.operator.webhook;
