//! The command that fixes what a message is about, ready to be pasted into a shell.
//!
//! Names in it were written by others, so everything that a shell could read as more than a word is quoted.

use super::news::{Event, Workload, Worst};
use seaworthy_gate::repository;
use seaworthy_policy::{cut, duration};

/// The command for an image of a container.
pub(super) fn fix(event: Event, workload: &Workload, container: &str, image: &str, worst: Option<&Worst>) -> String {
    let place = format!("{}/{}", workload.kind.to_lowercase(), workload.name);
    let namespace = word(&workload.namespace);
    let has_fix = worst.is_some_and(|worst| worst.fixed.is_some());
    match event {
        // A Job's template cannot be changed, and what other kinds take is theirs to say.
        Event::Blocked | Event::Warned
            if has_fix && !container.contains('/') && SETTABLE.contains(&workload.kind.as_str()) =>
        {
            let new = word(&format!("{container}={}:FIXED_TAG", shorten(&repository(image))));
            format!("kubectl set image {} {new} -n {namespace}", word(&place))
        }
        Event::Failed => format!("kubectl scan image {} -n {namespace}", word(image)),
        _ => format!("kubectl scan why {} -n {namespace}", word(&place)),
    }
}

/// The command for a scan that failed for this reason.
pub(crate) fn after_failure(reason: &str, workload: &Workload, image: &str) -> String {
    match reason {
        "RegistryUnauthorized" => format!("kubectl scan access {}", word(&workload.namespace)),
        _ => fix(Event::Failed, workload, "", image, None),
    }
}

/// The line for people where there is no verdict for longer than a policy waits: how long, what to do, and why, without
/// saying the image twice. Whatever a registry says comes last, where it may be cut.
pub(crate) fn overdue(image: &str, timeout: i64, command: Option<&str>, why: &str) -> String {
    let why = why.strip_prefix(&format!("{image}: ")).unwrap_or(why);
    let time = duration::text(timeout);
    cut(match command {
        Some(command) => format!("{image}: no verdict for more than {time}; try: {command} ({why})"),
        None => format!("{image}: no verdict for more than {time}: {why}"),
    })
}

/// The command that shows that it is over.
pub(super) fn look(workload: &Workload) -> String {
    let place = word(&format!("{}/{}", workload.kind.to_lowercase(), workload.name));
    let namespace = word(&workload.namespace);
    match workload.kind.as_str() {
        "Deployment" | "StatefulSet" | "DaemonSet" => format!("kubectl rollout status {place} -n {namespace}"),
        _ => format!("kubectl get {place} -n {namespace}"),
    }
}

/// Kinds whose image `kubectl set image` changes.
const SETTABLE: [&str; 6] = ["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "CronJob", "Pod"];

/// The repository as people write it.
fn shorten(repository: &str) -> &str {
    let short = repository.strip_prefix("docker.io/").unwrap_or(repository);
    short.strip_prefix("library/").unwrap_or(short)
}

/// A text as one word of a shell.
fn word(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:@=+,".contains(&byte);
    match !text.is_empty() && text.bytes().all(plain) && !text.starts_with('-') {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::{Event, Workload, Worst, after_failure, fix, look, overdue};
    use seaworthy_model::Severity;

    fn workload(kind: &str, name: &str) -> Workload {
        Workload {
            namespace: "shop".to_owned(),
            kind: kind.to_owned(),
            name: name.to_owned(),
        }
    }

    fn worst(fixed: Option<&str>) -> Worst {
        Worst {
            id: "CVE-1".to_owned(),
            package: "expat".to_owned(),
            installed: "1".to_owned(),
            fixed: fixed.map(str::to_owned),
            severity: Severity::Critical,
        }
    }

    #[test]
    fn the_command_fits_the_workload_and_the_finding() {
        let deployment = workload("Deployment", "myapp");
        let fixed = worst(Some("2"));
        for (event, workload, worst, expected) in [
            (
                Event::Blocked,
                &deployment,
                Some(&fixed),
                "kubectl set image deployment/myapp c=myapp:FIXED_TAG -n shop",
            ),
            (
                Event::Blocked,
                &deployment,
                Some(&worst(None)),
                "kubectl scan why deployment/myapp -n shop",
            ),
            (
                Event::Blocked,
                &workload("Job", "j"),
                Some(&fixed),
                "kubectl scan why job/j -n shop",
            ),
            (Event::Failed, &deployment, None, "kubectl scan image myapp:v1 -n shop"),
        ] {
            assert_eq!(fix(event, workload, "c", "myapp:v1", worst), expected);
        }
        assert_eq!(
            after_failure("RegistryUnauthorized", &deployment, "x"),
            "kubectl scan access shop"
        );
        assert_eq!(look(&deployment), "kubectl rollout status deployment/myapp -n shop");
        assert_eq!(look(&workload("Pod", "p")), "kubectl get pod/p -n shop");
    }

    #[test]
    fn what_waits_too_long_says_how_long_what_to_do_and_why() {
        let command = Some("kubectl scan access shop");
        assert_eq!(
            overdue("a:v1", 1800, command, "a:v1: a.example wants a login"),
            "a:v1: no verdict for more than 30m; try: kubectl scan access shop (a.example wants a login)"
        );
        assert_eq!(
            overdue("a:v1", 90, None, "gone"),
            "a:v1: no verdict for more than 1m30s: gone"
        );
        // Whatever a registry says, the command stands.
        let long = overdue("a:v1", 90, command, &"x".repeat(5000));
        assert!(
            long.contains("; try: kubectl scan access shop (xxx") && long.len() <= 250,
            "{long}"
        );
    }

    #[test]
    fn nothing_in_an_image_reference_reaches_a_shell() {
        let deployment = workload("Deployment", "myapp");
        let command = fix(Event::Failed, &deployment, "c", "x;$(rm -rf ~)'`id`", None);
        assert_eq!(command, r"kubectl scan image 'x;$(rm -rf ~)'\''`id`' -n shop");
        assert_eq!(
            fix(Event::Failed, &deployment, "c", "--help", None),
            "kubectl scan image '--help' -n shop"
        );
    }
}
