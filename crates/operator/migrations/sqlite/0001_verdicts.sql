-- Verdicts by digest, as JSON: they are read whole, at the start.
CREATE TABLE assessments (digest TEXT PRIMARY KEY, assessment TEXT NOT NULL) STRICT;
-- What a tag meant for one workload and template: resolved once, the same for all its pods.
CREATE TABLE tags (
    namespace TEXT NOT NULL, owner TEXT NOT NULL, template TEXT NOT NULL, image TEXT NOT NULL, digest TEXT NOT NULL,
    PRIMARY KEY (namespace, owner, template, image)
) STRICT;
-- What a reference meant in a namespace when its own credentials resolved it.
CREATE TABLE resolutions (
    namespace TEXT NOT NULL, image TEXT NOT NULL, digest TEXT NOT NULL, at INTEGER NOT NULL,
    PRIMARY KEY (namespace, image, digest)
) STRICT;
-- What was let in on its own merits, and may always run.
CREATE TABLE admissions (
    namespace TEXT NOT NULL, owner TEXT NOT NULL, container TEXT NOT NULL, digest TEXT NOT NULL,
    PRIMARY KEY (namespace, owner, container, digest)
) STRICT;
CREATE TABLE approvals (
    namespace TEXT NOT NULL, digest TEXT NOT NULL, by TEXT NOT NULL, reason TEXT NOT NULL,
    PRIMARY KEY (namespace, digest)
) STRICT;
PRAGMA user_version = 1;
