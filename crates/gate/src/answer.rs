//! The answer to a review, and what is to be done because of it.

use serde_json::{Value, json};

/// Warnings that one answer carries; the rest would be cut by the API server.
const WARNINGS: usize = 10;

/// Something to scan because somebody asked to run it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scan {
    /// The namespace.
    pub namespace: String,
    /// The reference as written.
    pub image: String,
}

/// The answer to one review.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    /// Repeated from the request.
    pub uid: String,
    /// Whether the object is let in, changed or not.
    pub allowed: bool,
    /// The HTTP status of a refusal.
    pub code: u16,
    /// Why it is refused.
    pub message: String,
    /// What whoever asks is told.
    pub warnings: Vec<String>,
    /// The changes, as a JSON patch.
    pub patches: Vec<Value>,
    /// Whether the changes matter to what runs: a hold, a gate, a digest.
    pub essential: bool,
    /// What to scan. Empty in dry runs.
    pub scans: Vec<Scan>,
    /// One word for the metrics: `allowed`, `held`, `warned`, `denied`, `excluded`, `unready`.
    pub decision: &'static str,
}

impl Answer {
    pub(crate) fn allow(uid: &str, decision: &'static str) -> Self {
        Self {
            uid: uid.to_owned(),
            allowed: true,
            code: 200,
            decision,
            ..Self::default()
        }
    }

    pub(crate) fn deny(uid: &str, code: u16, message: impl Into<String>) -> Self {
        Self {
            uid: uid.to_owned(),
            code,
            message: message.into(),
            decision: "denied",
            ..Self::default()
        }
    }

    /// The AdmissionReview that carries it. The patch must stand in it as base64, which `encode` does.
    pub fn review(&self, encode: impl Fn(&[u8]) -> String) -> Value {
        let mut response = json!({"uid": self.uid, "allowed": self.allowed});
        if let Some(response) = response.as_object_mut() {
            if !self.allowed {
                response.insert(
                    "status".to_owned(),
                    json!({"code": self.code, "message": self.message, "reason": reason(self.code)}),
                );
            }
            if !self.warnings.is_empty() {
                let warnings: Vec<&String> = self.warnings.iter().take(WARNINGS).collect();
                response.insert("warnings".to_owned(), json!(warnings));
            }
            if self.allowed && !self.patches.is_empty() {
                let patch = Value::Array(self.patches.clone()).to_string();
                response.insert("patchType".to_owned(), json!("JSONPatch"));
                response.insert("patch".to_owned(), json!(encode(patch.as_bytes())));
            }
        }
        json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response})
    }
}

/// The `reason` of the API conventions for a code.
const fn reason(code: u16) -> &'static str {
    match code {
        400 => "BadRequest",
        409 => "Conflict",
        503 => "ServiceUnavailable",
        _ => "Forbidden",
    }
}
