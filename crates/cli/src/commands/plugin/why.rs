//! `kubectl scan why`: the one line first and unwrapped, then what is known of each image, then what to do.

use super::table::{columns, findings};
use super::{image, print, print_value};
use crate::arguments::plugin::{ClusterArguments, OutputFormat};
use crate::{exit, text};
use anyhow::Result;
use seaworthy_model::Severity;
use seaworthy_operator::client::{ImageAnswer, Target, Why};
use seaworthy_operator::resources::{ImageScanStatus, ImageState};
use serde_json::{Value, json};

pub(super) fn run(target: &Target, cluster: &ClusterArguments) -> Result<u8> {
    let client = cluster.connection().open()?;
    let why = client.why(target)?;
    if print_value(&value(&why), cluster.output)? {
        return Ok(exit::PASSED);
    }
    print(&shown(&why, cluster.output == Some(OutputFormat::Wide)))?;
    Ok(exit::PASSED)
}

fn value(why: &Why) -> Value {
    let images: Vec<Value> = why
        .images
        .iter()
        .map(|image| {
            let status = image.scan.as_ref().and_then(|scan| scan.status.as_ref());
            let name = image.scan.as_ref().and_then(|scan| scan.metadata.name.as_deref());
            json!({"container": image.container, "image": image.image, "imageScan": name, "status": status})
        })
        .collect();
    json!({"object": why.what, "namespace": why.namespace, "state": why.state, "reason": why.reason,
           "from": why.from, "images": images, "whatToDo": advice(why)})
}

fn shown(why: &Why, wide: bool) -> String {
    let is_scan = why.what.starts_with("imagescan/");
    let state = why.state.as_deref();
    let mut out = match (&why.reason, state) {
        (Some(line), _) => line.clone(),
        (None, Some("Deployed")) => format!("{}: nothing holds it", why.what),
        (None, Some("Approved")) => format!("{}: approved", why.what),
        (None, Some(_)) => format!("{}: nothing is known yet", why.what),
        (None, None) => format!(
            "{}: Seaworthy does not hold it, and has said nothing of it: it ran before, needs nothing, or its namespace is not governed",
            why.what
        ),
    };
    out = format!("{}\n\n", text::escape(&out));
    out.push_str(&format!("State: {}\n", text::escape(state.unwrap_or("none"))));
    if let Some(from) = &why.from {
        out.push_str(&format!("Said of: {}\n", text::escape(from)));
    }
    let mut headings = vec!["IMAGE", "STATE", "FINDINGS"];
    if !is_scan {
        headings.insert(0, "CONTAINER");
    }
    let rows: Vec<Vec<String>> = why.images.iter().map(|image| row(image, is_scan)).collect();
    out.push_str(&format!("\n{}", columns(&headings, &rows)));
    let mut listed: Vec<&str> = Vec::new();
    for image in &why.images {
        let Some(status) = status(image) else { continue };
        let table = findings(status, &Severity::ALL, wide);
        if !table.is_empty() && !listed.contains(&image.image.as_str()) {
            listed.push(&image.image);
            out.push_str(&format!("\n{}\n{table}", text::escape(&image.image)));
        }
    }
    let advice = advice(why);
    if !advice.is_empty() {
        out.push_str("\nWhat to do:\n");
        for line in advice {
            out.push_str(&format!("  {}\n", text::escape(&line)));
        }
    }
    out
}

fn status(image: &ImageAnswer) -> Option<&ImageScanStatus> {
    image.scan.as_ref()?.status.as_ref()
}

fn row(image: &ImageAnswer, is_scan: bool) -> Vec<String> {
    let status = status(image);
    let mut row = vec![
        image.image.clone(),
        status.map_or_else(|| "NotScanned".to_owned(), |status| format!("{:?}", status.state)),
        status.and_then(|status| status.summary.clone()).unwrap_or_default(),
    ];
    if !is_scan {
        row.insert(0, image.container.clone());
    }
    row
}

/// Commands and hints that fit, each once.
fn advice(why: &Why) -> Vec<String> {
    let mut advice: Vec<String> = Vec::new();
    let mut add = |line: String| {
        if !advice.contains(&line) {
            advice.push(line);
        }
    };
    let is_held = !matches!(why.state.as_deref(), None | Some("Deployed" | "Approved"));
    if !is_held {
        return advice;
    }
    let namespace = &why.namespace;
    let settable = ["deployment/", "statefulset/", "daemonset/"];
    let workload = why.from.as_deref().unwrap_or(&why.what);
    for image in &why.images {
        let Some(status) = status(image) else {
            add(format!(
                "wait for the scan: kubectl scan image {} -n {namespace}",
                image.image
            ));
            continue;
        };
        let approved = status.conditions.iter().find(|condition| condition.type_ == "Approved");
        match (status.state, approved.map(|condition| condition.reason.as_str())) {
            (ImageState::Approved, _) => {}
            (_, Some("ApprovalRequired")) => add(format!(
                "somebody who may approves it: kubectl scan approve {} -n {namespace} --reason WHY",
                why.what
            )),
            (ImageState::VulnerabilitiesFound, _) => {
                if let Some(worst) = status.top.first() {
                    let to = worst
                        .fixed
                        .as_deref()
                        .map(|fixed| format!(" to {fixed}"))
                        .unwrap_or_default();
                    add(format!(
                        "update {}{to} in the image and deploy it under a new tag",
                        worst.package
                    ));
                    if settable.iter().any(|kind| workload.starts_with(kind)) && !image.container.contains('/') {
                        let repository = repository(&image.image);
                        add(format!(
                            "  kubectl set image {workload} {}={repository}:NEW_TAG -n {namespace}",
                            image.container
                        ));
                    }
                    add(format!(
                        "or accept {} for a time: a ScanException in namespace {namespace} (needs the verb except)",
                        worst.id
                    ));
                }
            }
            (ImageState::Failed, _) => {
                if let Some(hint) = image::hint(status, namespace) {
                    add(hint);
                }
                add(format!("try again: kubectl scan image {} -n {namespace}", image.image));
            }
            _ => add(format!(
                "wait for the scan: kubectl scan image {} -n {namespace}",
                image.image
            )),
        }
    }
    advice
}

/// The image without tag and digest.
fn repository(image: &str) -> &str {
    let name = image.split_once('@').map_or(image, |(name, _)| name);
    match name.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => repository,
        _ => name,
    }
}
