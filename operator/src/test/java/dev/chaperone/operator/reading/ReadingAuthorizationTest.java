package dev.chaperone.operator.reading;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.chaperone.operator.access.AccessReviews;
import dev.chaperone.operator.access.AccessReviews.Question;
import dev.chaperone.operator.admission.AdmissionRequest.User;
import dev.chaperone.operator.reading.RecordingRequest.Discovery;
import dev.chaperone.operator.reading.RecordingRequest.Files;
import dev.chaperone.operator.reading.RecordingRequest.From;
import dev.chaperone.operator.reading.RecordingRequest.Metadata;
import dev.chaperone.operator.reading.RecordingRequest.Name;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ReadingAuthorizationTest {
  private static final User ANN =
      new User("ann", "uid-7", List.of("auditors"), Map.of("scope", List.of("one")));
  private static final Name NAME = new Name("support", "s-1");
  private static final List<RecordingRequest> BOTH =
      List.of(new Metadata(NAME, false), new Files(NAME, false, From.START, true));

  private static void authorize(AccessReviews reviews, RecordingRequest asked) throws ApiException {
    new RecordingReading(reviews, null, null, null, null).authorize(ANN, asked);
  }

  @Test
  void theClusterIsAskedForThatSessionAndThatUserEachTime() throws Exception {
    List<Question> asked = new ArrayList<>();
    for (RecordingRequest request : BOTH) {
      authorize(
          question -> {
            asked.add(question);
            return true;
          },
          request);
    }
    Question question =
        new Question(ANN, "get", "chaperone.dev", "agentsessions", "recording", "support", "s-1");
    assertThat(asked).containsExactly(question, question);
  }

  @Test
  void whoMayNotIsRefusedAndWhatCannotBeToldIsNoYes() {
    for (RecordingRequest request : BOTH) {
      assertThat(code(question -> false, request)).isEqualTo(403);
      assertThat(
              code(
                  question -> {
                    throw new IOException("the API server is away");
                  },
                  request))
          .isEqualTo(503);
    }
  }

  private static int code(AccessReviews reviews, RecordingRequest request) {
    ApiException refusal =
        catchThrowableOfType(ApiException.class, () -> authorize(reviews, request));
    assertThat(refusal).isNotNull();
    return refusal.code();
  }

  @Test
  void whichResourcesThereAreIsNoSecret() throws Exception {
    authorize(
        question -> {
          throw new IOException("not asked");
        },
        new Discovery());
  }
}
