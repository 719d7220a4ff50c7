package dev.chaperone.policy;

import dev.cel.common.CelAbstractSyntaxTree;
import dev.cel.common.CelIssue;
import dev.cel.common.CelOptions;
import dev.cel.common.CelValidationException;
import dev.cel.common.CelValidationResult;
import dev.cel.common.ast.CelExpr;
import dev.cel.common.navigation.CelNavigableAst;
import dev.cel.common.navigation.CelNavigableExpr;
import dev.cel.common.types.CelType;
import dev.cel.common.types.ListType;
import dev.cel.common.types.SimpleType;
import dev.cel.compiler.CelCompiler;
import dev.cel.compiler.CelCompilerBuilder;
import dev.cel.compiler.CelCompilerFactory;
import dev.cel.parser.CelStandardMacro;
import dev.cel.runtime.CelEvaluationException;
import dev.cel.runtime.CelRuntime;
import dev.cel.runtime.CelRuntimeFactory;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * Compiles conditions. The only class that touches the CEL library: as long as no rule has a
 * condition, none of it is loaded.
 *
 * <p>Every field is declared as one qualified variable ({@code operation.sql.hasWhere}), so that
 * the type check knows each of them and an evaluation looks up only what it reads.
 */
final class CelConditions {
  private static final int MAX_SOURCE = 2048;
  private static final int MAX_NODES = 500;
  private static final int MAX_DEPTH = 32;
  private static final int MAX_ITERATIONS = 10_000;
  private static final int MAX_REGEX_PROGRAM = 1_000;

  private static final Set<String> ROOTS = Set.of("operation", "session", "subject", "now");

  private static final CelOptions OPTIONS =
      CelOptions.current()
          .maxExpressionCodePointSize(MAX_SOURCE)
          .maxParseRecursionDepth(MAX_DEPTH)
          .maxParseExpressionNodeCount(MAX_NODES)
          .comprehensionMaxIterations(MAX_ITERATIONS)
          .maxRegexProgramSize(MAX_REGEX_PROGRAM)
          .enableRegexPartialMatch(true)
          .enableHeterogeneousNumericComparisons(true)
          .build();

  private static final CelCompiler COMPILER = compiler();
  private static final CelRuntime RUNTIME =
      CelRuntimeFactory.plannerRuntimeBuilder().setOptions(OPTIONS).build();

  private CelConditions() {}

  private static CelCompiler compiler() {
    CelCompilerBuilder builder =
        CelCompilerFactory.standardCelCompilerBuilder()
            .setOptions(OPTIONS)
            .setStandardMacros(CelStandardMacro.STANDARD_MACROS);
    OperationSchema.all().forEach((name, type) -> builder.addVar(name, celType(type)));
    return builder.build();
  }

  private static CelType celType(OperationSchema.Type type) {
    return switch (type) {
      case BOOL -> SimpleType.BOOL;
      case INT -> SimpleType.INT;
      case STRING -> SimpleType.STRING;
      case STRING_LIST -> ListType.create(SimpleType.STRING);
      case TIMESTAMP -> SimpleType.TIMESTAMP;
    };
  }

  /** Compiles a condition, or says what is wrong with it and what to write instead. */
  static Condition compile(String source) throws Condition.InvalidConditionException {
    if (source.isBlank()) {
      throw new Condition.InvalidConditionException("the condition is empty");
    }
    if (source.length() > MAX_SOURCE) {
      throw new Condition.InvalidConditionException(
          "the condition is longer than " + MAX_SOURCE + " characters");
    }
    try {
      CelValidationResult parsed = COMPILER.parse(source);
      if (parsed.hasError()) {
        throw new Condition.InvalidConditionException(issues(parsed));
      }
      CelAbstractSyntaxTree tree = parsed.getAst();
      CelNavigableExpr root = CelNavigableAst.fromAst(tree).getRoot();
      checkNames(root);
      checkRegularExpressions(root);
      CelValidationResult checked = COMPILER.check(tree);
      if (checked.hasError()) {
        throw new Condition.InvalidConditionException(issues(checked));
      }
      CelAbstractSyntaxTree ast = checked.getAst();
      if (!ast.getResultType().equals(SimpleType.BOOL)) {
        throw new Condition.InvalidConditionException(
            "the condition must be true or false, but it is of type " + ast.getResultType().name());
      }
      Set<Dependency> dependencies = EnumSet.noneOf(Dependency.class);
      for (String name : names(root)) {
        if (name.equals("now")) {
          dependencies.add(Dependency.TIME);
        } else if (name.equals("operation.text")) {
          dependencies.add(Dependency.LITERALS);
        }
      }
      return new CompiledCondition(RUNTIME.createProgram(ast), Set.copyOf(dependencies));
    } catch (CelValidationException | CelEvaluationException e) {
      throw new Condition.InvalidConditionException(firstLine(e.getMessage()));
    } catch (StackOverflowError e) {
      throw new Condition.InvalidConditionException("the condition is nested too deeply");
    }
  }

  private static String issues(CelValidationResult result) {
    return result.getErrors().stream().map(CelConditions::issue).collect(Collectors.joining("; "));
  }

  private static String issue(CelIssue issue) {
    return "column "
        + (issue.getSourceLocation().getColumn() + 1)
        + ": "
        + firstLine(issue.getMessage());
  }

  private static String firstLine(String message) {
    String text = String.valueOf(message);
    int end = text.indexOf('\n');
    return end < 0 ? text : text.substring(0, end);
  }

  /** Refuses names that are not in the schema, before CEL calls the root undeclared. */
  private static void checkNames(CelNavigableExpr root) throws Condition.InvalidConditionException {
    for (CelNavigableExpr node : root.allNodes().toList()) {
      if (node.getKind() == CelExpr.ExprKind.Kind.COMPREHENSION) {
        String variable = node.expr().comprehension().iterVar();
        if (ROOTS.contains(variable)) {
          throw new Condition.InvalidConditionException(
              "\"" + variable + "\" is taken; give the variable of the macro another name");
        }
      }
      if (node.getKind() == CelExpr.ExprKind.Kind.SELECT
          && node.expr().select().testOnly()
          && chain(node.expr()).isPresent()) {
        throw new Condition.InvalidConditionException(
            "has("
                + chain(node.expr()).get()
                + ") is always true: every field has a value; compare the value instead");
      }
    }
    for (String name : names(root)) {
      checkName(name);
    }
  }

  private static void checkName(String name) throws Condition.InvalidConditionException {
    Map<String, OperationSchema.Type> known = OperationSchema.all();
    if (known.containsKey(name)) {
      return;
    }
    for (String field : known.keySet()) {
      if (name.startsWith(field + ".")) {
        throw new Condition.InvalidConditionException(field + " has no fields");
      }
    }
    List<String> below = OperationSchema.below(name);
    if (!below.isEmpty()) {
      throw new Condition.InvalidConditionException(
          name + " is not a value; use one of its fields: " + String.join(", ", below));
    }
    Optional<String> nearest = OperationSchema.nearest(name);
    String parent = name.substring(0, Math.max(0, name.lastIndexOf('.')));
    throw new Condition.InvalidConditionException(
        "unknown field "
            + name
            + nearest
                .map(n -> "; did you mean " + n + "?")
                .orElseGet(
                    () -> {
                      List<String> siblings = OperationSchema.below(parent);
                      return siblings.isEmpty() ? "" : "; known: " + String.join(", ", siblings);
                    }));
  }

  /** The qualified names that start at one of our roots, each as long as it is written. */
  private static Set<String> names(CelNavigableExpr root) {
    Set<String> names = new TreeSet<>();
    root.allNodes()
        .filter(
            node ->
                node.parent().isEmpty()
                    || node.parent().get().getKind() != CelExpr.ExprKind.Kind.SELECT)
        .forEach(node -> chain(node.expr()).ifPresent(names::add));
    return names;
  }

  private static Optional<String> chain(CelExpr expr) {
    return switch (expr.getKind()) {
      case IDENT -> {
        String name = expr.ident().name();
        String plain = name.startsWith(".") ? name.substring(1) : name;
        yield ROOTS.contains(plain) ? Optional.of(plain) : Optional.empty();
      }
      case SELECT ->
          chain(expr.select().operand()).map(prefix -> prefix + "." + expr.select().field());
      default -> Optional.empty();
    };
  }

  /** A pattern must be a constant, so that its cost is known and it is compiled once. */
  private static void checkRegularExpressions(CelNavigableExpr root)
      throws Condition.InvalidConditionException {
    for (CelNavigableExpr node : root.allNodes().toList()) {
      if (node.getKind() != CelExpr.ExprKind.Kind.CALL
          || !node.expr().call().function().equals("matches")) {
        continue;
      }
      List<CelExpr> arguments = node.expr().call().args();
      CelExpr pattern = arguments.isEmpty() ? null : arguments.get(arguments.size() - 1);
      if (pattern == null || pattern.getKind() != CelExpr.ExprKind.Kind.CONSTANT) {
        throw new Condition.InvalidConditionException(
            "the pattern of matches() must be a constant string");
      }
      try {
        Object unused = com.google.re2j.Pattern.compile(pattern.constant().stringValue());
      } catch (RuntimeException e) {
        throw new Condition.InvalidConditionException(
            "the pattern of matches() is no regular expression: " + firstLine(e.getMessage()));
      }
    }
  }

  private record CompiledCondition(CelRuntime.Program program, Set<Dependency> dependencies)
      implements Condition {
    @Override
    public Result evaluate(Facts facts) {
      try {
        Object value = program.eval(name -> variable(name, facts));
        return value instanceof Boolean holds
            ? new Result.Value(holds)
            : new Result.Failure("the condition came to no boolean");
      } catch (CelEvaluationException e) {
        return new Result.Failure(reason(e));
      } catch (RuntimeException | StackOverflowError e) {
        return new Result.Failure(e.getClass().getSimpleName());
      }
    }

    /** The code of the error alone: its message may quote values of the statement. */
    private static String reason(CelEvaluationException e) {
      return "evaluation failed: " + e.getErrorCode();
    }

    private static Optional<Object> variable(String name, Facts facts) {
      String plain = name.startsWith(".") ? name.substring(1) : name;
      Subject subject = facts.requester().subject();
      return switch (plain) {
        case "operation.protocol" -> Optional.of(facts.operation().protocol());
        case "operation.text" -> Optional.of(facts.operation().text());
        case "operation.command" -> Optional.of(facts.part().command());
        case "operation.effects" ->
            Optional.of(
                facts.part().accesses().stream()
                    .map(access -> access.effect().label())
                    .distinct()
                    .toList());
        case "operation.resources" ->
            Optional.of(facts.part().accesses().stream().map(Access::resource).distinct().toList());
        case "session.namespace" -> Optional.of(facts.requester().namespace());
        case "session.connection" -> Optional.of(facts.requester().connection());
        case "subject.namespace" -> Optional.of(subject.namespace());
        case "subject.serviceAccount" -> Optional.of(subject.serviceAccount());
        case "subject.user" -> Optional.of(subject.user().orElse(""));
        case "subject.groups" -> Optional.of(subject.groups().stream().sorted().toList());
        case "now" -> Optional.of(facts.now());
        default -> attribute(plain, facts);
      };
    }

    private static Optional<Object> attribute(String name, Facts facts) {
      if (name.startsWith("operation.sql.")) {
        return value(facts.part().attributes().get(name.substring("operation.sql.".length())));
      }
      if (name.startsWith("session.")) {
        return value(facts.requester().session().get(name.substring("session.".length())));
      }
      return Optional.empty();
    }

    private static Optional<Object> value(Object value) {
      return Optional.ofNullable(value instanceof Integer i ? Long.valueOf(i) : value);
    }
  }
}
