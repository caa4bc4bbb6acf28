//! Controllers, admission webhook, store and alerts.
