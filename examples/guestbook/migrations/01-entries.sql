CREATE TABLE entries (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 60),
  text TEXT NOT NULL CHECK (length(text) BETWEEN 1 AND 1000),
  written TEXT NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M', 'now'))
) STRICT;
