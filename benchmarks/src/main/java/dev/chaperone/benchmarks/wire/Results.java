package dev.chaperone.benchmarks.wire;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** All samples of a run, by cell and leg, in the order of the rounds. */
final class Results {
  /**
   * What one number is about.
   *
   * @param workload what ran
   * @param clients how many at once
   */
  record Cell(Workload workload, int clients) {}

  private final Map<Cell, Map<String, List<Sample>>> samples = new LinkedHashMap<>();
  private final Map<String, Double> memory = new LinkedHashMap<>();

  void add(Cell cell, String leg, Sample sample) {
    samples
        .computeIfAbsent(cell, key -> new LinkedHashMap<>())
        .computeIfAbsent(leg, key -> new ArrayList<>())
        .add(sample);
  }

  void memory(String leg, String when, double mebibytes) {
    memory.put(leg + " " + when, mebibytes);
  }

  Map<Cell, Map<String, List<Sample>>> cells() {
    return samples;
  }

  Map<String, Double> memory() {
    return memory;
  }
}
