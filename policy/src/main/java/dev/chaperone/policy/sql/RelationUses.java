package dev.chaperone.policy.sql;

import dev.chaperone.policy.Dependency;
import dev.chaperone.policy.Effect;
import dev.chaperone.policy.sql.Scope.Meaning;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/** The relations that a query reads and writes, and what reading and writing them does. */
final class RelationUses {
  private final Scope scope;
  private final Catalog catalog;
  private final Reading reading;
  private Set<Meaning> read = Set.of();
  private Set<Meaning> written = Set.of();
  private Set<String> system = Set.of();
  private String command = "SELECT";
  private boolean locks;

  RelationUses(Scope scope, Reading reading) {
    this.scope = scope;
    this.catalog = scope.catalog();
    this.reading = reading;
  }

  /** Names the accesses of reading otherwise than SELECT. */
  void readAs(String readCommand) {
    command = readCommand;
  }

  /** What a name of a relation may mean; never empty. */
  Set<Meaning> meanings(List<String> chain) {
    String name = chain.get(chain.size() - 1);
    String schema = chain.size() > 1 ? chain.get(chain.size() - 2) : null;
    if (schema == null ? scope.isTemporary(name) : Scope.isTemporarySchema(schema)) {
      reading.dependsOn(Dependency.SESSION);
    }
    return scope.relation(schema, name);
  }

  /** Reads a relation that a FROM item names. */
  void read(List<String> chain) {
    for (Meaning meaning : meanings(chain)) {
      reading.table(meaning.resource());
      read(meaning);
    }
  }

  void read(Meaning meaning) {
    Relation relation = meaning.relation();
    if (!meaning.known()) {
      unresolved(meaning.resource(), command);
      return;
    }
    if (relation == null) {
      addRead(meaning);
      reading.add(Effect.READ, command, meaning.resource());
      return;
    }
    if (relation.isSystem()) {
      if (system.isEmpty()) {
        system = new LinkedHashSet<>();
      }
      system.add(meaning.resource());
      SystemRelations.effectOfReading(relation)
          .ifPresent(effect -> reading.add(effect, command, meaning.resource()));
      return;
    }
    if (addRead(meaning)) {
      reading.add(Effect.READ, command, meaning.resource());
      for (Relation ancestor : catalog.ancestors(relation)) {
        reading.add(Effect.READ, command, ancestor.resource());
      }
      catalog.hidden(relation).forEach(reading::add);
    }
  }

  private boolean addRead(Meaning meaning) {
    if (read.isEmpty()) {
      read = new LinkedHashSet<>();
    }
    return read.add(meaning);
  }

  /** Makes each target written by a command of that tag. */
  void write(List<Meaning> targets, String tag) {
    if (written.isEmpty()) {
      written = new LinkedHashSet<>();
    }
    written.addAll(targets);
    for (Meaning meaning : targets) {
      Relation relation = meaning.relation();
      if (!meaning.known()) {
        unresolved(meaning.resource(), tag);
      } else if (relation != null && relation.isSystem()) {
        if (catalog.isSettingsView(relation)) {
          reading.refuse("a write to pg_settings changes settings past the gateway");
        }
        reading.add(Effect.PRIVILEGE, tag, meaning.resource());
      } else {
        reading.add(Effect.WRITE, tag, meaning.resource());
        if (relation != null) {
          if (catalog.isSettingsView(relation)) {
            reading.refuse("a write to pg_settings changes settings past the gateway");
          }
          for (Relation ancestor : catalog.ancestors(relation)) {
            reading.add(Effect.WRITE, tag, ancestor.resource());
          }
          catalog.hidden(relation).forEach(reading::add);
        }
      }
    }
  }

  private void unresolved(String resource, String tag) {
    reading.unresolved(resource);
    reading.add(Effect.UNKNOWN, tag, resource);
  }

  /** The rows that are read are locked too. */
  void lock() {
    locks = true;
  }

  /** The relations read so far whose columns may hold values. */
  Set<Meaning> read() {
    return read;
  }

  Set<Meaning> written() {
    return written;
  }

  /** Adds what is known when the whole query has been read. */
  void finish() {
    if (locks) {
      system.forEach(resource -> reading.add(Effect.PRIVILEGE, "SELECT", resource));
      for (Meaning meaning : read) {
        reading.add(Effect.WRITE, "SELECT", meaning.resource());
        if (meaning.relation() != null) {
          for (Relation ancestor : catalog.ancestors(meaning.relation())) {
            reading.add(Effect.WRITE, "SELECT", ancestor.resource());
          }
        }
      }
    }
  }
}
