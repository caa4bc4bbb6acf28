-- What somebody is or will be told of, and the messages about it, as JSON: they are read whole, at the start.
CREATE TABLE alert_incidents (id TEXT PRIMARY KEY, incident TEXT NOT NULL) STRICT;
CREATE TABLE alert_messages (sequence INTEGER PRIMARY KEY, message TEXT NOT NULL) STRICT;
PRAGMA user_version = 2;
