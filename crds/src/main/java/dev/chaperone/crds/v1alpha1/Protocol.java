package dev.chaperone.crds.v1alpha1;

import com.fasterxml.jackson.annotation.JsonProperty;

/** What is spoken with the target. */
public enum Protocol {
  /** PostgreSQL, protocol 3. */
  @JsonProperty("PostgreSQL")
  POSTGRESQL,
  /** MySQL and MariaDB. */
  @JsonProperty("MySQL")
  MYSQL,
  /** HTTP/1.1 and HTTP/2. */
  @JsonProperty("HTTP")
  HTTP,
  /** The Kubernetes API. */
  @JsonProperty("Kubernetes")
  KUBERNETES,
  /** The AWS APIs. */
  @JsonProperty("AWS")
  AWS,
  /** SSH. */
  @JsonProperty("SSH")
  SSH,
  /** The Model Context Protocol. */
  @JsonProperty("MCP")
  MCP
}
