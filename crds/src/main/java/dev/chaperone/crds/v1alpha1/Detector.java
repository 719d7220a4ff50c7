package dev.chaperone.crds.v1alpha1;

import com.fasterxml.jackson.annotation.JsonProperty;

/** What is recognised in text. */
public enum Detector {
  /** Payment card numbers with a valid check digit. */
  @JsonProperty("CreditCard")
  CREDIT_CARD,
  /** Secret access keys of AWS. */
  @JsonProperty("AwsSecretKey")
  AWS_SECRET_KEY,
  /** Private keys in PEM. */
  @JsonProperty("PrivateKey")
  PRIVATE_KEY
}
