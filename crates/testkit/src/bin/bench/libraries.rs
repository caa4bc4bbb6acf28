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

/// Adds the wheels as the distribution's pip leaves them.
pub(crate) fn python(folder: &Path, layer: &mut Layer) -> Result<()> {
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
    add(layer, &target, "usr/local/lib/python3/dist-packages")?;
    fs::remove_dir_all(&target).with_context(|| format!("remove {}", target.display()))
}

/// Adds the modules of one application.
pub(crate) fn node(folder: &Path, layer: &mut Layer) -> Result<()> {
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
    add(layer, &target, "srv/app")?;
    fs::remove_dir_all(&target).with_context(|| format!("remove {}", target.display()))
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
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?} failed: {}", said.trim());
    Ok(())
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
