//! What `--install` applies: definitions, roles, our ServiceAccount; then, once we answer, webhooks and guards.
//!
//! Everything is applied by the server under our own field manager, so that doing it again, also with another address, is
//! the same as doing it once.

mod approvals;
mod guards;
mod manifests;
mod roles;
mod webhooks;
mod words;

pub use manifests::manifests;

use crate::options::NAME;
use crate::resources::definitions;
use crate::{Error, Options};
use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::ServiceAccount;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Patch, PatchParams, PostParams};
use kube::core::{ApiResource, DynamicObject, GroupVersionKind};
use kube::{Api, Client};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;

/// How long the token of our ServiceAccount is good for.
const TOKEN_SECONDS: i64 = 7 * 86_400;

/// Applies everything that must be there before we start.
pub(crate) async fn prepare(client: &Client) -> Result<(), Error> {
    for (_, definition) in definitions() {
        let value = serde_json::to_value(&definition).map_err(|error| Error::Refused {
            what: "a definition".to_owned(),
            why: error.to_string(),
        })?;
        apply(client, &value).await?;
    }
    for object in roles::all() {
        apply(client, &object).await?;
    }
    established(client).await?;
    default_policy(client).await
}

/// Applies what sends reviews to us, who show certificates of these authorities. In `open` namespaces things go on without
/// us while we are away.
pub(crate) async fn connect(
    client: &Client,
    options: &Options,
    authorities: &str,
    open: &BTreeSet<String>,
) -> Result<(), Error> {
    for object in webhooks::all(options.external_url.as_deref(), authorities, &options.excluded(), open) {
        apply(client, &object).await?;
    }
    Ok(())
}

/// Applies the guards that stand while we are down.
pub(crate) async fn guard(client: &Client, options: &Options) -> Result<(), Error> {
    for object in guards::all(&options.exclude_namespaces) {
        apply(client, &object).await?;
    }
    Ok(())
}

/// Takes the guards, which somebody else has applied, off the namespaces that are not governed.
pub(crate) async fn exclude(client: &Client, options: &Options) -> Result<(), Error> {
    for object in guards::bindings(&options.exclude_namespaces) {
        apply(client, &object).await?;
    }
    Ok(())
}

/// A token for our ServiceAccount, and when it ends in seconds since 1970.
pub(crate) async fn token(client: &Client) -> Result<(String, i64), Error> {
    let accounts: Api<ServiceAccount> = Api::namespaced(client.clone(), NAME);
    let request = TokenRequest {
        spec: Some(TokenRequestSpec {
            expiration_seconds: Some(TOKEN_SECONDS),
            ..TokenRequestSpec::default()
        }),
        ..TokenRequest::default()
    };
    let answer = accounts
        .create_token_request(NAME, &PostParams::default(), &request)
        .await
        .map_err(Error::cluster("get a token for our ServiceAccount"))?;
    answer
        .status
        .and_then(|status| Some((status.token?, status.expiration_timestamp?.0.as_second())))
        .ok_or_else(|| Error::Refused {
            what: "the request for a token".to_owned(),
            why: "the answer holds none".to_owned(),
        })
}

/// Asks the API server to make, without making it, a workload that says something of ours. It asks us about it, which shows
/// that we are connected, and refuses it when the guards stand: whether it does is the answer.
pub(crate) async fn probe(client: &Client, namespace: &str) -> bool {
    let deployment = json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "seaworthy-probe", "labels": {"seaworthy.dev/probe": ""}},
        "spec": {
            "selector": {"matchLabels": {"app": "seaworthy-probe"}},
            "template": {
                "metadata": {"labels": {"app": "seaworthy-probe"}},
                "spec": {"containers": [{"name": "probe", "image": "seaworthy.invalid/probe"}]}
            }
        }
    });
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk("apps", "v1", "Deployment"));
    let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), namespace, &resource);
    let parameters = PostParams {
        dry_run: true,
        ..PostParams::default()
    };
    let Ok(object) = serde_json::from_value(deployment) else {
        return false;
    };
    match api.create(&parameters, &object).await {
        Err(kube::Error::Api(status)) => status.message.contains(guards::OF_LABELS),
        _ => false,
    }
}

/// Makes the policy that an installation starts with, unless there is one of that name.
async fn default_policy(client: &Client) -> Result<(), Error> {
    use crate::resources::{PolicyRule, RuleSeverity, ScanPolicy, ScanPolicySpec};
    let policy = ScanPolicy::new(
        "default",
        ScanPolicySpec {
            rules: vec![PolicyRule {
                name: "no-criticals".to_owned(),
                severity: Some(RuleSeverity::Critical),
                ..PolicyRule::default()
            }],
            ..ScanPolicySpec::default()
        },
    );
    let policies: Api<ScanPolicy> = Api::all(client.clone());
    match policies.create(&PostParams::default(), &policy).await {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) if status.code == 409 => Ok(()),
        Err(error) => Err(Error::cluster("make the default ScanPolicy")(error)),
    }
}

/// Waits until the API server serves our kinds.
async fn established(client: &Client) -> Result<(), Error> {
    let api: Api<CustomResourceDefinition> = Api::all(client.clone());
    for (_, definition) in definitions() {
        let name = definition.metadata.name.unwrap_or_default();
        let mut patience = 100;
        loop {
            let found = api.get(&name).await.map_err(Error::cluster(format!("read {name}")))?;
            let conditions = found.status.and_then(|status| status.conditions).unwrap_or_default();
            if conditions
                .iter()
                .any(|condition| condition.type_ == "Established" && condition.status == "True")
            {
                break;
            }
            if patience == 0 {
                return Err(Error::Refused {
                    what: format!("the definition {name}"),
                    why: format!("{conditions:?}"),
                });
            }
            patience -= 1;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
    Ok(())
}

/// Plurals of the kinds that are applied here.
const PLURALS: [(&str, &str); 10] = [
    ("CustomResourceDefinition", "customresourcedefinitions"),
    ("Namespace", "namespaces"),
    ("ServiceAccount", "serviceaccounts"),
    ("ClusterRole", "clusterroles"),
    ("ClusterRoleBinding", "clusterrolebindings"),
    ("Role", "roles"),
    ("RoleBinding", "rolebindings"),
    ("MutatingWebhookConfiguration", "mutatingwebhookconfigurations"),
    ("ValidatingWebhookConfiguration", "validatingwebhookconfigurations"),
    ("ValidatingAdmissionPolicy", "validatingadmissionpolicies"),
];

async fn apply(client: &Client, object: &Value) -> Result<(), Error> {
    let text = |pointer: &str| {
        object
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let (kind, version, name) = (text("/kind"), text("/apiVersion"), text("/metadata/name"));
    let (group, version) = version.rsplit_once('/').unwrap_or(("", &version));
    let plural = match PLURALS.iter().find(|(known, _)| *known == kind) {
        Some((_, plural)) => (*plural).to_owned(),
        None => format!("{}s", kind.to_lowercase()),
    };
    let resource = ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, version, &kind), &plural);
    let api: Api<DynamicObject> = match object.pointer("/metadata/namespace").and_then(Value::as_str) {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, &resource),
        None => Api::all_with(client.clone(), &resource),
    };
    let parameters = PatchParams::apply(NAME).force();
    api.patch(&name, &parameters, &Patch::Apply(object))
        .await
        .map(drop)
        .map_err(Error::cluster(format!("apply {kind} {name}")))
}
