//! The custom resources, one file a kind, and what they share. `deploy/crds` is generated from here.

#![expect(unreachable_pub, reason = "the derived schemas make types that nobody names")]
#![allow(clippy::duplicated_attributes, reason = "every printed column has a type")]

mod alert_channel;
mod image_approval;
mod image_scan;
mod scan_exception;
mod scan_policy;

pub use alert_channel::{
    AlertChannel, AlertChannelSpec, AlertChannelStatus, AlertTest, ChannelType, EmailSpec, SecretKey,
};
pub use image_approval::{ImageApproval, ImageApprovalSpec, ImageApprovalStatus};
pub use image_scan::{
    AdvisoryDataStatus, FindingSummary, ImageScan, ImageScanSpec, ImageScanStatus, ImageState, SeverityCounts,
};
pub use scan_exception::{ExceptionExpiry, ScanException, ScanExceptionSpec, ScanExceptionStatus};
pub use scan_policy::{
    ApprovalMode, GateFailurePolicy, IncompletePolicy, PolicyAction, PolicyRule, RuleSeverity, ScanPolicy,
    ScanPolicySpec, ScanPolicyStatus,
};

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::CustomResourceExt;

/// The group of all our kinds.
pub const GROUP: &str = "seaworthy.dev";

/// Every definition, with the name of its file in `deploy/crds`.
pub fn definitions() -> Vec<(&'static str, CustomResourceDefinition)> {
    vec![
        ("imagescans.yaml", ImageScan::crd()),
        ("scanpolicies.yaml", ScanPolicy::crd()),
        ("scanexceptions.yaml", ScanException::crd()),
        ("alertchannels.yaml", AlertChannel::crd()),
        ("imageapprovals.yaml", ImageApproval::crd()),
    ]
}
