//! `kubectl scan approve`: who approved what, and why, as the cluster has recorded it.

use super::{print, print_value, talk};
use crate::arguments::plugin::ClusterArguments;
use crate::{exit, text};
use anyhow::Result;
use seaworthy_operator::client::{Approval, Target};
use serde_json::{Value, json};
use std::time::Duration;

/// How long the operator may take to look at an approval.
const PATIENCE: Duration = Duration::from_secs(15);

pub(super) fn run(target: &Target, reason: &str, cluster: &ClusterArguments) -> Result<u8> {
    let client = cluster.connection().open()?;
    let approvals = client.approve(target, reason, PATIENCE)?;
    let mut code = exit::PASSED;
    let mut lines = String::new();
    let mut values: Vec<Value> = Vec::new();
    for approving in &approvals {
        let image = text::escape(&approving.image);
        let (word, line) = match &approving.approval {
            Approval::NotNeeded => ("NotNeeded", format!("{image}: nobody has to approve it")),
            Approval::Accepted { by } => ("Accepted", format!("{image}: Approved by {by}: {reason}")),
            Approval::Recorded { by } => {
                talk(cluster).say("the operator has not looked at it yet; it counts when it does");
                ("Recorded", format!("{image}: recorded, by {by}: {reason}"))
            }
            Approval::Rejected { why } => {
                code = exit::POLICY_FAILED;
                ("Rejected", format!("{image}: not approved: {why}"))
            }
        };
        lines.push_str(&format!("{}\n", text::escape(&line)));
        values.push(json!({"image": approving.image, "digest": approving.digest, "approval": word, "line": line}));
    }
    if !print_value(&Value::Array(values), cluster.output)? {
        print(&lines)?;
    }
    Ok(code)
}
