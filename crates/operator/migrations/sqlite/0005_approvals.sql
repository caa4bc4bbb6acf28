-- Who approved a digest for a namespace: everybody who did, as one's own request is approved by somebody else only.
CREATE TABLE approved (
    namespace TEXT NOT NULL, digest TEXT NOT NULL, by TEXT NOT NULL, reason TEXT NOT NULL,
    PRIMARY KEY (namespace, digest, by)
) STRICT;
INSERT INTO approved SELECT namespace, digest, by, reason FROM approvals;
DROP TABLE approvals;
ALTER TABLE approved RENAME TO approvals;
PRAGMA user_version = 5;
