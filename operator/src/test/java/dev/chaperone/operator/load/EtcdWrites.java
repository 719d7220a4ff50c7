package dev.chaperone.operator.load;

import dev.chaperone.operator.testing.TestCluster;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * How much the API server has written to etcd so far, by resource.
 *
 * @param byResource number of creations, updates and deletions
 */
record EtcdWrites(Map<String, Long> byResource) {
  private static final Pattern LINE = Pattern.compile("etcd_requests_total\\{(.*)\\} ([0-9.e+]+)");
  private static final Pattern OPERATION = Pattern.compile("operation=\"(create|update|delete)\"");
  private static final Pattern RESOURCE = Pattern.compile("(?:resource|type)=\"([^\"]*)\"");

  static EtcdWrites now(TestCluster cluster) {
    Map<String, Long> found = new TreeMap<>();
    cluster
        .client()
        .raw("/metrics")
        .lines()
        .forEach(
            line -> {
              Matcher whole = LINE.matcher(line);
              if (whole.matches() && OPERATION.matcher(whole.group(1)).find()) {
                Matcher resource = RESOURCE.matcher(whole.group(1));
                found.merge(
                    resource.find() ? resource.group(1) : "other",
                    (long) Double.parseDouble(whole.group(2)),
                    Long::sum);
              }
            });
    if (found.isEmpty()) {
      throw new IllegalStateException("the API server counts no requests to etcd");
    }
    return new EtcdWrites(found);
  }

  /** What was written since then. */
  long since(EtcdWrites before, String resource) {
    return byResource.getOrDefault(resource, 0L) - before.byResource.getOrDefault(resource, 0L);
  }
}
