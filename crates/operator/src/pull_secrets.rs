//! The pull secrets of a namespace: those that its workloads and their service accounts name, read where its Role lets us.
//!
//! Asked for only when a registry wants a login, used for images of that namespace only, and kept nowhere.

use crate::options::NAME;
use k8s_openapi::api::core::v1::{Secret, ServiceAccount};
use kube::{Api, Client};
use seaworthy_gate::images;
use seaworthy_registry::Credentials;
use serde_json::Value;
use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};

/// Secrets that are read for one image.
const SECRETS: usize = 16;
/// Images of namespaces whose secrets are remembered; who asks for more is asked again by its controller.
const IMAGES: usize = 20_000;

/// What a pod is pulled with: a service account, and the Secrets that the pod names itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Named {
    account: String,
    secrets: Vec<String>,
}

impl Named {
    /// Of a pod's specification.
    fn of(specification: &Value) -> Self {
        let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
        let secrets = specification.get("imagePullSecrets").and_then(Value::as_array);
        let account = text(specification.get("serviceAccountName"));
        Self {
            account: if account.is_empty() {
                "default".to_owned()
            } else {
                account
            },
            secrets: secrets
                .into_iter()
                .flatten()
                .take(SECRETS)
                .map(|secret| text(secret.get("name")))
                .filter(|name| !name.is_empty())
                .collect(),
        }
    }
}

/// Why there are no logins.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Closed {
    /// The namespace does not let us read them.
    Forbidden,
    /// Nothing that can be read names one.
    NoSecret,
    /// The API server gave no answer.
    Unanswered(String),
}

impl Closed {
    /// What helps, for people.
    pub(crate) fn advice(&self, namespace: &str) -> String {
        match self {
            Self::Forbidden => {
                format!("kubectl scan access {namespace} | kubectl apply -f -  lets Seaworthy use its pull secrets")
            }
            Self::NoSecret => {
                format!("no pull secret that its workload or its service account in {namespace} names can be read")
            }
            Self::Unanswered(why) => format!("its pull secrets could not be read: {why}"),
        }
    }
}

/// The pull secrets of all namespaces.
pub(crate) struct PullSecrets {
    client: Client,
    /// What the pods with an image of a namespace name.
    named: Mutex<HashMap<(String, String), BTreeSet<Named>>>,
}

impl std::fmt::Debug for PullSecrets {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("PullSecrets").finish_non_exhaustive()
    }
}

impl PullSecrets {
    pub(crate) fn new(client: Client) -> Self {
        Self {
            client,
            named: Mutex::default(),
        }
    }

    /// Notes what the pod specification below these steps is pulled with.
    pub(crate) fn note(&self, namespace: &str, object: &Value, steps: &[&str]) {
        let Some(specification) = steps.iter().try_fold(object, |value, step| value.get(step)) else {
            return;
        };
        let one = Named::of(specification);
        let mut named = self.named.lock().unwrap_or_else(PoisonError::into_inner);
        if named.len() > IMAGES {
            named.clear();
        }
        for image in images(object, steps).unwrap_or_default() {
            let of_image = named.entry((namespace.to_owned(), image.image)).or_default();
            if of_image.len() < SECRETS {
                of_image.insert(one.clone());
            }
        }
    }

    /// Service accounts and Secrets to ask; an image that no workload uses yet is pulled as the default account would.
    fn wanted(&self, namespace: &str, image: &str) -> BTreeSet<Named> {
        let named = self.named.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (namespace.to_owned(), image.to_owned());
        let default = || BTreeSet::from([Named::of(&Value::Null)]);
        named.get(&key).cloned().unwrap_or_else(default)
    }

    /// The logins for an image of a namespace.
    pub(crate) async fn open(&self, namespace: &str, image: &str) -> Result<Credentials, Closed> {
        let accounts: Api<ServiceAccount> = Api::namespaced(self.client.clone(), namespace);
        let secrets: Api<Secret> = Api::namespaced(self.client.clone(), namespace);
        let mut is_forbidden = false;
        let mut names = Vec::new();
        for named in self.wanted(namespace, image) {
            names.extend(named.secrets);
            let account = found(accounts.get_opt(&named.account).await, &mut is_forbidden)?;
            let of_account = account
                .and_then(|account| account.image_pull_secrets)
                .unwrap_or_default();
            names.extend(of_account.into_iter().map(|secret| secret.name));
        }
        names.dedup();
        let mut credentials = Credentials::anonymous();
        let mut count = 0;
        for name in names.iter().take(SECRETS) {
            let secret = found(secrets.get_opt(name).await, &mut is_forbidden)?;
            let data = secret.and_then(|secret| secret.data).unwrap_or_default();
            let Some(bytes) = data.get(".dockerconfigjson").or_else(|| data.get(".dockercfg")) else {
                continue;
            };
            match credentials.add_docker_config_json(&bytes.0) {
                Ok(()) => count += 1,
                // Its content is in no log.
                Err(_) => tracing::warn!(namespace, secret = name, "the pull secret cannot be read as one"),
            }
        }
        match (count, is_forbidden) {
            (0, true) => Err(Closed::Forbidden),
            (0, false) => Err(Closed::NoSecret),
            _ => Ok(credentials),
        }
    }
}

/// What was found; nothing where we may not look.
fn found<T>(answer: Result<Option<T>, kube::Error>, is_forbidden: &mut bool) -> Result<Option<T>, Closed> {
    match answer {
        Ok(found) => Ok(found),
        Err(kube::Error::Api(status)) if status.code == 403 => {
            *is_forbidden = true;
            Ok(None)
        }
        Err(error) => {
            tracing::warn!("{NAME} cannot read pull secrets: {error}");
            Err(Closed::Unanswered("the API server does not answer".to_owned()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Closed, Named};
    use serde_json::json;

    #[test]
    fn pods_name_their_secrets_and_their_account() {
        let named = |value| Named::of(&value);
        assert_eq!(named(json!({})).account, "default");
        let pod =
            json!({"serviceAccountName": "ship", "imagePullSecrets": [{"name": "a"}, {}, {"name": ""}, {"name": "b"}]});
        assert_eq!(named(pod.clone()).account, "ship");
        assert_eq!(named(pod).secrets, ["a", "b"]);
        let many: Vec<_> = (0..100).map(|number| json!({"name": format!("{number}")})).collect();
        assert_eq!(named(json!({"imagePullSecrets": many})).secrets.len(), 16);
    }

    #[test]
    fn what_is_forbidden_names_the_command_that_allows_it() {
        let advice = Closed::Forbidden.advice("shop");
        assert!(
            advice.starts_with("kubectl scan access shop | kubectl apply -f -"),
            "{advice}"
        );
    }
}
