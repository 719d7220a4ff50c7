package dev.chaperone.operator.webhook;

import dev.chaperone.operator.access.AccessReviews;
import dev.chaperone.operator.access.AccessReviews.Question;
import dev.chaperone.operator.access.SecretReading;
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

/** Finds pods whose own service account may read a credential that only the gateway should have. */
final class AccountCheck {
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
    List<Map.Entry<String, FutureTask<Boolean>>> asked = new ArrayList<>();
    for (String secret : credentials.keySet()) {
      for (Question question : SecretReading.questions(request.namespace(), account, secret)) {
        FutureTask<Boolean> task = new FutureTask<>(() -> reviews.allowed(question));
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
}
