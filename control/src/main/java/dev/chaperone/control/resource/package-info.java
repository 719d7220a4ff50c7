/**
 * Reads resources from YAML as strictly as an API server would, and says of every problem in which
 * file, line and column it is.
 */
package dev.chaperone.control.resource;
