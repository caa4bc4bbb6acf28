//! What `GET /images/NAME/json` and `…/history` tell (Docker Engine API; Podman answers the same questions).
//!
//! An image config is made of it, so that an image whose layers are known is never exported.

use seaworthy_model::{Digest, Platform};
use serde::Deserialize;
use serde_json::{Value, json};

/// The answer about one image.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Inspected {
    id: String,
    pub(crate) repo_tags: Option<Vec<String>>,
    pub(crate) repo_digests: Option<Vec<String>>,
    created: Option<Value>,
    author: Option<String>,
    architecture: String,
    variant: Option<String>,
    os: String,
    config: Option<Value>,
    #[serde(rename = "RootFS")]
    root: Root,
    /// As the config has it; only Podman tells it here.
    pub(crate) history: Option<Vec<Value>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Root {
    layers: Option<Vec<String>>,
}

/// One step of the history, newest first.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Step {
    created: i64,
    created_by: String,
    comment: String,
    size: u64,
}

impl Inspected {
    /// The id, which is the digest of the config (or of the manifest, where Docker keeps images in containerd).
    pub(crate) fn id(&self) -> Option<Digest> {
        Digest::parse(&self.id).or_else(|| Digest::parse_hex(&self.id))
    }

    /// The platform it was made for.
    pub(crate) fn platform(&self) -> Option<Platform> {
        (!self.os.is_empty() && !self.architecture.is_empty()).then(|| Platform {
            os: self.os.clone(),
            architecture: self.architecture.clone(),
            variant: self.variant.clone().filter(|variant| !variant.is_empty()),
        })
    }

    /// The digests of its uncompressed layers, lowest first.
    pub(crate) fn diff_ids(&self) -> &[String] {
        self.root.layers.as_deref().unwrap_or_default()
    }

    /// An image config with the same facts (OCI image spec, config.md).
    pub(crate) fn config(&self, history: &[Step]) -> Value {
        let mut config = json!({
            "architecture": self.architecture,
            "os": self.os,
            "rootfs": { "type": "layers", "diff_ids": self.diff_ids() },
        });
        if let Some(object) = config.as_object_mut() {
            let more = [
                ("variant", self.variant.clone().map(Value::from)),
                ("created", self.created.clone()),
                ("author", self.author.clone().map(Value::from)),
                ("config", self.config.clone()),
            ];
            for (key, value) in more {
                let value = value.filter(|value| !value.is_null() && value.as_str() != Some(""));
                object.extend(value.map(|value| (key.to_owned(), value)));
            }
            if let Some(history) = &self.history {
                object.insert("history".into(), history.clone().into());
                return config;
            }
            // Docker does not say which steps made no layer; a step without bytes is one, where the count then fits.
            if history.iter().filter(|step| step.size > 0).count() == self.diff_ids().len() {
                let steps: Vec<Value> = history.iter().rev().map(Step::of_config).collect();
                object.insert("history".into(), Value::from(steps));
            }
        }
        config
    }
}

impl Step {
    fn of_config(&self) -> Value {
        let mut step = json!({ "created_by": self.created_by });
        if let Some(object) = step.as_object_mut() {
            if let Ok(created) = jiff::Timestamp::from_second(self.created) {
                object.insert("created".into(), created.to_string().into());
            }
            if !self.comment.is_empty() {
                object.insert("comment".into(), self.comment.clone().into());
            }
            if self.size == 0 {
                object.insert("empty_layer".into(), true.into());
            }
        }
        step
    }
}

#[cfg(test)]
mod tests {
    use super::{Inspected, Step};

    #[test]
    fn steps_without_bytes_are_empty_layers_where_the_count_fits() {
        let inspected: Inspected = serde_json::from_str(
            r#"{"Id":"x","Os":"linux","Architecture":"arm","Variant":"v7","RootFS":{"Type":"layers","Layers":["a"]}}"#,
        )
        .unwrap();
        let step = |text: &str, size| Step {
            created_by: text.into(),
            size,
            ..Step::default()
        };
        let config = inspected.config(&[step("CMD", 0), step("ADD", 7)]);
        assert_eq!(config["history"][0]["created_by"], "ADD");
        assert_eq!(config["history"][1]["empty_layer"], true);
        assert_eq!(config["variant"], "v7");
        let config = inspected.config(&[step("CMD", 1), step("ADD", 7)]);
        assert!(config.get("history").is_none());
    }

    #[test]
    fn an_answer_of_millions_of_values_is_not_read() {
        let answer = format!(r#"{{"Id":"x","Config":[{}0]}}"#, "[],".repeat(1_000_000));
        assert!(matches!(
            crate::manifest::read::<Inspected>(answer.as_bytes(), "x"),
            Err(crate::Error::TooManyValues { .. })
        ));
        assert!(matches!(
            super::super::read_foreign_inspection(answer.as_bytes(), b"[]"),
            Err(crate::Error::TooManyValues { .. })
        ));
    }
}
