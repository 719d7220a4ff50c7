package dev.chaperone.policy.sql;

import dev.chaperone.policy.sql.Token.Kind;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * PostgreSQL's lexer (src/backend/parser/scan.l and the UESCAPE part of parser.c) with
 * standard_conforming_strings on and a UTF-8 client encoding.
 *
 * <p>It accepts nothing the server's lexer reads otherwise. Where servers before 15 accept what
 * later ones reject ({@code 1abc} as {@code 1 abc}), it rejects. Linear in the length of the text.
 */
final class SqlScanner {

  /** NAMEDATALEN - 1 (pg_config_manual.h): longer identifiers are cut there. */
  private static final int MAX_IDENTIFIER_BYTES = 63;

  private static final String OPERATOR_CHARACTERS = "~!@#^&|`?+-*/%<>=";

  /** An operator that contains one of these may end in + or -. */
  private static final String KEEPS_TRAILING_SIGN = "~!@#^&|`?%";

  private final String text;
  private final int length;
  private final int maxTokens;

  /** PostgreSQL 16 and later: numbers know 0x, 0o, 0b and underscores. */
  private final boolean postgres16;

  /** PostgreSQL 17 and later: \v is white space. */
  private final boolean postgres17;

  private final List<Token> tokens = new ArrayList<>();
  private int position;

  /** A U& token whose escape character is not known yet: a UESCAPE clause may follow. */
  private PendingUnicode pending;

  /** The key word UESCAPE was read after {@code pending}. */
  private boolean awaitingEscape;

  private record PendingUnicode(Kind kind, String raw, int start) {}

  private SqlScanner(String text, SqlLimits limits, int serverVersion) {
    this.text = text;
    this.length = text.length();
    this.maxTokens = limits.tokens();
    this.postgres16 = serverVersion >= 160000;
    this.postgres17 = serverVersion >= 170000;
  }

  /**
   * Reads a whole text.
   *
   * @param serverVersion as in {@code server_version_num}, such as 150004
   * @throws UnreadableException if the server would reject the text for its tokens alone, or a
   *     limit is passed
   */
  static List<Token> scan(String text, SqlLimits limits, int serverVersion)
      throws UnreadableException {
    if (text.length() > limits.textBytes() || exceedsBytes(text, limits.textBytes())) {
      throw UnreadableException.limit("the text is longer than " + limits.textBytes() + " bytes");
    }
    return new SqlScanner(text, limits, serverVersion).scanAll();
  }

  private static boolean exceedsBytes(String text, int limit) {
    if (text.length() * 3L <= limit) {
      return false;
    }
    int bytes = 0;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      bytes += c < 0x80 ? 1 : c < 0x800 || Character.isSurrogate(c) ? 2 : 3;
    }
    return bytes > limit;
  }

  private List<Token> scanAll() throws UnreadableException {
    int nul = text.indexOf('\0');
    if (nul >= 0) {
      throw UnreadableException.syntax("unexpected character", nul);
    }
    skipWhitespace();
    while (position < length) {
      scanToken();
      if (tokens.size() > maxTokens) {
        throw UnreadableException.limit("the text has more than " + maxTokens + " tokens");
      }
      skipWhitespace();
    }
    if (pending != null) {
      finishUnicode('\\');
    }
    return tokens;
  }

  private void scanToken() throws UnreadableException {
    int start = position;
    char c = text.charAt(position);
    char next = at(position + 1);
    if (next == '\'' && scanPrefixedString(c, start)) {
      return;
    }
    if ((c == 'u' || c == 'U') && next == '&') {
      char quote = at(position + 2);
      if (quote == '\'') {
        position += 3;
        addUnicode(new PendingUnicode(Kind.STRING, standardString(start), start));
        return;
      }
      if (quote == '"') {
        position += 3;
        addUnicode(new PendingUnicode(Kind.QUOTED, quotedIdentifier(start), start));
        return;
      }
    }
    if (c == '\'') {
      position++;
      add(Kind.STRING, standardString(start), start);
    } else if (c == '"') {
      position++;
      add(Kind.QUOTED, truncate(quotedIdentifier(start)), start);
    } else if (isIdentifierStart(c)) {
      while (position < length && isIdentifierPart(text.charAt(position))) {
        position++;
      }
      add(Kind.WORD, truncate(fold(text.substring(start, position))), start);
    } else if (c == '$') {
      scanDollar(start);
    } else if (isDigit(c) || (c == '.' && isDigit(next))) {
      scanNumber(start);
    } else if ((c == ':' && (next == ':' || next == '=')) || (c == '.' && next == '.')) {
      position += 2;
      add(Kind.PUNCTUATION, text.substring(start, position), start);
    } else if (",()[].;:".indexOf(c) >= 0) {
      position++;
      add(Kind.PUNCTUATION, punctuation(c), start);
    } else if (OPERATOR_CHARACTERS.indexOf(c) >= 0) {
      scanOperator(start);
    } else {
      throw UnreadableException.syntax("unexpected character", start);
    }
  }

  /** {@code B''}, {@code X''}, {@code E''}, {@code N''}. */
  private boolean scanPrefixedString(char prefix, int start) throws UnreadableException {
    switch (prefix) {
      case 'b', 'B' -> {
        position += 2;
        add(Kind.BITS, bitString(start), start);
      }
      case 'x', 'X' -> {
        position += 2;
        add(Kind.HEX, bitString(start), start);
      }
      case 'e', 'E' -> {
        position += 2;
        add(Kind.STRING, escapeString(start), start);
      }
      case 'n', 'N' -> {
        // scan.l: the key word NCHAR, then an ordinary string.
        position++;
        add(Kind.WORD, "nchar", start);
      }
      default -> {
        return false;
      }
    }
    return true;
  }

  private void add(Kind kind, String value, int start) throws UnreadableException {
    if (pending != null) {
      if (awaitingEscape) {
        if (kind != Kind.STRING) {
          throw UnreadableException.syntax(
              "UESCAPE must be followed by a simple string literal", start);
        }
        awaitingEscape = false;
        finishUnicode(escapeCharacter(value, start));
        return;
      }
      if (kind == Kind.WORD && value.equals("uescape")) {
        awaitingEscape = true;
        return;
      }
      finishUnicode('\\');
    }
    tokens.add(new Token(kind, value, start));
  }

  private void addUnicode(PendingUnicode unicode) throws UnreadableException {
    if (awaitingEscape) {
      throw UnreadableException.syntax(
          "UESCAPE must be followed by a simple string literal", unicode.start());
    }
    if (pending != null) {
      finishUnicode('\\');
    }
    pending = unicode;
  }

  private void finishUnicode(char escape) throws UnreadableException {
    PendingUnicode unicode = pending;
    pending = null;
    if (awaitingEscape) {
      throw UnreadableException.syntax(
          "UESCAPE must be followed by a simple string literal", length);
    }
    String value = unescapeUnicode(unicode.raw(), escape, unicode.start());
    tokens.add(
        new Token(
            unicode.kind(),
            unicode.kind() == Kind.QUOTED ? truncate(value) : value,
            unicode.start()));
  }

  /** check_uescapechar in parser.c. */
  private char escapeCharacter(String value, int start) throws UnreadableException {
    if (value.length() != 1
        || value.charAt(0) >= 0x80
        || hexDigit(value.charAt(0)) >= 0
        || "+'\"".indexOf(value.charAt(0)) >= 0
        || isSpace(value.charAt(0))) {
      throw UnreadableException.syntax("invalid Unicode escape character", start);
    }
    return value.charAt(0);
  }

  private void skipWhitespace() throws UnreadableException {
    while (position < length) {
      char c = text.charAt(position);
      if (isSpace(c)) {
        position++;
      } else if (c == '-' && at(position + 1) == '-') {
        skipLineComment();
      } else if (c == '/' && at(position + 1) == '*') {
        skipBlockComment();
      } else {
        return;
      }
    }
  }

  private void skipLineComment() {
    while (position < length && !isNewline(text.charAt(position))) {
      position++;
    }
  }

  private void skipBlockComment() throws UnreadableException {
    int start = position;
    int depth = 1;
    position += 2;
    while (depth > 0) {
      if (position + 1 >= length) {
        throw UnreadableException.syntax("unterminated /* comment", start);
      }
      char c = text.charAt(position);
      char next = text.charAt(position + 1);
      if (c == '/' && next == '*') {
        depth++;
        position += 2;
      } else if (c == '*' && next == '/') {
        depth--;
        position += 2;
      } else {
        position++;
      }
    }
  }

  /**
   * Whether the string whose closing quote was just read goes on: white space and line comments
   * with at least one newline among them, then a quote (quotecontinue in scan.l).
   */
  private boolean continues() {
    int i = position;
    boolean newline = false;
    while (i < length) {
      char c = text.charAt(i);
      if (isNewline(c)) {
        newline = true;
        i++;
      } else if (isSpace(c)) {
        i++;
      } else if (c == '-' && at(i + 1) == '-') {
        while (i < length && !isNewline(text.charAt(i))) {
          i++;
        }
      } else {
        break;
      }
    }
    if (newline && i < length && text.charAt(i) == '\'') {
      position = i + 1;
      return true;
    }
    return false;
  }

  private String standardString(int start) throws UnreadableException {
    StringBuilder value = new StringBuilder();
    while (position < length) {
      char c = text.charAt(position++);
      if (c != '\'') {
        value.append(c);
      } else if (position < length && text.charAt(position) == '\'') {
        value.append('\'');
        position++;
      } else if (!continues()) {
        return value.toString();
      }
    }
    throw UnreadableException.syntax("unterminated quoted string", start);
  }

  private String bitString(int start) throws UnreadableException {
    StringBuilder value = new StringBuilder();
    while (position < length) {
      char c = text.charAt(position++);
      if (c != '\'') {
        value.append(c);
      } else if (!continues()) {
        return value.toString();
      }
    }
    throw UnreadableException.syntax("unterminated bit string literal", start);
  }

  private String quotedIdentifier(int start) throws UnreadableException {
    StringBuilder value = new StringBuilder();
    while (position < length) {
      char c = text.charAt(position++);
      if (c != '"') {
        value.append(c);
      } else if (position < length && text.charAt(position) == '"') {
        value.append('"');
        position++;
      } else if (value.length() == 0) {
        throw UnreadableException.syntax("zero-length delimited identifier", start);
      } else {
        return value.toString();
      }
    }
    throw UnreadableException.syntax("unterminated quoted identifier", start);
  }

  private String escapeString(int start) throws UnreadableException {
    EscapedText value = new EscapedText(start);
    while (position < length) {
      char c = text.charAt(position++);
      if (c == '\\') {
        if (position >= length) {
          break;
        }
        escape(value, start);
      } else if (c != '\'') {
        value.character(c);
      } else if (position < length && text.charAt(position) == '\'') {
        value.character('\'');
        position++;
      } else if (!continues()) {
        return value.finish();
      }
    }
    throw UnreadableException.syntax("unterminated quoted string", start);
  }

  /** One escape of an E'' string; the backslash is behind us. */
  private void escape(EscapedText value, int start) throws UnreadableException {
    char c = text.charAt(position++);
    switch (c) {
      case 'b' -> value.character('\b');
      case 'f' -> value.character('\f');
      case 'n' -> value.character('\n');
      case 'r' -> value.character('\r');
      case 't' -> value.character('\t');
      case 'v' -> value.character(postgres17 ? '\u000b' : 'v');
      case 'u' -> value.codePoint(hexNumber(position, 4, start));
      case 'U' -> value.codePoint(hexNumber(position, 8, start));
      case 'x' -> {
        int digits = 0;
        int number = 0;
        while (digits < 2 && hexDigit(at(position)) >= 0) {
          number = number * 16 + hexDigit(at(position++));
          digits++;
        }
        if (digits == 0) {
          value.character('x');
        } else {
          value.rawByte(number);
        }
      }
      default -> {
        if (c < '0' || c > '7') {
          value.character(c);
          return;
        }
        int number = c - '0';
        for (int i = 1; i < 3 && at(position) >= '0' && at(position) <= '7'; i++) {
          number = number * 8 + text.charAt(position++) - '0';
        }
        value.rawByte(number & 0xff);
      }
    }
    if (c == 'u') {
      position += 4;
    } else if (c == 'U') {
      position += 8;
    }
  }

  private int hexNumber(int from, int digits, int start) throws UnreadableException {
    int number = hexNumber(text, from, digits);
    if (number < 0) {
      throw UnreadableException.syntax("invalid Unicode escape", start);
    }
    return number;
  }

  /** A number of exactly so many hexadecimal digits, or -1. */
  private static int hexNumber(String source, int from, int digits) {
    if (from + digits > source.length()) {
      return -1;
    }
    int number = 0;
    for (int i = from; i < from + digits; i++) {
      int digit = hexDigit(source.charAt(i));
      if (digit < 0 || number > Character.MAX_CODE_POINT) {
        return -1;
      }
      number = number * 16 + digit;
    }
    return number;
  }

  /** str_udeescape in parser.c. */
  private static String unescapeUnicode(String raw, char escape, int start)
      throws UnreadableException {
    if (raw.indexOf(escape) < 0) {
      return raw;
    }
    EscapedText value = new EscapedText(start);
    for (int i = 0; i < raw.length(); ) {
      char c = raw.charAt(i);
      if (c != escape) {
        value.character(c);
        i++;
      } else if (i + 1 < raw.length() && raw.charAt(i + 1) == escape) {
        value.character(escape);
        i += 2;
      } else {
        boolean six = i + 1 < raw.length() && raw.charAt(i + 1) == '+';
        int from = six ? i + 2 : i + 1;
        int digits = six ? 6 : 4;
        int number = hexNumber(raw, from, digits);
        if (number < 0) {
          throw UnreadableException.syntax("invalid Unicode escape", start);
        }
        value.codePoint(number);
        i = from + digits;
      }
    }
    return value.finish();
  }

  /** {@code $1}, {@code $$...$$} or {@code $tag$...$tag$}. */
  private void scanDollar(int start) throws UnreadableException {
    int i = position + 1;
    if (isDigit(at(i))) {
      while (isDigit(at(i))) {
        i++;
      }
      position = i;
      if (i < length && isIdentifierStart(text.charAt(i))) {
        throw UnreadableException.syntax("trailing junk after parameter", start);
      }
      add(Kind.PARAMETER, text.substring(start, i), start);
      return;
    }
    if (i < length && isIdentifierStart(text.charAt(i))) {
      while (i < length && (isIdentifierStart(text.charAt(i)) || isDigit(text.charAt(i)))) {
        i++;
      }
    }
    if (at(i) != '$') {
      throw UnreadableException.syntax("unexpected character", start);
    }
    String delimiter = text.substring(position, i + 1);
    int end = text.indexOf(delimiter, i + 1);
    if (end < 0) {
      throw UnreadableException.syntax("unterminated dollar-quoted string", start);
    }
    position = end + delimiter.length();
    add(Kind.STRING, text.substring(i + 1, end), start);
  }

  private void scanNumber(int start) throws UnreadableException {
    if (!scanRadixNumber()) {
      digits();
      if (at(position) == '.' && at(position + 1) != '.') {
        position++;
        if (isDigit(at(position))) {
          digits();
        }
      }
      char e = at(position);
      if (e == 'e' || e == 'E') {
        char sign = at(position + 1);
        int exponent = sign == '+' || sign == '-' ? position + 2 : position + 1;
        if (isDigit(at(exponent))) {
          position = exponent;
          digits();
        }
      }
    }
    if (position < length && isIdentifierStart(text.charAt(position))) {
      throw UnreadableException.syntax("trailing junk after numeric literal", start);
    }
    add(Kind.NUMBER, text.substring(start, position), start);
  }

  /** 0x1F, 0o17, 0b11, from PostgreSQL 16 on. */
  private boolean scanRadixNumber() throws UnreadableException {
    if (!postgres16 || text.charAt(position) != '0') {
      return false;
    }
    int radix =
        switch (at(position + 1)) {
          case 'x', 'X' -> 16;
          case 'o', 'O' -> 8;
          case 'b', 'B' -> 2;
          default -> 0;
        };
    if (radix == 0) {
      return false;
    }
    int start = position;
    position += 2;
    boolean any = false;
    while (true) {
      int digit = at(position) == '_' ? position + 1 : position;
      int value = hexDigit(at(digit));
      if (value < 0 || value >= radix) {
        break;
      }
      any = true;
      position = digit + 1;
    }
    if (!any || (position < length && isIdentifierPart(text.charAt(position)))) {
      throw UnreadableException.syntax("invalid integer", start);
    }
    return true;
  }

  private void digits() {
    while (isDigit(at(position))
        || (postgres16
            && at(position) == '_'
            && position > 0
            && isDigit(text.charAt(position - 1))
            && isDigit(at(position + 1)))) {
      position++;
    }
  }

  private void scanOperator(int start) throws UnreadableException {
    int end = position;
    while (end < length && OPERATOR_CHARACTERS.indexOf(text.charAt(end)) >= 0) {
      // A comment ends the operator in the middle.
      char c = text.charAt(end);
      char next = at(end + 1);
      if ((c == '/' && next == '*') || (c == '-' && next == '-')) {
        break;
      }
      end++;
    }
    char last = text.charAt(end - 1);
    if (end - start > 1 && (last == '+' || last == '-') && !keepsTrailingSign(start, end)) {
      do {
        end--;
        last = text.charAt(end - 1);
      } while (end - start > 1 && (last == '+' || last == '-'));
    }
    if (end - start > MAX_IDENTIFIER_BYTES) {
      throw UnreadableException.syntax("operator too long", start);
    }
    position = end;
    String operator = text.substring(start, end);
    // scan.l maps both spellings to one token.
    add(Kind.OPERATOR, operator.equals("!=") ? "<>" : operator, start);
  }

  private boolean keepsTrailingSign(int start, int end) {
    for (int i = start; i < end - 1; i++) {
      if (KEEPS_TRAILING_SIGN.indexOf(text.charAt(i)) >= 0) {
        return true;
      }
    }
    return false;
  }

  /** The character there, or NUL past the end. */
  private char at(int index) {
    return index < length ? text.charAt(index) : '\0';
  }

  private boolean isSpace(char c) {
    return c == ' '
        || c == '\t'
        || c == '\n'
        || c == '\r'
        || c == '\f'
        || (c == '\u000b' && postgres17);
  }

  private static boolean isNewline(char c) {
    return c == '\n' || c == '\r';
  }

  private static boolean isDigit(char c) {
    return c >= '0' && c <= '9';
  }

  static boolean isIdentifierStart(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c >= 0x80;
  }

  static boolean isIdentifierPart(char c) {
    return isIdentifierStart(c) || isDigit(c) || c == '$';
  }

  private static int hexDigit(char c) {
    return c < 0x80 ? Character.digit(c, 16) : -1;
  }

  /** Only ASCII letters fold in a multi-byte encoding (downcase_identifier in scansup.c). */
  static String fold(String word) {
    for (int i = 0; i < word.length(); i++) {
      if (word.charAt(i) >= 'A' && word.charAt(i) <= 'Z') {
        char[] folded = word.toCharArray();
        for (int k = i; k < folded.length; k++) {
          if (folded[k] >= 'A' && folded[k] <= 'Z') {
            folded[k] = (char) (folded[k] + ('a' - 'A'));
          }
        }
        return new String(folded);
      }
    }
    return word;
  }

  /** truncate_identifier in scansup.c: at most 63 bytes, never in the middle of a character. */
  static String truncate(String identifier) {
    if (identifier.length() * 3L <= MAX_IDENTIFIER_BYTES) {
      return identifier;
    }
    int bytes = 0;
    for (int i = 0; i < identifier.length(); ) {
      int codePoint = identifier.codePointAt(i);
      bytes += codePoint < 0x80 ? 1 : codePoint < 0x800 ? 2 : codePoint < 0x10000 ? 3 : 4;
      if (bytes > MAX_IDENTIFIER_BYTES) {
        return identifier.substring(0, i);
      }
      i += Character.charCount(codePoint);
    }
    return identifier;
  }

  private static String punctuation(char c) {
    return switch (c) {
      case ',' -> ",";
      case '(' -> "(";
      case ')' -> ")";
      case '[' -> "[";
      case ']' -> "]";
      case '.' -> ".";
      case ';' -> ";";
      default -> ":";
    };
  }

  /** Collects the value of a literal with escapes; bytes given by number must be UTF-8 together. */
  private static final class EscapedText {
    private final StringBuilder value = new StringBuilder();
    private final int start;
    private byte[] bytes = new byte[8];
    private int byteCount;
    private int highSurrogate;

    EscapedText(int start) {
      this.start = start;
    }

    void character(char c) throws UnreadableException {
      settle();
      value.append(c);
    }

    void rawByte(int number) throws UnreadableException {
      if (number == 0) {
        throw UnreadableException.syntax("invalid byte sequence for encoding", start);
      }
      rejectHalfPair();
      if (byteCount == bytes.length) {
        bytes = Arrays.copyOf(bytes, byteCount * 2);
      }
      bytes[byteCount++] = (byte) number;
    }

    void codePoint(int number) throws UnreadableException {
      flushBytes();
      if (number <= 0 || number > Character.MAX_CODE_POINT) {
        throw UnreadableException.syntax("invalid Unicode escape value", start);
      }
      if (highSurrogate != 0) {
        if (number < 0xdc00 || number > 0xdfff) {
          throw UnreadableException.syntax("invalid Unicode surrogate pair", start);
        }
        value.appendCodePoint(Character.toCodePoint((char) highSurrogate, (char) number));
        highSurrogate = 0;
      } else if (number >= 0xd800 && number <= 0xdbff) {
        highSurrogate = number;
      } else if (number >= 0xdc00 && number <= 0xdfff) {
        throw UnreadableException.syntax("invalid Unicode surrogate pair", start);
      } else {
        value.appendCodePoint(number);
      }
    }

    String finish() throws UnreadableException {
      settle();
      return value.toString();
    }

    private void settle() throws UnreadableException {
      rejectHalfPair();
      flushBytes();
    }

    private void rejectHalfPair() throws UnreadableException {
      if (highSurrogate != 0) {
        throw UnreadableException.syntax("invalid Unicode surrogate pair", start);
      }
    }

    private void flushBytes() throws UnreadableException {
      if (byteCount == 0) {
        return;
      }
      try {
        value.append(
            StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes, 0, byteCount)));
      } catch (CharacterCodingException e) {
        throw UnreadableException.syntax("invalid byte sequence for encoding", start);
      }
      byteCount = 0;
    }
  }
}
