-- A database to try this with: psql -d shop -f database.sql, as an administrator. All of it is invented.
CREATE ROLE migrator LOGIN PASSWORD 'change-me';
GRANT ALL ON SCHEMA public TO migrator;
SET ROLE migrator;

CREATE TABLE orders (
  id integer PRIMARY KEY,
  status text NOT NULL,
  total numeric(10, 2) NOT NULL
);

INSERT INTO orders VALUES (1, 'paid', 19.90), (2, 'shiped', 5.00), (3, 'new', 42.00);

CREATE TABLE orders_2019 (LIKE orders);

CREATE TABLE orders_2020 (LIKE orders);
