//! The pull secrets of a namespace: those that its workloads and their service accounts name, read where its Role lets us.
//!
//! Asked for only when a registry wants a login, used for images of that namespace only, and kept nowhere.

use crate::options::NAME;
use k8s_openapi::api::core::v1::{Secret, ServiceAccount};
use kube::{Api, Client};
use seaworthy_gate::images;
use seaworthy_policy::cut;
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
    /// The line for people: what helps, then what the registry said, of which the end may be cut.
    pub(crate) fn line(&self, image: &str, namespace: &str, refused: &dyn std::fmt::Display) -> String {
        let advice = match self {
            Self::Forbidden => format!(
                "needs a login: kubectl scan access {namespace} | kubectl apply -f -  lets Seaworthy use the pull \
                 secrets of {namespace}"
            ),
            Self::NoSecret => format!(
                "needs a login: no pull secret that its workload or its service account in {namespace} names can be read"
            ),
            Self::Unanswered(why) => format!("needs a login: the pull secrets of {namespace} could not be read: {why}"),
        };
        cut(format!("{image}: {advice} ({refused})"))
    }
}

/// The logins of a namespace for an image, and the Secrets that they are from.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) credentials: Credentials,
    pub(crate) secrets: Vec<String>,
}

impl Opened {
    /// The line for people where they did not help.
    pub(crate) fn line(&self, image: &str, refused: &dyn std::fmt::Display) -> String {
        let names = self.secrets.join(", ");
        cut(format!("{image}: {refused}; tried with the pull secrets: {names}"))
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
    pub(crate) async fn open(&self, namespace: &str, image: &str) -> Result<Opened, Closed> {
        let accounts: Api<ServiceAccount> = Api::namespaced(self.client.clone(), namespace);
        let secrets: Api<Secret> = Api::namespaced(self.client.clone(), namespace);
        let mut is_forbidden = false;
        let mut names: Vec<String> = Vec::new();
        for named in self.wanted(namespace, image) {
            names.extend(named.secrets);
            let account = found(accounts.get_opt(&named.account).await, &mut is_forbidden)?;
            let of_account = account
                .and_then(|account| account.image_pull_secrets)
                .unwrap_or_default();
            names.extend(of_account.into_iter().map(|secret| secret.name));
        }
        let mut asked = BTreeSet::new();
        names.retain(|name| asked.insert(name.clone()));
        let mut opened = Opened {
            credentials: Credentials::anonymous(),
            secrets: Vec::new(),
        };
        for name in names.into_iter().take(SECRETS) {
            let secret = found(secrets.get_opt(&name).await, &mut is_forbidden)?;
            let data = secret.and_then(|secret| secret.data).unwrap_or_default();
            let Some(bytes) = data.get(".dockerconfigjson").or_else(|| data.get(".dockercfg")) else {
                continue;
            };
            match opened.credentials.add_docker_config_json(&bytes.0) {
                Ok(()) => opened.secrets.push(name),
                // Its content is in no log.
                Err(_) => tracing::warn!(namespace, secret = name, "the pull secret cannot be read as one"),
            }
        }
        match (opened.secrets.is_empty(), is_forbidden) {
            (true, true) => Err(Closed::Forbidden),
            (true, false) => Err(Closed::NoSecret),
            (false, _) => Ok(opened),
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
    fn what_is_forbidden_names_the_command_that_allows_it_also_of_a_long_name() {
        let image = format!("registry.example.com/{}:v1", "team/".repeat(16));
        let line = Closed::Forbidden.line(&image, "shop", &"x".repeat(300));
        assert!(
            line.contains(": kubectl scan access shop | kubectl apply -f -  lets"),
            "{line}"
        );
    }
}
