//! `kubectl scan image`: asked for in the cluster, followed, and shown with the exit codes of the scanner.

use super::table::{count, findings};
use super::{print, print_value, talk};
use crate::arguments::plugin::{ClusterArguments, OutputFormat, PluginImageArguments};
use crate::{exit, text};
use anyhow::{Context, Result, anyhow};
use jiff::Timestamp;
use seaworthy_model::Severity;
use seaworthy_operator::client::{Client, Followed};
use seaworthy_operator::resources::{ImageScan, ImageScanStatus, ImageState};

pub(super) fn run(arguments: &PluginImageArguments, cluster: &ClusterArguments) -> Result<u8> {
    let client = cluster.connection().open()?;
    let mut worst = exit::PASSED;
    let several = arguments.references.len() > 1;
    for image in &arguments.references {
        match one(image, &client, arguments, cluster, several) {
            Ok(code) => worst = exit::worse(worst, code),
            Err(error) if several => {
                text::error(&error.context(format!("cannot scan {image}")));
                worst = exit::worse(worst, exit::COULD_NOT_SCAN);
            }
            Err(error) => return Err(error),
        }
    }
    Ok(worst)
}

fn one(
    image: &str,
    client: &Client,
    arguments: &PluginImageArguments,
    cluster: &ClusterArguments,
    several: bool,
) -> Result<u8> {
    let talk = talk(cluster);
    let mut scan = client.scan(image, arguments.timeout, &mut |seen| match seen {
        Followed::Started => talk.say(&format!("Scan started for image {}", text::escape(image))),
        Followed::Scanning => talk.say("Scanning"),
        Followed::Known { at } => {
            let at = Timestamp::from_second(at).map(|at| at.to_string()).unwrap_or_default();
            talk.say(&format!("Known from the scan of {at}"));
        }
    })?;
    scan.metadata.managed_fields = None;
    let status = scan.status.clone().unwrap_or_default();
    show(&scan, &status, arguments, cluster, several)?;
    if status.state == ImageState::Failed {
        let line = status.reason.as_deref().unwrap_or("the operator does not say why");
        let line = line.strip_prefix(&format!("{image}: ")).unwrap_or(line);
        let error = anyhow!("cannot scan {image}: {line}");
        text::error(&error);
        if let Some(hint) = hint(&status, client.namespace()) {
            text::hint(&hint);
        }
        return Ok(exit::COULD_NOT_SCAN);
    }
    Ok(exit_code(&status, arguments))
}

fn show(
    scan: &ImageScan,
    status: &ImageScanStatus,
    arguments: &PluginImageArguments,
    cluster: &ClusterArguments,
    several: bool,
) -> Result<()> {
    if several && cluster.output == Some(OutputFormat::Json) {
        return print(&format!("{}\n", serde_json::to_string(scan)?));
    }
    if several && cluster.output == Some(OutputFormat::Yaml) {
        print("---\n")?;
    }
    if print_value(&serde_json::to_value(scan)?, cluster.output)? {
        return Ok(());
    }
    if cluster.output == Some(OutputFormat::Name) {
        let name = scan.metadata.name.as_deref().context("the ImageScan has no name")?;
        return print(&format!("imagescan.seaworthy.dev/{name}\n"));
    }
    if status.state == ImageState::Failed && status.summary.is_none() {
        return Ok(());
    }
    let mut shown = String::new();
    if several {
        shown.push_str(&format!("{}\n", text::escape(&scan.spec.image)));
    }
    let summary = match (&status.summary, status.state) {
        (Some(summary), _) => summary.clone(),
        (None, ImageState::NoVulnerabilities) => "No vulnerabilities found".to_owned(),
        (None, state) => format!("{state:?}"),
    };
    shown.push_str(&format!("{}\n", text::escape(&summary)));
    let wide = cluster.output == Some(OutputFormat::Wide);
    shown.push_str(&findings(status, &arguments.severity, wide));
    if wide && let Some(digest) = &status.digest {
        shown.push_str(&format!("Digest: {}\n", text::escape(digest)));
    }
    match (status.state, &status.reason) {
        (ImageState::Approved, _) => shown.push_str("Approved\n"),
        (ImageState::Failed, _) | (_, None) => {}
        (_, Some(line)) => shown.push_str(&format!("{}\n", text::escape(line))),
    }
    print(&shown)
}

/// `--fail-on` is 1; `--exit-code` is its own number; what was not read whole does not pass a gate.
fn exit_code(status: &ImageScanStatus, arguments: &PluginImageArguments) -> u8 {
    if arguments.exit_code != 0 && count(status, &arguments.severity) > 0 {
        return arguments.exit_code;
    }
    if let Some(least) = arguments.fail_on {
        let severe: Vec<Severity> = Severity::ALL
            .into_iter()
            .filter(|severity| *severity >= least)
            .collect();
        if count(status, &severe) > 0 {
            return exit::POLICY_FAILED;
        }
    }
    let gated = arguments.exit_code != 0 || arguments.fail_on.is_some();
    let scanned = status.conditions.iter().find(|condition| condition.type_ == "Scanned");
    match gated && scanned.is_some_and(|condition| condition.status == "False") {
        true => exit::COULD_NOT_SCAN,
        false => exit::PASSED,
    }
}

/// What helps against a failure.
pub(super) fn hint(status: &ImageScanStatus, namespace: &str) -> Option<String> {
    let scanned = status
        .conditions
        .iter()
        .find(|condition| condition.type_ == "Scanned")?;
    Some(match scanned.reason.as_str() {
        "RegistryUnauthorized" => format!(
            "if its pull secret is in namespace {namespace}, let it be read: kubectl scan access {namespace} | kubectl apply -f -"
        ),
        "ImageNotFound" => "check the spelling, and that the image was pushed".to_owned(),
        "RegistryNotAllowed" => "start the operator with --allow-local-registries to allow them".to_owned(),
        _ => return None,
    })
}
