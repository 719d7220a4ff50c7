package dev.chaperone.operator.testing;

/**
 * What a program said.
 *
 * @param exit its exit code
 * @param out its standard output
 * @param err its standard error
 */
public record Output(int exit, String out, String err) {}
