package dev.chaperone.operator.program;

import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.inject.Produces;
import org.eclipse.microprofile.health.HealthCheck;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.eclipse.microprofile.health.HealthCheckResponseBuilder;
import org.eclipse.microprofile.health.Readiness;
import org.eclipse.microprofile.health.Startup;

/** How the operator is, at {@code /health/ready} and {@code /health/started}. */
@ApplicationScoped
class OperatorHealth {
  private final OperatorLifecycle operator;

  OperatorHealth(OperatorLifecycle operator) {
    this.operator = operator;
  }

  /** Says of each part why it cannot be relied on. */
  @Produces
  @Readiness
  @ApplicationScoped
  HealthCheck ready() {
    return () -> {
      HealthCheckResponseBuilder response = HealthCheckResponse.named("operator");
      boolean up = operator.isStarted() && !operator.isStopping();
      for (ReadinessSource source : operator.readiness()) {
        String problem = source.problem().orElse("");
        up &= problem.isEmpty();
        response.withData(source.name(), problem.isEmpty() ? "ready" : problem);
      }
      return response.status(up).build();
    };
  }

  @Produces
  @Startup
  @ApplicationScoped
  HealthCheck started() {
    return () -> HealthCheckResponse.named("operator").status(operator.isStarted()).build();
  }
}
