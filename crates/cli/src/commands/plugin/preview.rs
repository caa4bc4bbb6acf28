//! `kubectl scan preview`: what policies in a file would hold of what runs now.

use super::table::columns;
use super::{print, print_value};
use crate::arguments::plugin::{ClusterArguments, OutputFormat, PreviewArguments};
use crate::exit;
use anyhow::{Context, Result, bail};
use seaworthy_operator::client::{ClientError, Preview, PreviewedWorkload, Prospect, Scope};
use serde_json::{Value, json};
use std::io::Read;
use std::path::Path;

/// Policies are small.
const BYTES: u64 = 1 << 20;

pub(super) fn run(arguments: &PreviewArguments, cluster: &ClusterArguments) -> Result<u8> {
    let mut manifests = Vec::new();
    for path in &arguments.filename {
        manifests.extend(read(path)?);
    }
    let client = cluster.connection().open()?;
    // Policies are for all namespaces, unless one is named.
    let scope = match (&cluster.namespace, cluster.all_namespaces) {
        (Some(namespace), false) => Scope::Namespace(namespace.clone()),
        _ => Scope::All,
    };
    let preview = client.preview(&manifests, &scope)?;
    if !print_value(&value(&preview), cluster.output)? {
        print(&shown(&preview, cluster.output == Some(OutputFormat::Wide)))?;
    }
    let held = preview.workloads.iter().any(|workload| stops(workload.prospect()));
    Ok(if held { arguments.exit_code } else { exit::PASSED })
}

/// The documents of a manifest.
fn read(path: &Path) -> Result<Vec<Value>> {
    let what = format!("the policy {}", path.display());
    let mut text = String::new();
    let size = if path == Path::new("-") {
        std::io::stdin().take(BYTES + 1).read_to_string(&mut text)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(BYTES + 1).read_to_string(&mut text))
    }
    .with_context(|| format!("cannot read {what}"))?;
    if size as u64 > BYTES {
        bail!("{what} is larger than {BYTES} bytes");
    }
    let documents: Vec<Value> = serde_saphyr::from_multiple(&text).map_err(|error| ClientError::Unreadable {
        what: what.clone(),
        why: error.to_string().lines().next().unwrap_or_default().to_owned(),
    })?;
    let documents: Vec<Value> = documents.into_iter().filter(|value| !value.is_null()).collect();
    if documents.is_empty() {
        return Err(ClientError::Unreadable {
            what,
            why: "it is empty".to_owned(),
        }
        .into());
    }
    Ok(documents)
}

/// Whether a workload would wait.
const fn stops(prospect: Prospect) -> bool {
    matches!(
        prospect,
        Prospect::Held | Prospect::ApprovalRequired | Prospect::NotScanned
    )
}

const fn word(prospect: Prospect) -> &'static str {
    match prospect {
        Prospect::Runs => "runs",
        Prospect::Noted => "runs, noted",
        Prospect::Warned => "runs, warned",
        Prospect::Unsure => "cannot be told",
        Prospect::NotScanned => "waits for a scan",
        Prospect::ApprovalRequired => "waits for approval",
        Prospect::Held => "held",
    }
}

fn value(preview: &Preview) -> Value {
    let workloads: Vec<Value> = preview
        .workloads
        .iter()
        .map(|workload| {
            let images: Vec<Value> = workload
                .images
                .iter()
                .map(|image| {
                    json!({"container": image.container, "image": image.image, "prospect": format!("{:?}", image.prospect),
                           "reason": image.line})
                })
                .collect();
            json!({"namespace": workload.namespace, "kind": workload.workload.kind, "name": workload.workload.name,
                   "prospect": format!("{:?}", workload.prospect()), "images": images})
        })
        .collect();
    json!({"policies": preview.policies, "workloads": workloads})
}

fn shown(preview: &Preview, wide: bool) -> String {
    let told: Vec<&PreviewedWorkload> = preview
        .workloads
        .iter()
        .filter(|workload| wide || workload.prospect() != Prospect::Runs)
        .collect();
    let rows: Vec<Vec<String>> = told
        .iter()
        .flat_map(|workload| {
            workload
                .images
                .iter()
                .filter(|image| wide || image.prospect != Prospect::Runs)
                .map(|image| {
                    vec![
                        workload.namespace.clone(),
                        workload.workload.to_string(),
                        word(image.prospect).to_owned(),
                        image.line.clone().unwrap_or_else(|| image.image.clone()),
                    ]
                })
        })
        .collect();
    let mut text = String::new();
    if !rows.is_empty() {
        text.push_str(&columns(&["NAMESPACE", "WORKLOAD", "WOULD BE", "WHY"], &rows));
        text.push('\n');
    }
    let count = |wanted: &dyn Fn(Prospect) -> bool| {
        let workloads = preview.workloads.iter();
        workloads.filter(|workload| wanted(workload.prospect())).count()
    };
    let (held, all) = (count(&stops), preview.workloads.len());
    text.push_str(&format!(
        "With {}: {held} of {all} workloads would be held",
        preview.policies.join(", ")
    ));
    let warned = count(&|prospect| prospect == Prospect::Warned);
    let unsure = count(&|prospect| prospect == Prospect::Unsure);
    if warned > 0 {
        text.push_str(&format!(", {warned} would be warned about"));
    }
    if unsure > 0 {
        text.push_str(&format!(", of {unsure} it cannot be told"));
    }
    text.push_str(".\nWhat runs already goes on running; what is new or changed would be held.\n");
    text
}
