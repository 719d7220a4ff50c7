package dev.chaperone.benchmarks.wire;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/** Prints the results as a table, and writes them as JSON. */
final class Report {
  private Report() {}

  static void print(Results results) {
    System.out.printf(
        "%n%-10s %3s  %-9s  %9s  %-17s  %-17s  %s%n",
        "workload", "c", "leg", "tps", "x direct", "x PgBouncer", "CPU us/query");
    results.cells().forEach(Report::printCell);
    System.out.println("\nRatios are medians of the ratios within each round [lowest-highest].");
    results
        .memory()
        .forEach((what, mebibytes) -> System.out.printf("RSS %s: %.1f MiB%n", what, mebibytes));
    List<Floor> floors = Floor.of(results);
    if (!floors.isEmpty()) {
      System.out.println();
      floors.forEach(System.out::println);
    }
  }

  private static void printCell(Results.Cell cell, Map<String, List<Sample>> legs) {
    legs.forEach(
        (leg, samples) ->
            System.out.printf(
                Locale.ROOT,
                "%-10s %3d  %-9s  %9.0f  %-17s  %-17s  %s%n",
                cell.workload().label(),
                cell.clients(),
                leg,
                Spread.of(samples, Sample::tps).median(),
                against(leg, samples, Leg.DIRECT, legs),
                against(leg, samples, Leg.PGBOUNCER, legs),
                leg.equals(Leg.DIRECT)
                    ? ""
                    : String.format(
                        Locale.ROOT, "%.1f", Spread.of(samples, Sample::cpuMicros).median())));
  }

  private static String against(
      String leg, List<Sample> samples, String base, Map<String, List<Sample>> legs) {
    return leg.equals(base) || !legs.containsKey(base)
        ? ""
        : Spread.ofRatios(samples, legs.get(base)).ratio();
  }

  static void write(Results results, Options options) throws IOException {
    String cells =
        results.cells().entrySet().stream()
            .map(cell -> cellJson(cell.getKey(), cell.getValue()))
            .collect(Collectors.joining(",\n    "));
    String memory =
        results.memory().entrySet().stream()
            .map(e -> String.format(Locale.ROOT, "\"%s\": %.1f", e.getKey(), e.getValue()))
            .collect(Collectors.joining(", "));
    String floors =
        Floor.of(results).stream().map(Floor::json).collect(Collectors.joining(",\n    "));
    Path json = options.json();
    Files.createDirectories(json.toAbsolutePath().getParent());
    Files.writeString(
        json,
        """
        {
          "rounds": %d,
          "seconds": %d,
          "cells": [
            %s
          ],
          "rssMebibytes": {%s},
          "floors": [
            %s
          ]
        }
        """
            .formatted(options.rounds(), options.seconds(), cells, memory, floors));
    System.out.println("\nFigures: " + json);
  }

  private static String cellJson(Results.Cell cell, Map<String, List<Sample>> legs) {
    String values =
        legs.entrySet().stream()
            .map(leg -> "\"%s\": %s".formatted(leg.getKey(), legJson(leg, legs)))
            .collect(Collectors.joining(", "));
    return "{\"workload\": \"%s\", \"clients\": %d, %s}"
        .formatted(cell.workload().label(), cell.clients(), values);
  }

  private static String legJson(
      Map.Entry<String, List<Sample>> leg, Map<String, List<Sample>> legs) {
    StringBuilder json = new StringBuilder();
    json.append("{\"tps\": ").append(Spread.of(leg.getValue(), Sample::tps).json());
    if (!leg.getKey().equals(Leg.DIRECT)) {
      json.append(", \"cpuMicros\": ").append(Spread.of(leg.getValue(), Sample::cpuMicros).json());
    }
    for (String base : List.of(Leg.DIRECT, Leg.PGBOUNCER)) {
      if (!base.equals(leg.getKey()) && legs.containsKey(base)) {
        json.append(", \"of_").append(base).append("\": ");
        json.append(Spread.ofRatios(leg.getValue(), legs.get(base)).json());
      }
    }
    return json.append('}').toString();
  }
}
