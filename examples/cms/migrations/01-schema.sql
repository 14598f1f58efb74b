CREATE TABLE site (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  title TEXT NOT NULL CHECK (length(title) BETWEEN 1 AND 80),
  tagline TEXT NOT NULL CHECK (length(tagline) <= 200)
) STRICT;

INSERT INTO site VALUES (1, 'A new site', 'Written anywhere, rendered at the edge.');

CREATE TABLE users (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 60),
  password TEXT NOT NULL  -- argon2id, as a PHC string
) STRICT;

CREATE TABLE sessions (
  digest TEXT PRIMARY KEY,  -- SHA-256 of what the cookie says
  user INTEGER NOT NULL REFERENCES users ON DELETE CASCADE,
  csrf TEXT NOT NULL,
  expires INTEGER NOT NULL  -- seconds since 1970
) STRICT, WITHOUT ROWID;

CREATE INDEX sessions_by_user ON sessions (user);

-- A page of the menu, or a post of the front page. What it says lies in its revisions: visitors see
-- the published one, if there is one; authors go on from the newest one.
CREATE TABLE pages (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  slug TEXT NOT NULL UNIQUE CHECK (length(slug) BETWEEN 1 AND 80),
  kind TEXT NOT NULL CHECK (kind IN ('page', 'post')),
  published_revision INTEGER REFERENCES revisions,
  published TEXT  -- when it was first
) STRICT;

CREATE INDEX pages_by_time ON pages (kind, published) WHERE published_revision IS NOT NULL;

-- Revisions never change.
CREATE TABLE revisions (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  page INTEGER NOT NULL REFERENCES pages ON DELETE CASCADE,
  title TEXT NOT NULL CHECK (length(title) BETWEEN 1 AND 120),
  summary TEXT NOT NULL CHECK (length(summary) <= 300),
  body TEXT NOT NULL CHECK (length(body) <= 200000),
  author TEXT NOT NULL,
  saved TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))
) STRICT;

CREATE INDEX revisions_by_page ON revisions (page, id);

-- The bytes lie in the object store "media" under the id.
CREATE TABLE media (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
  type TEXT NOT NULL,
  size INTEGER NOT NULL,
  uploaded TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))
) STRICT;
