//! Label selectors with the meaning that Kubernetes gives them: every requirement must hold, none selects everything.

use std::collections::BTreeMap;

/// How a requirement compares a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// The label's value is one of those listed.
    In,
    /// The label is missing or its value is none of those listed.
    NotIn,
    /// The label is there.
    Exists,
    /// The label is missing.
    DoesNotExist,
}

/// One requirement on one label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement {
    /// The label's key.
    pub key: String,
    /// The comparison.
    pub operator: Operator,
    /// The values compared with.
    pub values: Vec<String>,
}

/// What a selector asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selector {
    /// Requirements, all of which must hold.
    pub requirements: Vec<Requirement>,
}

impl Selector {
    /// Whether it asks for nothing.
    pub fn is_empty(&self) -> bool {
        self.requirements.is_empty()
    }

    /// Whether these labels meet it.
    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        self.requirements.iter().all(|requirement| {
            let value = labels.get(&requirement.key);
            let listed = value.is_some_and(|value| requirement.values.contains(value));
            match requirement.operator {
                Operator::In => listed,
                Operator::NotIn => !listed,
                Operator::Exists => value.is_some(),
                Operator::DoesNotExist => value.is_none(),
            }
        })
    }
}
