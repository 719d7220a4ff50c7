package dev.chaperone.recording;

/**
 * An event as it stands in a recording.
 *
 * @param number its number in the session
 * @param micros when it happened, in microseconds since 1970 in UTC
 * @param event what happened
 */
public record RecordedEvent(long number, long micros, Event event) {}
