package dev.chaperone.benchmarks.wire;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * What the command line asks for.
 *
 * @param rounds how many times every cell is measured
 * @param seconds how long one measurement takes
 * @param clients the numbers of concurrent clients
 * @param only names of legs and workloads to keep; empty keeps all
 * @param warmUp queries of each workload before anything is measured, through a gateway
 * @param minutes how long the load of the memory measurement lasts
 * @param json where the figures are written
 * @param home the directory with the launcher
 */
record Options(
    int rounds,
    int seconds,
    List<Integer> clients,
    List<String> only,
    int warmUp,
    int minutes,
    Path json,
    Path home) {

  static Options parse(List<String> arguments, Path home, Path json) {
    Options options = new Options(5, 3, List.of(1, 4, 16), List.of(), 400_000, 10, json, home);
    List<String> rest = new ArrayList<>(arguments);
    while (!rest.isEmpty()) {
      String name = rest.remove(0);
      if (rest.isEmpty()) {
        throw new IllegalArgumentException(name + " needs a value");
      }
      options = options.with(name, rest.remove(0));
    }
    return options;
  }

  private Options with(String name, String value) {
    return switch (name) {
      case "--rounds" ->
          new Options(number(value), seconds, clients, only, warmUp, minutes, json, home);
      case "--seconds" ->
          new Options(rounds, number(value), clients, only, warmUp, minutes, json, home);
      case "--clients" ->
          new Options(
              rounds,
              seconds,
              words(value).stream().map(Options::number).toList(),
              only,
              warmUp,
              minutes,
              json,
              home);
      case "--only" ->
          new Options(rounds, seconds, clients, words(value), warmUp, minutes, json, home);
      case "--warm-up" ->
          new Options(rounds, seconds, clients, only, number(value), minutes, json, home);
      case "--minutes" ->
          new Options(rounds, seconds, clients, only, warmUp, number(value), json, home);
      case "--json" ->
          new Options(rounds, seconds, clients, only, warmUp, minutes, Path.of(value), home);
      default -> throw new IllegalArgumentException("unknown option " + name);
    };
  }

  /** The same, for what is measured of the gateway alone. */
  Options onlyGateway() {
    return new Options(rounds, seconds, clients, List.of(Leg.GATEWAY), warmUp, minutes, json, home);
  }

  /** Says whether a leg is wanted: naming no leg wants all. */
  boolean wantsLeg(String name) {
    return wants(name, Leg.NAMES);
  }

  /** Says whether a workload is wanted: naming no workload wants all. */
  boolean wantsWorkload(String name) {
    return wants(name, Arrays.stream(Workload.values()).map(Workload::label).toList());
  }

  private boolean wants(String name, List<String> names) {
    return only.contains(name) || only.stream().noneMatch(names::contains);
  }

  private static List<String> words(String value) {
    return List.of(value.split(",", -1));
  }

  private static int number(String value) {
    int number = Integer.parseInt(value);
    if (number < 1) {
      throw new IllegalArgumentException(value + " must be at least 1");
    }
    return number;
  }
}
