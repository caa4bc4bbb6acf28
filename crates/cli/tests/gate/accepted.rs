//! What passes although something is wrong: images that could not be read whole, and findings that somebody accepted.

use crate::Place;
use jiff::Timestamp;
use seaworthy_testkit::{LayerBuilder, Stored, example_image};

#[test]
fn what_is_accepted_is_accepted_for_as_long_as_somebody_says() {
    let Some(place) = Place::start() else { return };
    let _operator = place.operator();
    an_image_that_cannot_be_read_whole(&place);
    an_exception_with_a_date(&place);
}

fn an_image_that_cannot_be_read_whole(place: &Place) {
    let torn = LayerBuilder::new().file("usr/lib/sysimage/rpm/rpmdb.sqlite", vec![7; 5000]);
    let image = example_image(true).layer(torn, Stored::Gzip);
    place.registry.push("library/torn", "v1", &image);
    place.ok("create deployment torn --image=torn:v1");
    place.state("deployment/torn", "Blocked");
    let reason = place.reason("deployment/torn");
    assert!(
        reason.starts_with(
            "torn:v1: could not be read whole, so it is not approved: usr/lib/sysimage/rpm/rpmdb.sqlite: "
        ),
        "{reason}"
    );
    let scans = "get imagescans -o jsonpath={range@.items[*]}{.spec.image}={.status.state};{end}";
    place.wait(scans, |out| out.contains("torn:v1=Failed;"));
    let said = place.scan("image torn:v1 -n default");
    assert!(!said.ok && !said.out.contains("No vulnerabilities found"), "{said:?}");
    assert!(
        said.err.contains("rpmdb.sqlite") || said.out.contains("rpmdb.sqlite"),
        "{said:?}"
    );
    assert_eq!(place.pods("torn"), "");
    let on_incomplete = |word: &str| {
        place.ok(&format!(
            "patch scanpolicy default --type=merge -p {{\"spec\":{{\"onIncomplete\":\"{word}\"}}}}"
        ))
    };
    on_incomplete("allow");
    place.rolled_out("deployment/torn");
    on_incomplete("hold");
    place.ok("create deployment torn-too --image=torn:v1");
    place.state("deployment/torn-too", "Blocked");
    place.ok("delete deployment torn-too");
}

fn an_exception_with_a_date(place: &Place) {
    place.ok("create deployment app --image=myapp:v1");
    place.state("deployment/app", "Blocked");
    let until = Timestamp::from_second(Timestamp::now().as_second() + 60).unwrap();
    place.apply(&format!(
        "apiVersion: seaworthy.dev/v1alpha1\nkind: ScanException\nmetadata: {{name: for-now, namespace: default}}\nspec:\n  \
         vulnerabilities: [CVE-2023-40889, CVE-2023-40890, CVE-2023-49606]\n  images: [\"myapp:*\"]\n  reason: a fix is under way\n  \
         expires: {{date: \"{until}\"}}\n"
    ));
    place.rolled_out("deployment/app");
    let pod = format!("myapp:v1@{}|Running|;", place.bad);
    assert_eq!(place.pods("app"), pod);
    let active = "get scanexception for-now -o jsonpath={.status.conditions[?(@.type==\"Active\")].status}";
    place.wait_for(active, "True");
    // It is over without anybody doing anything: what comes then is held.
    place.wait_for(active, "False");
    assert!(Timestamp::now() >= until);
    place.ok("create deployment later --image=myapp:v1");
    place.state("deployment/later", "Blocked");
    // What it let in runs on, and proves nothing for what comes after it.
    assert_eq!(place.pods("app"), pod);
    place.ok("delete pods -l app=app");
    place.wait_for_pods("app", |pods| pods.ends_with("seaworthy.dev/scan;"));
}
