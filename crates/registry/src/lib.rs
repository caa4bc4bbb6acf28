//! References, credentials, mirrors, retry: the OCI distribution protocol.
