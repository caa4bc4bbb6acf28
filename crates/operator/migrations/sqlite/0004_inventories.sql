-- Verdicts are kept with what they were made of, so that they can be made again: what has no inventory is scanned again.
DROP TABLE assessments;
-- Verdicts by digest, packed: they are read whole, at the start.
CREATE TABLE assessments (digest TEXT PRIMARY KEY, assessment BLOB NOT NULL) STRICT;
-- What images hold, packed (`store/packed.rs`): read page by page when the advisory data are others.
CREATE TABLE inventories (digest TEXT PRIMARY KEY, inventories BLOB NOT NULL) STRICT;
-- The advisory data that all verdicts were made with: one row at most.
CREATE TABLE advisory_data (one INTEGER PRIMARY KEY CHECK (one = 1), identity TEXT NOT NULL) STRICT;
PRAGMA user_version = 4;
