package dev.chaperone.sidecar;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.text.MessageFormat;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.logging.ConsoleHandler;
import java.util.logging.Formatter;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;

/** How log lines look on standard error. */
enum LogFormat {
  text {
    @Override
    String format(LogRecord line, String message, String stackTrace) {
      return TIME.format(line.getInstant())
          + " "
          + line.getLevel().getName()
          + " ["
          + shortName(line)
          + "] "
          + message
          + System.lineSeparator()
          + stackTrace;
    }
  },
  json {
    @Override
    String format(LogRecord line, String message, String stackTrace) {
      Map<String, Object> fields = new LinkedHashMap<>();
      fields.put("time", TIME.format(line.getInstant()));
      fields.put("level", line.getLevel().getName());
      fields.put("logger", shortName(line));
      fields.put("message", message);
      if (!stackTrace.isEmpty()) {
        fields.put("stackTrace", stackTrace);
      }
      try {
        return JSON.writeValueAsString(fields) + System.lineSeparator();
      } catch (JsonProcessingException e) {
        throw new IllegalStateException("strings can be written as JSON", e);
      }
    }
  };

  private static final ObjectMapper JSON = new ObjectMapper();

  private static final DateTimeFormatter TIME =
      DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss.SSSX").withZone(ZoneOffset.UTC);

  abstract String format(LogRecord line, String message, String stackTrace);

  /** Makes this the format of everything that is logged. */
  void install() {
    Logger root = Logger.getLogger("");
    for (Handler handler : root.getHandlers()) {
      root.removeHandler(handler);
    }
    Handler console = new ConsoleHandler();
    console.setLevel(Level.ALL);
    console.setFormatter(
        new Formatter() {
          @Override
          public String format(LogRecord line) {
            return LogFormat.this.format(line, message(line), stackTrace(line));
          }
        });
    root.addHandler(console);
    root.setLevel(Level.INFO);
  }

  private static String message(LogRecord line) {
    Object[] parameters = line.getParameters();
    return parameters == null || parameters.length == 0
        ? line.getMessage()
        : MessageFormat.format(line.getMessage(), parameters);
  }

  private static String stackTrace(LogRecord line) {
    if (line.getThrown() == null) {
      return "";
    }
    StringWriter out = new StringWriter();
    line.getThrown().printStackTrace(new PrintWriter(out, true));
    return out.toString();
  }

  private static String shortName(LogRecord line) {
    String name = line.getLoggerName() == null ? "" : line.getLoggerName();
    return name.substring(name.lastIndexOf('.') + 1);
  }
}
