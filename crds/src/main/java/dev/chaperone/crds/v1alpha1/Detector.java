package dev.chaperone.crds.v1alpha1;

import com.fasterxml.jackson.annotation.JsonProperty;

/** What is recognised in text. */
public enum Detector {
  /** Payment card numbers with a valid check digit. */
  @JsonProperty("CreditCard")
  CREDIT_CARD,
  /** International bank account numbers with a valid check. */
  @JsonProperty("Iban")
  IBAN,
  /** United States social security numbers in groups. */
  @JsonProperty("UsSsn")
  US_SSN,
  /** E-mail addresses. */
  @JsonProperty("Email")
  EMAIL,
  /** Telephone numbers. */
  @JsonProperty("Phone")
  PHONE,
  /** Access key ids of AWS. */
  @JsonProperty("AwsAccessKey")
  AWS_ACCESS_KEY,
  /** Secret access keys of AWS. */
  @JsonProperty("AwsSecretKey")
  AWS_SECRET_KEY,
  /** Private keys in PEM. */
  @JsonProperty("PrivateKey")
  PRIVATE_KEY,
  /** JSON web tokens. */
  @JsonProperty("Jwt")
  JWT,
  /** Tokens of known services and other long, random-looking ones. */
  @JsonProperty("HighEntropySecret")
  HIGH_ENTROPY_SECRET
}
