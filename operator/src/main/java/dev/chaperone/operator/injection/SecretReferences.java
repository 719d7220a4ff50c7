package dev.chaperone.operator.injection;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.Predicate;

/**
 * Finds where a pod names a Secret.
 *
 * <p>All fields of the Pod API that name a Secret have the word in their own name or in that of the
 * object they are in; a test holds this against the API. So everything below such a name is
 * searched, which also finds fields that a newer API server has, and what drivers of volumes are
 * told in {@code volumeAttributes} and {@code options}.
 */
final class SecretReferences {
  private SecretReferences() {}

  /**
   * The places that name one of the Secrets.
   *
   * @param spec of the pod
   * @param isSkipped tells by its pointer what is not searched
   */
  static List<Place> find(Place spec, Set<String> secrets, Predicate<String> isSkipped) {
    List<Place> found = new ArrayList<>();
    if (!secrets.isEmpty()) {
      spec.visit(
          isSkipped,
          place -> {
            if (secrets.contains(place.text()) && mayNameSecret(place)) {
              found.add(place);
            }
          });
    }
    return found;
  }

  private static boolean mayNameSecret(Place place) {
    // The key in a Secret, and the file it is to be, may have the name of another Secret.
    return !place.lastField().equals("key")
        && !place.lastField().equals("path")
        && place.pointer().toLowerCase(Locale.ROOT).contains("secret");
  }
}
