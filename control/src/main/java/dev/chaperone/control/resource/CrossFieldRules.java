package dev.chaperone.control.resource;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;

/**
 * The conditions over several fields that the CRDs state in CEL, said in Java under the same
 * messages. Only those of resources that are read from files; rules about changes ({@code oldSelf})
 * have no meaning for a file.
 */
final class CrossFieldRules {
  private static final Map<String, Predicate<Object>> RULES =
      Map.ofEntries(
          rule(
              "target.database is required for PostgreSQL and MySQL",
              spec -> !hasDatabases(spec) || has(child(spec, "target"), "database")),
          rule(
              "target.database belongs to PostgreSQL and MySQL only",
              spec -> hasDatabases(spec) || !has(child(spec, "target"), "database")),
          rule(
              "mode Disable uses no TLS: remove serverName, caSecretRef and"
                  + " clientCertificateSecretRef, or choose another mode",
              tls ->
                  !is(tls, "mode", "Disable")
                      || (!has(tls, "serverName")
                          && !has(tls, "caSecretRef")
                          && !has(tls, "clientCertificateSecretRef"))),
          rule(
              "mode Require verifies no certificate: remove caSecretRef, or choose VerifyCA or"
                  + " VerifyFull",
              tls -> !is(tls, "mode", "Require") || !has(tls, "caSecretRef")),
          rule(
              "channelBinding Require needs TLS: remove it, or choose another mode than Disable",
              tls -> !is(tls, "mode", "Disable") || !is(tls, "channelBinding", "Require")),
          rule(
              "negotiation Direct needs TLS: remove it, or choose another mode than Disable",
              tls -> !is(tls, "mode", "Disable") || !is(tls, "negotiation", "Direct")),
          rule(
              "an empty selector would select every pod of the namespace: name at least one label",
              selector -> has(selector, "matchLabels") || has(selector, "matchExpressions")),
          rule(
              "values are required for In and NotIn, and refused for Exists and DoesNotExist",
              term ->
                  (is(term, "operator", "In") || is(term, "operator", "NotIn"))
                      == has(term, "values")),
          rule(
              "oidc is required with source OIDC, and refused with any other",
              identity -> is(identity, "source", "OIDC") == has(identity, "oidc")),
          rule(
              "saml is required with source SAML, and refused with any other",
              identity -> is(identity, "source", "SAML") == has(identity, "saml")),
          rule("the names of the rules must differ", CrossFieldRules::namesDiffer),
          rule(
              "a policy needs rules, masking or limits",
              spec -> has(spec, "rules") || has(spec, "masking") || has(spec, "limits")),
          rule(
              "approval is required with action RequireApproval, and refused with any other",
              rule -> is(rule, "action", "RequireApproval") == has(rule, "approval")),
          rule(
              "message is what a Deny rule tells the agent: remove it, or use action Deny",
              rule -> is(rule, "action", "Deny") || !has(rule, "message")),
          rule(
              "count is larger than the number of users who may approve",
              terms ->
                  size(child(terms, "approvers"), "groups") > 0
                      || !has(child(terms, "approvers"), "users")
                      || (Long) map(terms).get("count")
                          <= size(child(terms, "approvers"), "users")),
          rule(
              "name at least one group or user who may approve",
              approvers -> size(approvers, "groups") > 0 || size(approvers, "users") > 0),
          rule(
              "name either columns or detectors",
              masking -> has(masking, "columns") != has(masking, "detectors")),
          rule(
              "usage and predicates belong to columns",
              masking ->
                  has(masking, "columns")
                      || (!has(masking, "usage") && !has(masking, "predicates"))),
          rule(
              "name at least one limit",
              limits ->
                  has(limits, "rowsPerOperation")
                      || has(limits, "bytesPerOperation")
                      || has(limits, "operationsPerMinute")));

  private CrossFieldRules() {}

  /** The messages of those rules that do not hold. */
  static List<String> check(List<String> rules, Object value) {
    List<String> broken = new ArrayList<>();
    for (String message : rules) {
      Predicate<Object> rule = RULES.get(message);
      if (rule == null) {
        throw new IllegalStateException("a CRD states a rule that is not known here: " + message);
      }
      if (!rule.test(value)) {
        broken.add(message);
      }
    }
    return broken;
  }

  private static Map.Entry<String, Predicate<Object>> rule(
      String message, Predicate<Object> predicate) {
    return Map.entry(message, predicate);
  }

  private static Map<?, ?> map(Object value) {
    return value instanceof Map<?, ?> map ? map : Map.of();
  }

  private static Object child(Object value, String name) {
    return map(value).get(name);
  }

  private static boolean has(Object value, String name) {
    return map(value).containsKey(name);
  }

  private static boolean is(Object value, String name, String expected) {
    return expected.equals(map(value).get(name));
  }

  private static int size(Object value, String name) {
    return map(value).get(name) instanceof List<?> list ? list.size() : 0;
  }

  private static boolean hasDatabases(Object spec) {
    return is(spec, "protocol", "PostgreSQL") || is(spec, "protocol", "MySQL");
  }

  private static boolean namesDiffer(Object rules) {
    Set<Object> names = new HashSet<>();
    for (Object rule : (List<?>) rules) {
      if (!names.add(map(rule).get("name"))) {
        return false;
      }
    }
    return true;
  }
}
