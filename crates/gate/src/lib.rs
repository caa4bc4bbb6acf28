//! An admission review, what we remember and the policy become an answer, a hold or a release.
