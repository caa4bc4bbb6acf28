//! Images by name from a real registry: many in one run, every platform, credentials that nobody sees, mirrors.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, in its helpers too"
)]

mod program;

use program::{command, comparable, finish, json, run};
use seaworthy_testkit::{Fault, FaultProxy, ImageBuilder, LayerBuilder, RegistryServer, Rule, Stored, example_image};
use std::path::Path;

fn npm(name: &str) -> ImageBuilder {
    let path = format!("app/node_modules/{name}/package.json");
    let content = format!("{{\"name\":\"{name}\",\"version\":\"1.0.0\"}}");
    ImageBuilder::new().layer(LayerBuilder::new().file(&path, content), Stored::Gzip)
}

fn lines(out: &str) -> Vec<serde_json::Value> {
    out.lines().map(json).collect()
}

#[test]
fn a_known_image_costs_one_request_and_says_the_same() {
    let Some(registry) = RegistryServer::start() else {
        return;
    };
    registry.push("shop/app", "v1", &example_image(false));
    let proxy = FaultProxy::start(registry.host(), Vec::new());
    let home = tempfile::tempdir().unwrap();
    let reference = format!("{}/shop/app:v1", proxy.host());
    let scan = |more: &[&str]| {
        let arguments = ["image", &reference, "--image-src", "registry", "-f", "json"];
        let mut command = command(&[&arguments[..], more].concat());
        finish(command.env("HOME", home.path()).output().unwrap())
    };
    let first = scan(&[]);
    assert_eq!(first.code, 0, "{}", first.err);
    let vulnerabilities = |text: &str| {
        json(text)["Results"][0]["Vulnerabilities"]
            .as_array()
            .map_or(0, Vec::len)
    };
    assert_eq!(vulnerabilities(&first.out), 8);
    proxy.forget();
    let second = scan(&[]);
    assert_eq!(comparable(&second.out), comparable(&first.out), "{}", second.err);
    let asked: Vec<String> = proxy
        .requests()
        .iter()
        .map(|request| format!("{} {}", request.method, request.path))
        .filter(|request| request != "GET /v2/")
        .collect();
    assert_eq!(asked.len(), 1, "{asked:?}");
    assert!(asked[0].contains("/manifests/v1"), "{asked:?}");
    assert_eq!(comparable(&scan(&["--no-cache"]).out), comparable(&first.out));
}

#[test]
fn many_references_have_one_result_each_and_the_worst_code() {
    let Some(registry) = RegistryServer::start() else {
        return;
    };
    registry.push("shop/app", "v1", &example_image(false));
    registry.push("shop/app", "fixed", &example_image(true));
    let name = |tag: &str| format!("registry:{}/shop/app:{tag}", registry.host());
    let (vulnerable, fixed, missing) = (name("v1"), name("fixed"), name("gone"));
    let both = run(&["image", &vulnerable, &fixed, "-f", "json", "--exit-code", "7"]);
    assert_eq!(both.code, 7, "{}", both.err);
    let reports = lines(&both.out);
    assert_eq!(reports.len(), 2);
    let names: Vec<&str> = reports
        .iter()
        .map(|report| report["ArtifactName"].as_str().unwrap())
        .collect();
    assert!(
        names[0].ends_with("/shop/app:v1") && names[1].ends_with("/shop/app:fixed"),
        "{names:?}"
    );
    assert!(both.err.contains("shop/app:v1: failed: 8 findings"), "{}", both.err);

    let broken = run(&[
        "image",
        &fixed,
        &missing,
        &vulnerable,
        "-f",
        "json",
        "--exit-code",
        "7",
        "-q",
    ]);
    assert_eq!(broken.code, 3, "{}", broken.err);
    assert_eq!(lines(&broken.out).len(), 2);
    assert!(
        broken.err.contains("cannot scan") && broken.err.contains("shop/app:gone") && broken.err.contains("tried:"),
        "{}",
        broken.err
    );

    let table = run(&["image", &vulnerable, &fixed]);
    assert_eq!(
        (table.code, table.out.matches("Total: ").count()),
        (0, 2),
        "{}",
        table.out
    );
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("reports.jsonl");
    let output = format!("json={}", file.display());
    assert_eq!(run(&["image", &vulnerable, &fixed, "-o", &output]).out, "");
    assert_eq!(lines(&std::fs::read_to_string(file).unwrap()).len(), 2);
}

#[test]
fn every_platform_has_a_result() {
    let Some(registry) = RegistryServer::start() else {
        return;
    };
    let amd64 = npm("a").architecture("amd64");
    let arm64 = npm("b").architecture("arm64");
    registry.push_index(
        "shop/many",
        "v1",
        &[("linux/amd64", &amd64), ("linux/arm64/v8", &arm64)],
    );
    let reference = format!("registry:{}/shop/many:v1", registry.host());
    let all = run(&[
        "image",
        &reference,
        "--platform",
        "all",
        "-f",
        "json",
        "--list-all-pkgs",
    ]);
    assert_eq!(all.code, 0, "{}", all.err);
    let names: Vec<String> = lines(&all.out)
        .iter()
        .map(|report| report["Results"][0]["Packages"][0]["Name"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(names, ["a", "b"]);
    let one = run(&[
        "image",
        &reference,
        "--platform",
        "linux/arm64",
        "-f",
        "json",
        "--list-all-pkgs",
    ]);
    assert_eq!(json(&one.out)["Results"][0]["Packages"][0]["Name"], "b", "{}", one.err);
    let none = run(&["image", &reference, "--platform", "linux/s390x"]);
    assert!(none.code == 3 && none.err.contains("linux/arm64"), "{}", none.err);
}

#[test]
fn every_platform_of_a_layout_has_a_result() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (folder.path().join("one"), folder.path().join("two"));
    npm("a").architecture("amd64").write_layout(&one).unwrap();
    npm("b").architecture("arm64").write_layout(&two).unwrap();
    let index = |layout: &Path| json(&std::fs::read_to_string(layout.join("index.json")).unwrap());
    let mut joined = index(&one);
    joined["manifests"]
        .as_array_mut()
        .unwrap()
        .push(index(&two)["manifests"][0].clone());
    for entry in std::fs::read_dir(two.join("blobs/sha256")).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), one.join("blobs/sha256").join(entry.file_name())).unwrap();
    }
    std::fs::write(one.join("index.json"), joined.to_string()).unwrap();
    let layout = one.to_str().unwrap();
    let all = run(&[
        "image",
        "--input",
        layout,
        "--platform",
        "all",
        "-f",
        "json",
        "--list-all-pkgs",
    ]);
    assert_eq!((all.code, lines(&all.out).len()), (0, 2), "{}", all.err);
    let archive = run(&[
        "image",
        "--input",
        "examples/myapp-v1.tar",
        "--platform",
        "all",
        "-f",
        "json",
    ]);
    assert_eq!((archive.code, lines(&archive.out).len()), (0, 1), "{}", archive.err);
}

#[test]
fn an_image_that_nobody_has_is_said_with_what_was_tried() {
    let Some(registry) = RegistryServer::start() else {
        return;
    };
    let reference = format!("{}/shop/typo:v1", registry.host());
    let run = run(&["image", &reference, "--image-src", "registry"]);
    assert!(run.code == 3 && run.out.is_empty(), "{}", run.out);
    for part in ["error: ", "shop/typo:v1", "  tried: registry ", "  hint: "] {
        assert!(run.err.contains(part), "{part}: {}", run.err);
    }
}

/// What nobody may ever read.
fn check_secret(run: &program::Run, secrets: &[&str], what: &str) {
    for secret in secrets {
        assert!(
            !run.out.contains(secret) && !run.err.contains(secret),
            "{what} shows {secret}:\n{}\n{}",
            run.out,
            run.err
        );
    }
}

#[test]
fn credentials_are_in_no_output() {
    let Some(registry) = RegistryServer::start_with_login() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let authority = folder.path().join("ca.pem");
    std::fs::write(&authority, registry.authority()).unwrap();
    let authority = authority.to_str().unwrap();
    registry.push("shop/app", "v1", &example_image(false));
    let (user, password) = (RegistryServer::USER, RegistryServer::PASSWORD);
    // captain:salt-and-timber and captain:wrong-and-secret in base64, as they are sent and stored.
    let (encoded, wrong_encoded) = ("Y2FwdGFpbjpzYWx0LWFuZC10aW1iZXI=", "Y2FwdGFpbjp3cm9uZy1hbmQtc2VjcmV0");
    let secrets = [password, encoded, "wrong-and-secret", wrong_encoded, "token-and-secret"];
    let config = folder.path().join("docker");
    std::fs::create_dir(&config).unwrap();
    let auths = format!("{{\"auths\":{{\"{}\":{{\"auth\":\"{encoded}\"}}}}}}", registry.host());
    std::fs::write(config.join("config.json"), auths).unwrap();
    let settings = folder.path().join("seaworthy.yaml");
    std::fs::write(
        &settings,
        format!("registry: {{username: {user}, password: {password}}}"),
    )
    .unwrap();
    let settings = settings.to_str().unwrap();
    let reference = format!("registry:{}/shop/app:v1", registry.host());
    let missing = format!("registry:{}/shop/gone:v1", registry.host());
    type Case<'a> = (&'a str, i32, Vec<&'a str>, Vec<(&'a str, &'a str)>);
    let cases: Vec<Case<'_>> = vec![
        (
            "flags",
            0,
            vec![&reference, "--username", user, "--password", password],
            vec![],
        ),
        (
            "our variables",
            0,
            vec![&reference],
            vec![("SEAWORTHY_USERNAME", user), ("SEAWORTHY_PASSWORD", password)],
        ),
        (
            "Trivy's variables",
            0,
            vec![&reference],
            vec![("TRIVY_USERNAME", user), ("TRIVY_PASSWORD", password)],
        ),
        (
            "docker's file",
            0,
            vec![&reference],
            vec![("DOCKER_CONFIG", config.to_str().unwrap())],
        ),
        ("settings", 0, vec![&reference, "--config", settings], vec![]),
        (
            "a wrong password",
            3,
            vec![&reference, "--username", user, "--password", "wrong-and-secret"],
            vec![],
        ),
        (
            "a token",
            3,
            vec![&reference, "--registry-token", "token-and-secret"],
            vec![],
        ),
        (
            "a missing image",
            3,
            vec![&missing, "--username", user, "--password", password],
            vec![],
        ),
        (
            "several",
            3,
            vec![&missing, &reference, "--username", user, "--password", password],
            vec![],
        ),
        (
            "a password without a user",
            3,
            vec![&reference, "--password", password],
            vec![],
        ),
        (
            "a wrong flag",
            2,
            vec![&reference, "--password", password, "--severity", "NONE"],
            vec![],
        ),
        ("nothing", 3, vec![&reference], vec![]),
    ];
    for (what, code, arguments, variables) in cases {
        for format in ["json", "table"] {
            let base = ["image", "-d", "-f", format, "--cacert", authority];
            let mut command = command(&[&base[..], &arguments].concat());
            command.envs(variables.iter().copied());
            let run = finish(command.output().unwrap());
            assert_eq!(run.code, code, "{what}: {}", run.err);
            check_secret(&run, &secrets, what);
        }
    }
    let mut child = command(&[
        "image",
        "-d",
        "--cacert",
        authority,
        &reference,
        "--username",
        user,
        "--password-stdin",
    ])
    .stdin(std::process::Stdio::piped())
    .stdout(std::process::Stdio::piped())
    .stderr(std::process::Stdio::piped())
    .spawn()
    .unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), format!("{password}\n").as_bytes()).unwrap();
    let run = finish(child.wait_with_output().unwrap());
    assert_eq!(run.code, 0, "{}", run.err);
    check_secret(&run, &secrets, "standard input");
}

#[test]
fn mirrors_of_the_settings_are_asked_first() {
    let Some(registry) = RegistryServer::start() else {
        return;
    };
    registry.push("shop/app", "v1", &npm("a"));
    let folder = tempfile::tempdir().unwrap();
    let settings = format!(
        "registry:\n  mirrors:\n    nowhere.invalid: [\"http://{}\"]\n",
        registry.host()
    );
    std::fs::write(folder.path().join("seaworthy.yaml"), settings).unwrap();
    let mut command = command(&[
        "image",
        "registry:nowhere.invalid/shop/app:v1",
        "-f",
        "json",
        "--list-all-pkgs",
    ]);
    let run = finish(command.current_dir(folder.path()).output().unwrap());
    assert_eq!(run.code, 0, "{}", run.err);
    assert_eq!(json(&run.out)["Results"][0]["Packages"][0]["Name"], "a");
}

#[test]
fn a_layer_with_other_bytes_is_never_a_result() {
    let Some(registry) = RegistryServer::start() else {
        return;
    };
    registry.push("shop/app", "v1", &npm("a"));
    let layer = npm("a")
        .oci_files()
        .into_iter()
        .find(|(_, bytes)| bytes.starts_with(&[0x1f, 0x8b]))
        .unwrap();
    let digest = layer.0.rsplit('/').next().unwrap().to_owned();
    let home = tempfile::tempdir().unwrap();
    let proxy = FaultProxy::start(registry.host(), vec![Rule::always(&digest, Fault::WrongByte(20))]);
    let scan = |host: &str| {
        let reference = format!("registry:{host}/shop/app:v1");
        let mut command = command(&["image", &reference, "-f", "json", "--list-all-pkgs"]);
        finish(command.env("HOME", home.path()).output().unwrap())
    };
    let spoiled = scan(proxy.host());
    assert!(
        spoiled.code == 3 && spoiled.out.is_empty(),
        "{}{}",
        spoiled.out,
        spoiled.err
    );
    let honest = scan(registry.host());
    assert_eq!(honest.code, 0, "{}", honest.err);
    assert!(honest.err.contains("Reading 1 layer"), "{}", honest.err);
}
