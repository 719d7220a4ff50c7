package dev.chaperone.policy.masking;

/** What is recognised in text, whatever column it comes from. */
public enum Detector {
  /** Payment card numbers of 13 to 19 digits with a known prefix and a valid check digit (Luhn). */
  CREDIT_CARD("CreditCard"),
  /** International bank account numbers with the length of their country and valid mod 97. */
  IBAN("Iban"),
  /** United States social security numbers in groups of 3, 2 and 4 digits. */
  US_SSN("UsSsn"),
  /** E-mail addresses. */
  EMAIL("Email"),
  /** Telephone numbers: international with a plus, or North American in groups. */
  PHONE("Phone"),
  /** Access key ids of AWS. */
  AWS_ACCESS_KEY("AwsAccessKey"),
  /** Secret access keys of AWS: 40 characters of base64. */
  AWS_SECRET_KEY("AwsSecretKey"),
  /** Private keys in PEM. */
  PRIVATE_KEY("PrivateKey"),
  /** JSON web tokens. */
  JWT("Jwt"),
  /** Tokens of known services, and long random-looking ones of any other. */
  HIGH_ENTROPY_SECRET("HighEntropySecret");

  private final String label;

  Detector(String label) {
    this.label = label;
  }

  /** The name used in resources and messages. */
  public String label() {
    return label;
  }
}
