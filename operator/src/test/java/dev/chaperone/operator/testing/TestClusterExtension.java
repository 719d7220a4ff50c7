package dev.chaperone.operator.testing;

import java.nio.file.Path;
import org.junit.jupiter.api.extension.AfterTestExecutionCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.DynamicTestInvocationContext;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.InvocationInterceptor;
import org.junit.jupiter.api.extension.LifecycleMethodExecutionExceptionHandler;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;
import org.junit.platform.commons.support.AnnotationSupport;
import org.opentest4j.TestAbortedException;

/** Gives each class its {@link TestCluster}, and writes down what was in it when a test fails. */
final class TestClusterExtension
    implements ExecutionCondition,
        BeforeAllCallback,
        AfterTestExecutionCallback,
        InvocationInterceptor,
        LifecycleMethodExecutionExceptionHandler,
        ParameterResolver {
  private static final ExtensionContext.Namespace STORE =
      ExtensionContext.Namespace.create(TestClusterExtension.class);

  TestClusterExtension() {}

  /** A condition and not an assumption: an assumption of a whole class is in no report. */
  @Override
  public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
    if (onNode(context)) {
      boolean withPostgresql =
          AnnotationSupport.findAnnotation(testClass(context), UsesTestNode.class)
              .map(UsesTestNode::withPostgresql)
              .orElse(false);
      return TestCluster.reasonNotToRunOnNode(withPostgresql)
          .map(ConditionEvaluationResult::disabled)
          .orElseGet(() -> ConditionEvaluationResult.enabled("there can be a node"));
    }
    boolean onThisMachine =
        AnnotationSupport.findAnnotation(testClass(context), UsesTestCluster.class)
            .map(UsesTestCluster::onThisMachine)
            .orElse(false);
    return TestCluster.reasonNotToRun(onThisMachine)
        .map(ConditionEvaluationResult::disabled)
        .orElseGet(() -> ConditionEvaluationResult.enabled("there is a cluster"));
  }

  /** Opens it. JUnit closes it with the store of the class. */
  @Override
  public void beforeAll(ExtensionContext context) {
    String name = context.getRequiredTestClass().getSimpleName();
    context
        .getStore(STORE)
        .put(
            TestCluster.class,
            onNode(context) ? TestCluster.openWithNode(name) : TestCluster.open(name));
  }

  @Override
  public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
    return parameter.getParameter().getType() == TestCluster.class;
  }

  @Override
  public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
    return cluster(context);
  }

  @Override
  public void afterTestExecution(ExtensionContext context) {
    context.getExecutionException().ifPresent(failure -> dump(context, failure));
  }

  @Override
  public void interceptDynamicTest(
      Invocation<Void> invocation, DynamicTestInvocationContext test, ExtensionContext context)
      throws Throwable {
    try {
      invocation.proceed();
    } catch (Exception | AssertionError e) {
      dump(context, e);
      throw e;
    }
  }

  @Override
  public void handleBeforeAllMethodExecutionException(ExtensionContext context, Throwable failure)
      throws Throwable {
    dump(context, failure);
    throw failure;
  }

  private static boolean onNode(ExtensionContext context) {
    return AnnotationSupport.isAnnotated(testClass(context), UsesTestNode.class);
  }

  private static TestCluster cluster(ExtensionContext context) {
    return context.getStore(STORE).get(TestCluster.class, TestCluster.class);
  }

  private static void dump(ExtensionContext context, Throwable failure) {
    if (failure instanceof TestAbortedException) {
      return;
    }
    String name =
        testClass(context).getSimpleName()
            + "."
            + context.getDisplayName().replaceAll("[^A-Za-z0-9]+", "-");
    Path file =
        Path.of("target", "cluster", name.substring(0, Math.min(150, name.length())) + ".yaml");
    try {
      cluster(context).dump(file);
      System.err.println("what was in the cluster when " + name + " failed: operator/" + file);
    } catch (RuntimeException e) {
      failure.addSuppressed(e);
    }
  }

  /** A dynamic test has no class of its own, but its parent has. */
  private static Class<?> testClass(ExtensionContext context) {
    return context.getTestClass().orElseGet(() -> testClass(context.getParent().orElseThrow()));
  }
}
