package dev.chaperone.policy.sql;

import dev.chaperone.policy.masking.MaskPredicates;
import dev.chaperone.policy.masking.MaskUse;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * What relations and queries of WITH offer as row sources: their columns, with the masks of each.
 */
final class RowSources {
  private final Scope scope;
  private final ProtectedColumns columns;
  private final boolean follows;
  private final Map<Long, List<ResultColumn>> relations = new HashMap<>();

  /**
   * @param follows whether anybody wants to know where values come from
   */
  RowSources(Scope scope, ProtectedColumns columns, boolean follows) {
    this.scope = scope;
    this.columns = columns;
    this.follows = follows;
  }

  /** A query of WITH, or a relation. */
  RowSource named(QueryFrame frame, List<String> name, String alias) throws ColumnUsageException {
    if (name.isEmpty()) {
      throw ColumnRefusals.unclear();
    }
    List<ResultColumn> query = name.size() == 1 ? frame.queryName(name.get(0)) : null;
    if (query != null) {
      return new RowSource(
          alias == null ? name.get(0) : alias, null, through("WITH " + name.get(0), query));
    }
    return relation(name, alias);
  }

  /** The columns of a query as its surroundings see them. */
  List<ResultColumn> through(String query, List<ResultColumn> result) {
    if (!follows) {
      return result;
    }
    List<ResultColumn> seen = new ArrayList<>(result.size());
    for (ResultColumn column : result) {
      seen.add(
          new ResultColumn(
              column.name(),
              column.mask(),
              Lineage.query(query, column.name(), column.lineage()),
              column.taint(),
              column.comparability(),
              column.derived()));
    }
    return seen;
  }

  /** A relation; its alias may be null. */
  RowSource relation(List<String> chain, String alias) throws ColumnUsageException {
    String name = chain.get(chain.size() - 1);
    String schema = chain.size() > 1 ? chain.get(chain.size() - 2) : null;
    Set<Scope.Meaning> meanings = scope.relation(schema, name);
    Scope.Meaning meaning = meanings.iterator().next();
    if (meanings.size() > 1) {
      for (Scope.Meaning each : meanings) {
        if (columns.concerns(each.resource())) {
          throw ColumnRefusals.ambiguous(name);
        }
      }
      return RowSource.opaque(alias == null ? name : alias);
    }
    Optional<String> denied = columns.denied(meaning.resource());
    if (denied.isPresent()) {
      throw ColumnRefusals.denied(denied.get());
    }
    Relation relation = meaning.relation();
    if (relation == null || scope.catalog().columns(relation).isEmpty()) {
      return RowSource.opaque(alias == null ? name : alias);
    }
    return new RowSource(
        alias == null ? name : alias,
        alias == null ? relation.resource() : null,
        relations.computeIfAbsent(relation.oid(), oid -> columns(relation)));
  }

  private List<ResultColumn> columns(Relation relation) {
    List<ResultColumn> all = new ArrayList<>();
    for (Catalog.Column column : scope.catalog().columns(relation)) {
      all.add(
          new ResultColumn(
              column.name(),
              columns.mask(relation.oid(), column.number()),
              follows
                  ? Lineage.column(
                      relation.oid(), column.number(), relation.resource(), column.name())
                  : Lineage.UNKNOWN,
              columns.use(relation.oid(), column.number()) == MaskUse.TAINT
                  ? Taint.ofType(column.type())
                  : Taint.NONE,
              columns.predicates(relation.oid(), column.number()) == MaskPredicates.ALLOW
                  ? Comparability.ofType(column.type())
                  : Comparability.NONE,
              false));
    }
    return all;
  }
}
