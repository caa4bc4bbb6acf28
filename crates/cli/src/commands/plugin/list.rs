//! `kubectl scan list`: the ImageScans of a namespace or of all, and below them where workloads stand.

use super::table::{age, columns};
use super::{print, print_value, talk};
use crate::arguments::plugin::{ClusterArguments, OutputFormat};
use crate::exit;
use anyhow::Result;
use jiff::Timestamp;
use seaworthy_operator::client::{Scope, WorkloadState};
use seaworthy_operator::resources::ImageScan;
use serde_json::json;

pub(super) fn run(cluster: &ClusterArguments) -> Result<u8> {
    let client = cluster.connection().open()?;
    let scope = client.scope(cluster.all_namespaces);
    let mut scans = client.scans(&scope)?;
    for scan in &mut scans {
        scan.metadata.managed_fields = None;
    }
    let list = json!({"apiVersion": "v1", "kind": "List", "items": scans});
    if print_value(&list, cluster.output)? {
        return Ok(exit::PASSED);
    }
    if cluster.output == Some(OutputFormat::Name) {
        let names = scans.iter().filter_map(|scan| scan.metadata.name.as_deref());
        let lines: String = names.map(|name| format!("imagescan.seaworthy.dev/{name}\n")).collect();
        print(&lines)?;
        return Ok(exit::PASSED);
    }
    let workloads = client.workload_states(&scope)?;
    if scans.is_empty() && workloads.is_empty() {
        talk(cluster).say(&match scope {
            Scope::All => "No ImageScans found".to_owned(),
            Scope::Namespace(namespace) => format!("No ImageScans found in namespace {namespace}"),
        });
        return Ok(exit::PASSED);
    }
    let wide = cluster.output == Some(OutputFormat::Wide);
    let all = scope == Scope::All;
    let mut tables = Vec::new();
    if !scans.is_empty() {
        tables.push(table(&scans, all, wide, Timestamp::now()));
    }
    if !workloads.is_empty() {
        tables.push(states(&workloads, all, wide));
    }
    print(&tables.join("\n"))?;
    Ok(exit::PASSED)
}

fn states(workloads: &[WorkloadState], namespaces: bool, wide: bool) -> String {
    let mut headings = vec!["WORKLOAD", "STATE"];
    if namespaces {
        headings.insert(0, "NAMESPACE");
    }
    if wide {
        headings.push("REASON");
    }
    let rows: Vec<Vec<String>> = workloads
        .iter()
        .map(|workload| {
            let mut row = vec![workload.workload.to_string(), workload.state.clone()];
            if namespaces {
                row.insert(0, workload.namespace.clone());
            }
            if wide {
                row.push(workload.reason.clone().unwrap_or_default());
            }
            row
        })
        .collect();
    columns(&headings, &rows)
}

fn table(scans: &[ImageScan], namespaces: bool, wide: bool, now: Timestamp) -> String {
    let mut headings = vec![
        "NAME", "IMAGE", "STATE", "CRITICAL", "HIGH", "MEDIUM", "FIXABLE", "SCANNED", "AGE",
    ];
    if namespaces {
        headings.insert(0, "NAMESPACE");
    }
    if wide {
        headings.push("REASON");
    }
    let rows: Vec<Vec<String>> = scans
        .iter()
        .map(|scan| {
            let status = scan.status.clone().unwrap_or_default();
            let number = |count: Option<u32>| count.map(|count| count.to_string()).unwrap_or_default();
            let mut row = vec![
                scan.metadata.name.clone().unwrap_or_default(),
                scan.spec.image.clone(),
                format!("{:?}", status.state),
                number(status.findings.map(|counts| counts.critical)),
                number(status.findings.map(|counts| counts.high)),
                number(status.findings.map(|counts| counts.medium)),
                number(status.fixable),
                age(status.scanned_at.as_ref().map(|time| time.0), now),
                age(scan.metadata.creation_timestamp.as_ref().map(|time| time.0), now),
            ];
            if namespaces {
                row.insert(0, scan.metadata.namespace.clone().unwrap_or_default());
            }
            if wide {
                row.push(status.reason.unwrap_or_default());
            }
            row
        })
        .collect();
    columns(&headings, &rows)
}
