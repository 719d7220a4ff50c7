package dev.chaperone.policy.sql;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;

/** What a statement does with masked columns. */
public sealed interface Masking {

  /** What a column of a result is to the masks. */
  enum Output {
    /** No masked one. */
    FREE,
    /** A masked column by itself. */
    PROTECTED,
    /** An expression over a masked column: it is replaced as a whole. */
    DERIVED
  }

  /** Nothing: it names no relation that has any. */
  record Untouched() implements Masking {
    static final Untouched INSTANCE = new Untouched();
  }

  /**
   * It names relations that have masked columns, and uses these columns as it may.
   *
   * @param columns the masked columns that it returns, by the name they have in the result; empty
   *     where it returns none
   * @param maskedParameters the numbers of the parameters whose values go into masked columns
   * @param hidesLiterals whether literals of its text go, or may go, into masked columns: then the
   *     text is recorded and shown without its literals
   * @param outputs what each column of its result is; empty where none is derived
   * @param compares whether it compares masked columns, or sorts or groups by them
   */
  record Projects(
      List<String> columns,
      Set<Integer> maskedParameters,
      boolean hidesLiterals,
      List<Output> outputs,
      boolean compares)
      implements Masking {
    /** Touches the relations and returns nothing of the columns. */
    static final Projects NOTHING = new Projects(List.of(), Set.of(), false);

    public Projects {
      columns = List.copyOf(columns);
      maskedParameters = Set.copyOf(maskedParameters);
      outputs = List.copyOf(outputs);
    }

    /** Returns no expression over a masked column, and compares none. */
    public Projects(List<String> columns, Set<Integer> maskedParameters, boolean hidesLiterals) {
      this(columns, maskedParameters, hidesLiterals, List.of(), false);
    }
  }

  /**
   * It would show or use values that are masked, or it is not sure that it does not. It must not
   * run.
   *
   * @param reason what is in the way, safe to show
   * @param hint what would be allowed
   */
  record Refused(String reason, String hint) implements Masking {
    public Refused {
      Objects.requireNonNull(reason, "reason");
      Objects.requireNonNull(hint, "hint");
    }
  }

  /** Whether relations with masked columns are touched. */
  default boolean touches() {
    return !(this instanceof Untouched);
  }

  /** Whether expressions over masked columns are returned. */
  default boolean derives() {
    return this instanceof Projects p && !p.outputs.isEmpty();
  }

  /** Whether masked columns are compared, or rows sorted or grouped by them. */
  default boolean compares() {
    return this instanceof Projects p && p.compares;
  }

  /**
   * The same of a statement that is not sent by itself; refused where it returns expressions over
   * masked columns or compares them.
   */
  default Masking notAlone() {
    if (derives()) {
      return new Refused(
          "an expression over a masked column may only be returned by a SELECT that is sent by"
              + " itself",
          "Send the SELECT alone, or name the column by itself in the list of what is returned.");
    }
    return compares()
        ? ColumnRefusals.comparedBeside("in a SELECT that is sent by itself").refused()
        : this;
  }

  /** Whether the text is to be recorded and shown without its literals. */
  default boolean hidesLiterals() {
    return this instanceof Refused || (this instanceof Projects p && p.hidesLiterals());
  }

  /** The stricter of both: a refusal, then whatever touches. */
  default Masking and(Masking other) {
    if (this instanceof Refused || other instanceof Untouched) {
      return this;
    }
    if (other instanceof Refused || this instanceof Untouched) {
      return other;
    }
    Projects one = (Projects) this;
    Projects two = (Projects) other;
    List<String> columns = new ArrayList<>(one.columns);
    columns.addAll(two.columns);
    Set<Integer> parameters = new TreeSet<>(one.maskedParameters);
    parameters.addAll(two.maskedParameters);
    return new Projects(columns, parameters, one.hidesLiterals || two.hidesLiterals);
  }

  /** The same of a statement that does not return what its body does. */
  default Masking withoutColumns() {
    return this instanceof Projects p
        ? new Projects(List.of(), p.maskedParameters, p.hidesLiterals)
        : this;
  }
}
