-- What ran before: it goes on as it is, from this template and with this image.
CREATE TABLE earlier (
    namespace TEXT NOT NULL, owner TEXT NOT NULL, template TEXT NOT NULL, container TEXT NOT NULL, image TEXT NOT NULL,
    PRIMARY KEY (namespace, owner, template, container, image)
) STRICT;
-- When that was written down, which happens once.
CREATE TABLE begun (at INTEGER NOT NULL) STRICT;
PRAGMA user_version = 3;
