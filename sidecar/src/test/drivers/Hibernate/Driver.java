import jakarta.persistence.Column;
import jakarta.persistence.Entity;
import jakarta.persistence.FetchType;
import jakarta.persistence.Id;
import jakarta.persistence.JoinColumn;
import jakarta.persistence.ManyToOne;
import jakarta.persistence.OneToMany;
import jakarta.persistence.Table;
import java.math.BigDecimal;
import java.sql.SQLException;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.hibernate.Hibernate;
import org.hibernate.SessionFactory;
import org.hibernate.cfg.Configuration;

/** What an agent does with Hibernate. Connects as PGHOST, PGPORT, ... say; one line per promise. */
public final class Driver {

  @Entity(name = "Person")
  @Table(name = "people")
  public static class Person {
    @Id Integer id;

    @Column(columnDefinition = "text")
    String name;

    @Column(columnDefinition = "text")
    String ssn;

    @OneToMany(mappedBy = "author")
    List<Letter> letters = new ArrayList<>();
  }

  @Entity(name = "Note")
  @Table(name = "notes")
  public static class Note {
    @Id Integer id;

    @Column(columnDefinition = "text")
    String text;

    OffsetDateTime at;

    @Column(precision = 20, scale = 4)
    BigDecimal amount;
  }

  @Entity(name = "Letter")
  @Table(name = "letters")
  public static class Letter {
    @Id Integer id;

    @ManyToOne(fetch = FetchType.LAZY)
    @JoinColumn(name = "author")
    Person author;
  }

  /** What the policy lets nobody change. */
  @Entity(name = "Kept")
  @Table(name = "kept")
  public static class Kept {
    @Id Integer id;
  }

  private static final Logger HIBERNATE = Logger.getLogger("org.hibernate");

  private interface Promise {
    void keep() throws Exception;
  }

  private static SessionFactory open(String schema, Class<?>... entities) {
    Configuration configuration = new Configuration();
    for (Class<?> entity : entities) {
      configuration.addAnnotatedClass(entity);
    }
    configuration.setProperty(
        "hibernate.connection.url",
        "jdbc:postgresql://"
            + System.getenv("PGHOST")
            + ":"
            + System.getenv("PGPORT")
            + "/"
            + System.getenv("PGDATABASE"));
    configuration.setProperty("hibernate.connection.username", System.getenv("PGUSER"));
    configuration.setProperty("hibernate.connection.password", System.getenv("PGPASSWORD"));
    configuration.setProperty("hibernate.hbm2ddl.auto", schema);
    configuration.setProperty("hibernate.jdbc.batch_size", "20");
    return configuration.buildSessionFactory();
  }

  private static void same(Object actual, Object expected) {
    if (!Objects.equals(actual, expected)) {
      throw new AssertionError(actual + " is not " + expected);
    }
  }

  private static void refused(Promise action) throws Exception {
    try {
      action.keep();
    } catch (RuntimeException e) {
      Throwable cause = e;
      while (cause != null && !(cause instanceof SQLException)) {
        cause = cause.getCause();
      }
      same(cause == null ? e : ((SQLException) cause).getSQLState(), "42501");
      return;
    }
    throw new AssertionError("was not refused");
  }

  public static void main(String[] arguments) {
    HIBERNATE.setLevel(Level.OFF);
    Map<String, Promise> promises = new LinkedHashMap<>();
    promises.put(
        "validation of the schema",
        () -> open("validate", Person.class, Note.class, Letter.class, Kept.class).close());
    promises.put(
        "update of a schema that is as it should be",
        () -> open("update", Person.class, Note.class, Letter.class, Kept.class).close());
    try (SessionFactory factory =
        open("none", Person.class, Note.class, Letter.class, Kept.class)) {
      promises.put(
          "parameters",
          () ->
              factory.inSession(
                  session ->
                      same(
                          session
                              .createQuery("select p.name from Person p where p.id = :id", String.class)
                              .setParameter("id", 7)
                              .getSingleResult(),
                          "name 7")));
      promises.put(
          "objects",
          () -> {
            factory.inTransaction(
                session -> {
                  session.createMutationQuery("delete from Note").executeUpdate();
                  for (int i = 0; i < 100; i++) {
                    Note note = new Note();
                    note.id = i;
                    note.text = "note " + i;
                    note.at = OffsetDateTime.parse("2026-03-02T10:00:00Z");
                    note.amount = new BigDecimal("12.5000");
                    session.persist(note);
                  }
                });
            factory.inTransaction(session -> session.find(Note.class, 5).text = "changed");
            factory.inTransaction(session -> session.remove(session.find(Note.class, 6)));
            factory.inSession(
                session -> {
                  same(session.find(Note.class, 5).text, "changed");
                  same(session.find(Note.class, 6), null);
                  same(
                      session
                          .createQuery("select count(*) from Note", Long.class)
                          .getSingleResult(),
                      99L);
                });
          });
      promises.put(
          "lazy association",
          () ->
              factory.inSession(
                  session -> {
                    Letter letter = session.find(Letter.class, 1);
                    same(Hibernate.isInitialized(letter.author), false);
                    Person author = (Person) Hibernate.unproxy(letter.author);
                    same(author.name, "name 3");
                    same(Hibernate.isInitialized(author.letters), false);
                    same(author.letters.size(), 2);
                  }));
      promises.put(
          "many rows",
          () ->
              factory.inTransaction(
                  session -> {
                    try (var rows =
                        session
                            .createQuery("from Person p order by p.id", Person.class)
                            .setFetchSize(1000)
                            .setReadOnly(true)
                            .getResultStream()) {
                      same(rows.count(), 20_000L);
                    }
                  }));
      promises.put(
          "masked text",
          () ->
              factory.inSession(
                  session -> same(session.find(Person.class, 1).ssn, "[redacted]")));
      promises.put(
          "transactions",
          () -> {
            factory.inTransaction(
                session -> session.createMutationQuery("delete from Note").executeUpdate());
            try {
              factory.inTransaction(
                  session -> {
                    Note note = new Note();
                    note.id = 1;
                    session.persist(note);
                    session.flush();
                    throw new IllegalStateException("rolled back");
                  });
            } catch (IllegalStateException e) {
              same(e.getMessage(), "rolled back");
            }
            factory.inSession(session -> same(session.find(Note.class, 1), null));
          });
      promises.put(
          "refusal",
          () -> {
            refused(
                () ->
                    factory.inTransaction(
                        session ->
                            session.createMutationQuery("delete from Kept").executeUpdate()));
            factory.inSession(session -> same(session.find(Person.class, 7).name, "name 7"));
          });
      promises.forEach(Driver::report);
    }
  }

  private static void report(String name, Promise promise) {
    try {
      promise.keep();
      System.out.println("ok " + name);
    } catch (Exception | AssertionError e) {
      System.out.println(
          ("FAILED " + name + ": " + e.getClass().getSimpleName() + ": " + e.getMessage())
              .replace("\n", " | "));
    }
  }
}
