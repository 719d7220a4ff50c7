-- A database to try this with: psql -d ledger -f database.sql, as an administrator. All of it is invented.
CREATE TABLE entries (
  id integer PRIMARY KEY,
  amount numeric(10, 2) NOT NULL,
  matched boolean NOT NULL DEFAULT false
);

INSERT INTO entries VALUES (1, 19.90), (2, -5.00), (3, 42.00);

CREATE ROLE reconciler LOGIN PASSWORD 'change-me';
GRANT SELECT, UPDATE ON entries TO reconciler;
