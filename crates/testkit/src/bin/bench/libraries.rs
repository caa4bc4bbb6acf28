//! Files of language packages for the image: installed by pip and npm into a folder, as container builds do.
//!
//! The newest versions that the registries have on the day of the build; the image is kept, so that later runs measure the
//! same one. No script of a package runs.

use crate::layer::Layer;
use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

/// What pip installs; with all that they depend on these are about 80 wheels and more.
const WHEELS: [&str; 36] = [
    "aiohttp",
    "alembic",
    "beautifulsoup4",
    "boto3",
    "celery",
    "cryptography",
    "django",
    "djangorestframework",
    "docker",
    "fastapi",
    "flask",
    "grpcio",
    "gunicorn",
    "httpx",
    "jinja2",
    "kubernetes",
    "lxml",
    "matplotlib",
    "networkx",
    "numpy",
    "opentelemetry-sdk",
    "pandas",
    "paramiko",
    "pillow",
    "psycopg2-binary",
    "pydantic",
    "pytest",
    "pyyaml",
    "redis",
    "requests",
    "rich",
    "scikit-learn",
    "sentry-sdk",
    "sqlalchemy",
    "tornado",
    "uvicorn",
];

/// What npm installs: build tools of web applications, with 1,500 packages below them.
const MODULES: [&str; 9] = [
    "react-scripts@5",
    "express@4",
    "@nestjs/cli",
    "@nestjs/core",
    "aws-sdk@2",
    "gulp",
    "mocha",
    "serverless-offline@8",
    "typeorm",
];

/// What Maven resolves: with all that they depend on more than 300 archives of 300 MB, shaded ones among them.
const ARTIFACTS: [&str; 10] = [
    "co.elastic.clients:elasticsearch-java:8.13.4",
    "com.amazonaws:aws-java-sdk-s3:1.12.700",
    "io.kubernetes:client-java:20.0.1",
    "org.apache.kafka:connect-runtime:3.7.0",
    "org.apache.spark:spark-hive_2.13:3.5.1",
    "org.springframework.boot:spring-boot-starter-actuator:3.2.5",
    "org.springframework.boot:spring-boot-starter-data-jpa:3.2.5",
    "org.springframework.boot:spring-boot-starter-security:3.2.5",
    "org.springframework.boot:spring-boot-starter-web:3.2.5",
    "org.springframework.boot:spring-boot-starter-webflux:3.2.5",
];

/// Debian's packages with programs in Go, more than 30 of them.
pub(crate) const GO: &[&str] = &[
    "age",
    "buildah",
    "caddy",
    "delve",
    "etcd-client",
    "etcd-server",
    "fzf",
    "gh",
    "gocryptfs",
    "golang-cfssl",
    "hugo",
    "kubernetes-client",
    "lego",
    "micro",
    "minica",
    "mkcert",
    "mtail",
    "prometheus",
    "prometheus-alertmanager",
    "prometheus-blackbox-exporter",
    "prometheus-mysqld-exporter",
    "prometheus-node-exporter",
    "prometheus-pushgateway",
    "rclone",
    "restic",
    "runc",
    "skopeo",
    "syncthing",
];

/// The wheels as the distribution's pip leaves them.
pub(crate) fn python(folder: &Path) -> Result<Vec<Layer>> {
    let target = empty(&folder.join("python"))?;
    let mut pip = Command::new("python3");
    pip.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-compile",
        "--only-binary=:all:",
        "--target",
    ])
    .arg(&target)
    .args(WHEELS);
    run(pip)?;
    let mut layer = Layer::default();
    add(&mut layer, &target, "usr/local/lib/python3/dist-packages")?;
    remove(&target)?;
    Ok(vec![layer])
}

/// The modules of one application.
pub(crate) fn node(folder: &Path) -> Result<Vec<Layer>> {
    let target = empty(&folder.join("node"))?;
    fs::write(
        target.join("package.json"),
        r#"{"name":"bench","version":"1.0.0","private":true}"#,
    )?;
    let mut npm = Command::new("npm");
    npm.current_dir(&target)
        .args([
            "install",
            "--silent",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            "--legacy-peer-deps",
        ])
        .args(MODULES);
    run(npm)?;
    let mut layer = Layer::default();
    add(&mut layer, &target, "srv/app")?;
    remove(&target)?;
    Ok(vec![layer])
}

/// Archives beside each other, and above them a program with some of them inside as Spring Boot packs it (stored) and a web
/// application with others (compressed again).
pub(crate) fn java(folder: &Path) -> Result<Vec<Layer>> {
    let target = empty(&folder.join("java"))?;
    let dependencies: String = ARTIFACTS
        .iter()
        .map(|artifact| {
            let mut parts = artifact.split(':');
            let mut part = || parts.next().unwrap_or_default();
            format!(
                "<dependency><groupId>{}</groupId><artifactId>{}</artifactId><version>{}</version></dependency>",
                part(),
                part(),
                part()
            )
        })
        .collect();
    let project = format!(
        "<project xmlns=\"http://maven.apache.org/POM/4.0.0\"><modelVersion>4.0.0</modelVersion><groupId>bench</groupId>\
         <artifactId>bench</artifactId><version>1</version><dependencies>{dependencies}</dependencies></project>"
    );
    fs::write(target.join("pom.xml"), project)?;
    let mut maven = Command::new("mvn");
    maven
        .current_dir(&target)
        .args([
            "--quiet",
            "--batch-mode",
            "dependency:copy-dependencies",
            "-DoutputDirectory=lib",
        ])
        .arg(format!("-Dmaven.repo.local={}", target.join("repository").display()));
    run(maven)?;
    let mut archives = seaworthy_testkit::data::files(&target.join("lib"));
    archives.sort_unstable();
    let packed = empty(&target.join("packed"))?;
    for (name, inside, options, chosen) in [
        ("app.jar", "BOOT-INF/lib", "cf0", (8, 0)),
        ("app.war", "WEB-INF/lib", "cf", (16, 1)),
    ] {
        let content = target.join(name).with_extension("content");
        let libraries = content.join(inside);
        fs::create_dir_all(&libraries).with_context(|| format!("create {}", libraries.display()))?;
        let (every, first) = chosen;
        for path in archives.iter().skip(first).step_by(every) {
            fs::copy(path, libraries.join(path.file_name().context("an archive has a name")?))?;
        }
        let mut jar = Command::new("jar");
        jar.arg(options)
            .arg(packed.join(name))
            .arg("-C")
            .args([&content, Path::new(".")]);
        run(jar)?;
    }
    let mut libraries = Layer::default();
    add(&mut libraries, &target.join("lib"), "srv/app/lib")?;
    let mut programs = Layer::default();
    add(&mut programs, &packed, "srv/app")?;
    remove(&target)?;
    Ok(vec![libraries, programs])
}

fn empty(path: &Path) -> Result<std::path::PathBuf> {
    if path.exists() {
        fs::remove_dir_all(path).with_context(|| format!("remove {}", path.display()))?;
    }
    fs::create_dir_all(path).with_context(|| format!("create {}", path.display()))?;
    Ok(path.to_owned())
}

fn run(mut command: Command) -> Result<()> {
    crate::say(&format!("Running {}.", command.get_program().to_string_lossy()));
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("run {command:?}"))?;
    // Maven tells its failures on stdout.
    let said = [output.stderr, output.stdout].concat();
    let said = String::from_utf8_lossy(&said);
    ensure!(output.status.success(), "{command:?} failed: {}", said.trim());
    Ok(())
}

fn remove(folder: &Path) -> Result<()> {
    fs::remove_dir_all(folder).with_context(|| format!("remove {}", folder.display()))
}

/// Every regular file below `from`, as a file below `to`; links of `node_modules/.bin` are left out.
fn add(layer: &mut Layer, from: &Path, to: &str) -> Result<()> {
    for path in seaworthy_testkit::data::files(from) {
        let relative = path.strip_prefix(from).context("a file below the folder")?;
        let content = fs::read(&path).with_context(|| format!("read {}", path.display()))?;
        layer.file(&format!("{to}/{}", relative.to_string_lossy()), &content);
    }
    Ok(())
}
