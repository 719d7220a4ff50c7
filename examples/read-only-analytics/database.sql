-- A database to try this with: psql -d warehouse -f database.sql, as an administrator. All of it is invented.
CREATE SCHEMA sales;
CREATE SCHEMA reporting;

CREATE TABLE sales.customers (
  id integer PRIMARY KEY,
  name text NOT NULL,
  country text NOT NULL,
  email text NOT NULL,
  phone text NOT NULL
);

CREATE TABLE sales.orders (
  id integer PRIMARY KEY,
  customer_id integer NOT NULL REFERENCES sales.customers,
  placed date NOT NULL,
  total numeric(10, 2) NOT NULL
);

INSERT INTO sales.customers VALUES
  (1, 'Ada Ahn', 'KR', 'ada.ahn@example.com', '+82 2 555 0101'),
  (2, 'Bruno Brandt', 'DE', 'bruno.brandt@example.com', '+49 30 5550102'),
  (3, 'Chidi Castro', 'ES', 'chidi.castro@example.com', '+34 91 555 0103'),
  (4, 'Dana Diallo', 'DE', 'dana.diallo@example.com', '+49 30 5550102');

INSERT INTO sales.orders
SELECT n, 1 + n % 4, date '2026-01-01' + n % 90, 9.90 + n % 50 FROM generate_series(1, 5000) AS n;

CREATE VIEW reporting.customers AS SELECT id, name, country, email, phone FROM sales.customers;

CREATE VIEW reporting.orders AS SELECT id, customer_id, placed, total FROM sales.orders;

CREATE VIEW reporting.revenue_by_country AS
SELECT country, count(*) AS orders, sum(total) AS revenue
FROM sales.orders JOIN sales.customers ON customers.id = customer_id GROUP BY country;

-- The gateway is not the only line: the role could not do more if it got past.
CREATE ROLE reporting LOGIN PASSWORD 'change-me' CONNECTION LIMIT 20;
GRANT USAGE ON SCHEMA reporting TO reporting;
GRANT SELECT ON ALL TABLES IN SCHEMA reporting TO reporting;
