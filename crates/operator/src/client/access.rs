//! The Role by which a namespace lets the operator read its pull secrets, as text for `kubectl apply`.

use crate::options::NAME;

/// The name of the Role and of its binding.
const ROLE: &str = "seaworthy-pull-secrets";

/// The Role and its binding for a namespace: every Secret that a workload names, or only those listed.
///
/// There is no `list` and no `watch`: a Secret is read only where a workload or its service account names it.
pub fn access(namespace: &str, secrets: &[String]) -> String {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let names = match secrets {
        [] => String::new(),
        names => {
            let names: Vec<String> = names.iter().map(|name| quoted(name)).collect();
            format!("    resourceNames: [{}]\n", names.join(", "))
        }
    };
    let namespace = quoted(namespace);
    format!(
        "\
# Lets Seaworthy read the pull secrets that workloads and service accounts of namespace {namespace} name,
# for images of this namespace only. Take it back with: kubectl delete -f -
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: {ROLE}
  namespace: {namespace}
  labels:
    app.kubernetes.io/name: {NAME}
rules:
  - apiGroups: [\"\"]
    resources: [secrets]
{names}    verbs: [get]
  - apiGroups: [\"\"]
    resources: [serviceaccounts]
    verbs: [get]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: {ROLE}
  namespace: {namespace}
  labels:
    app.kubernetes.io/name: {NAME}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: {ROLE}
subjects:
  - kind: ServiceAccount
    name: {NAME}
    namespace: {NAME}
"
    )
}

#[cfg(test)]
mod tests {
    use super::access;
    use serde_json::Value;

    #[test]
    fn nothing_but_reading_single_secrets_is_granted() {
        for (secrets, names) in [
            (vec![], Value::Null),
            (
                vec!["pull".to_owned(), "a: b".to_owned()],
                serde_json::json!(["pull", "a: b"]),
            ),
        ] {
            let documents: Vec<Value> = serde_saphyr::from_multiple(&access("shop", &secrets)).unwrap();
            let [role, binding] = documents.as_slice() else {
                panic!("{documents:?}")
            };
            assert_eq!(role["rules"][0]["verbs"], serde_json::json!(["get"]));
            assert_eq!(role["rules"][0]["resourceNames"], names);
            assert_eq!(role["metadata"]["namespace"], "shop");
            assert_eq!(binding["roleRef"]["name"], role["metadata"]["name"]);
            assert_eq!(binding["subjects"][0]["namespace"], "seaworthy");
        }
    }
}
