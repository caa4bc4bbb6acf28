//! Our own objects: found by name together with our label or our field manager, so that nobody else's are taken for ours.

use crate::client::{Client, ClientError, Scope, list_all};
use crate::options::NAME;
use crate::resources::GROUP;
use kube::ResourceExt;
use kube::api::DeleteParams;
use kube::core::{ApiResource, DynamicObject, GroupVersionKind};
use std::fmt;

/// A kind that we make objects of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    group: &'static str,
    kind: &'static str,
    plural: &'static str,
    /// Whether it is looked for in all namespaces.
    namespaced: bool,
}

const fn row(group: &'static str, kind: &'static str, plural: &'static str, namespaced: bool) -> Row {
    Row {
        group,
        kind,
        plural,
        namespaced,
    }
}

const ADMISSION: &str = "admissionregistration.k8s.io";
const RBAC: &str = "rbac.authorization.k8s.io";

const MUTATING_WEBHOOKS: Row = row(
    ADMISSION,
    "MutatingWebhookConfiguration",
    "mutatingwebhookconfigurations",
    false,
);
const VALIDATING_WEBHOOKS: Row = row(
    ADMISSION,
    "ValidatingWebhookConfiguration",
    "validatingwebhookconfigurations",
    false,
);
const GUARD_BINDINGS: Row = row(
    ADMISSION,
    "ValidatingAdmissionPolicyBinding",
    "validatingadmissionpolicybindings",
    false,
);
const GUARDS: Row = row(
    ADMISSION,
    "ValidatingAdmissionPolicy",
    "validatingadmissionpolicies",
    false,
);
const DEPLOYMENTS: Row = row("apps", "Deployment", "deployments", true);
const CLUSTER_ROLE_BINDINGS: Row = row(RBAC, "ClusterRoleBinding", "clusterrolebindings", false);
const SERVICE_ACCOUNTS: Row = row("", "ServiceAccount", "serviceaccounts", true);
const DEFINITIONS: Row = row(
    "apiextensions.k8s.io",
    "CustomResourceDefinition",
    "customresourcedefinitions",
    false,
);

/// What refuses requests of others.
pub(super) const REFUSING: &[Row] = &[MUTATING_WEBHOOKS, VALIDATING_WEBHOOKS, GUARD_BINDINGS, GUARDS];

/// What a running operator works with.
pub(super) const RIGHTS: &[Row] = &[DEPLOYMENTS, CLUSTER_ROLE_BINDINGS, SERVICE_ACCOUNTS];

/// Every kind, in the order in which they go. What lies in our namespace goes with it.
pub(super) const EVERYTHING: &[Row] = &[
    MUTATING_WEBHOOKS,
    VALIDATING_WEBHOOKS,
    GUARD_BINDINGS,
    GUARDS,
    DEPLOYMENTS,
    CLUSTER_ROLE_BINDINGS,
    row(RBAC, "RoleBinding", "rolebindings", true),
    row(RBAC, "Role", "roles", true),
    row(RBAC, "ClusterRole", "clusterroles", false),
    SERVICE_ACCOUNTS,
    DEFINITIONS,
    row("", "Namespace", "namespaces", false),
];

impl Row {
    fn resource(self) -> ApiResource {
        ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(self.group, "v1", self.kind), self.plural)
    }
}

/// One object of ours.
#[derive(Debug)]
pub(super) struct Ours {
    row: Row,
    namespace: Option<String>,
    name: String,
}

impl fmt::Display for Ours {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(formatter, "{} {namespace}/{}", self.row.kind, self.name),
            None => write!(formatter, "{} {}", self.row.kind, self.name),
        }
    }
}

/// Every object of ours of these kinds.
pub(super) async fn find(client: &Client, rows: &[Row]) -> Result<Vec<Ours>, ClientError> {
    let mut found = Vec::new();
    for row in rows {
        let api = client.dynamic(&Scope::All, &row.resource());
        let objects = list_all(&api)
            .await
            .map_err(ClientError::of(&format!("list {}", row.plural), row.plural))?;
        let ours = objects.iter().filter(|object| is_ours(*row, object));
        found.extend(ours.map(|object| Ours {
            row: *row,
            namespace: object.namespace().filter(|_| row.namespaced),
            name: object.name_any(),
        }));
    }
    Ok(found)
}

fn is_ours(row: Row, object: &DynamicObject) -> bool {
    let name = object.name_any();
    if row.kind == "CustomResourceDefinition" {
        return name.strip_suffix(GROUP).is_some_and(|rest| rest.ends_with('.'));
    }
    let is_named = name == NAME || name.strip_prefix(NAME).is_some_and(|rest| rest.starts_with('-'));
    let labels = object.labels();
    let is_labelled = ["app.kubernetes.io/name", "app.kubernetes.io/part-of"]
        .iter()
        .any(|key| labels.get(*key).is_some_and(|value| value == NAME));
    let is_applied = object
        .managed_fields()
        .iter()
        .any(|fields| fields.manager.as_deref() == Some(NAME) && fields.operation.as_deref() == Some("Apply"));
    is_named && (is_labelled || is_applied)
}

/// Deletes an object; `false` where it was gone already.
pub(super) async fn delete(client: &Client, ours: &Ours) -> Result<bool, ClientError> {
    let scope = ours.namespace.clone().map_or(Scope::All, Scope::Namespace);
    let api = client.dynamic(&scope, &ours.row.resource());
    match api.delete(&ours.name, &DeleteParams::background()).await {
        Ok(_) => Ok(true),
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(false),
        Err(error) => Err(ClientError::of(&format!("delete {ours}"), &ours.to_string())(error)),
    }
}

/// What keeps an object from going, as far as it says so itself.
pub(super) async fn stuck(client: &Client, ours: &Ours) -> String {
    let scope = ours.namespace.clone().map_or(Scope::All, Scope::Namespace);
    let api = client.dynamic(&scope, &ours.row.resource());
    let Ok(Some(object)) = api.get_opt(&ours.name).await else {
        return ours.to_string();
    };
    let conditions = object
        .data
        .pointer("/status/conditions")
        .and_then(|list| list.as_array());
    let messages: Vec<&str> = conditions
        .into_iter()
        .flatten()
        .filter(|condition| condition.get("status").and_then(|status| status.as_str()) == Some("True"))
        .filter_map(|condition| condition.get("message")?.as_str())
        .filter(|message| !message.is_empty())
        .collect();
    format!("{ours}, finalizers {:?}, {}", object.finalizers(), messages.join("; "))
}

#[cfg(test)]
mod tests {
    use super::{EVERYTHING, is_ours};
    use kube::core::DynamicObject;
    use serde_json::json;

    #[test]
    fn what_only_has_our_name_is_not_ours() {
        let role = EVERYTHING.iter().find(|row| row.kind == "ClusterRole").unwrap();
        for (name, label, manager, expected) in [
            ("seaworthy", "seaworthy", "", true),
            ("seaworthy-edit", "", "seaworthy", true),
            ("seaworthy-edit", "", "kubectl", false),
            ("seaworthyness", "seaworthy", "seaworthy", false),
            ("theirs", "seaworthy", "seaworthy", false),
        ] {
            let object: DynamicObject = serde_json::from_value(json!({
                "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
                "metadata": {"name": name, "labels": {"app.kubernetes.io/name": label},
                             "managedFields": [{"manager": manager, "operation": "Apply"}]}
            }))
            .unwrap();
            assert_eq!(is_ours(*role, &object), expected, "{name} {label} {manager}");
        }
        let definition = EVERYTHING
            .iter()
            .find(|row| row.kind == "CustomResourceDefinition")
            .unwrap();
        for (name, expected) in [
            ("imagescans.seaworthy.dev", true),
            ("imagescans.unseaworthy.dev", false),
        ] {
            let object: DynamicObject = serde_json::from_value(json!({
                "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": name}
            }))
            .unwrap();
            assert_eq!(is_ours(*definition, &object), expected, "{name}");
        }
    }
}
