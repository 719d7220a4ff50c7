package dev.chaperone.operator.webhook;

import dev.chaperone.operator.admission.AdmissionRequest;
import dev.chaperone.operator.injection.PodAdmission;
import dev.chaperone.operator.injection.Refusal;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Finds pods whose own service account may read a credential that only the gateway should have.
 *
 * <p>Reading is {@code get}, {@code list} and {@code watch}. What else may lead there is looked at
 * where it happens: commands in the gateway's container, and tokens of other accounts.
 */
final class AccountCheck {
  private static final List<String> READING = List.of("get", "list", "watch");
  private static final long MILLIS = 3_000;

  private final AccessReviews reviews;
  private final Executor executor;

  /**
   * Finds them.
   *
   * @param executor on which questions are asked beside each other
   */
  AccountCheck(AccessReviews reviews, Executor executor) {
    this.reviews = reviews;
    this.executor = executor;
  }

  /**
   * Why a pod is refused.
   *
   * @param credentials the name of a connection by Secret
   * @throws IOException where it cannot be told
   */
  List<Refusal> check(AdmissionRequest request, SortedMap<String, String> credentials)
      throws IOException {
    String account = request.object().path("spec").path("serviceAccountName").asText("");
    if (account.isEmpty()) {
      account = "default";
    }
    AdmissionRequest.User user = user(request.namespace(), account);
    List<Map.Entry<String, FutureTask<Boolean>>> asked = new ArrayList<>();
    for (String secret : credentials.keySet()) {
      for (String verb : READING) {
        FutureTask<Boolean> task =
            new FutureTask<>(
                () ->
                    reviews.allowed(
                        new AccessReviews.Question(user, verb, request.namespace(), secret)));
        asked.add(Map.entry(secret, task));
        executor.execute(task);
      }
    }
    long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(MILLIS);
    List<Refusal> refusals = new ArrayList<>();
    String last = "";
    for (Map.Entry<String, FutureTask<Boolean>> entry : asked) {
      String secret = entry.getKey();
      if (answer(entry.getValue(), end) && !last.equals(secret)) {
        last = secret;
        refusals.add(PodAdmission.privileged(account, secret, credentials.get(secret)));
      }
    }
    return refusals;
  }

  private static boolean answer(FutureTask<Boolean> task, long end) throws IOException {
    try {
      return task.get(Math.max(0, end - System.nanoTime()), TimeUnit.NANOSECONDS);
    } catch (ExecutionException e) {
      throw e.getCause() instanceof IOException failure
          ? failure
          : new IOException("permissions cannot be asked for", e.getCause());
    } catch (TimeoutException e) {
      throw new IOException("permissions were not told in time", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("the operator stops", e);
    }
  }

  /** A service account as Kubernetes authenticates its tokens. */
  private static AdmissionRequest.User user(String namespace, String account) {
    return new AdmissionRequest.User(
        "system:serviceaccount:" + namespace + ":" + account,
        "",
        List.of(
            "system:serviceaccounts",
            "system:serviceaccounts:" + namespace,
            "system:authenticated"),
        Map.of());
  }
}
