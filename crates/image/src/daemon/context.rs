//! Docker's contexts: named addresses below `contexts/` of its configuration directory.

use super::endpoint::{Endpoint, TlsFiles, endpoint};
use seaworthy_model::{Digest, limits};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Configuration {
    current_context: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Context {
    endpoints: BTreeMap<String, Address>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Address {
    #[serde(rename = "Host")]
    host: String,
    #[serde(rename = "SkipTLSVerify")]
    insecure: bool,
}

/// The endpoint of the context in use; `None` for the default one, which has no file.
pub(crate) fn endpoint_in(config: &Path, name: Option<String>) -> Option<Endpoint> {
    named(config, name).map(|found| found.unwrap_or_else(Endpoint::Unusable))
}

fn named(config: &Path, name: Option<String>) -> Option<Result<Endpoint, String>> {
    let name = name.or_else(|| {
        let bytes = read(&config.join("config.json")).ok()?;
        serde_json::from_slice::<Configuration>(&bytes).ok()?.current_context
    })?;
    if name.is_empty() || name == "default" {
        return None;
    }
    let id = Digest::from_bytes(Sha256::digest(name.as_bytes()).into()).hex();
    let file = config.join("contexts/meta").join(&id).join("meta.json");
    let context: Context = match read(&file)
        .map_err(|error| error.to_string())
        .and_then(|bytes| serde_json::from_slice(&bytes).map_err(|error| error.to_string()))
    {
        Ok(context) => context,
        Err(error) => return Some(Err(format!("its context {name:?} cannot be read: {error}"))),
    };
    let Some(address) = context.endpoints.get("docker") else {
        return Some(Err(format!("its context {name:?} has no address")));
    };
    let directory = config.join("contexts/tls").join(id).join("docker");
    let tls = (directory.is_dir() || address.insecure).then(|| TlsFiles {
        insecure: address.insecure,
        ..TlsFiles::in_directory(&directory)
    });
    Some(Ok(endpoint(&address.host, tls)))
}

fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    std::fs::File::open(path)?
        .take(limits::MANIFEST_BYTES)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::endpoint_in;
    use crate::daemon::Endpoint;

    #[test]
    fn the_current_context_names_the_socket() {
        use sha2::Digest as _;
        let id = seaworthy_model::Digest::from_bytes(sha2::Sha256::digest(b"remote").into()).hex();
        let home = tempfile::tempdir().unwrap();
        let meta = home.path().join("contexts/meta").join(&id);
        std::fs::create_dir_all(&meta).unwrap();
        std::fs::write(
            meta.join("meta.json"),
            r#"{"Name":"remote","Metadata":{},"Endpoints":{"docker":{"Host":"unix:///r.sock","SkipTLSVerify":false}}}"#,
        )
        .unwrap();
        assert_eq!(endpoint_in(home.path(), None), None);
        std::fs::write(
            home.path().join("config.json"),
            r#"{"auths":{},"currentContext":"remote"}"#,
        )
        .unwrap();
        assert_eq!(endpoint_in(home.path(), None), Some(Endpoint::Socket("/r.sock".into())));
        assert_eq!(endpoint_in(home.path(), Some("default".into())), None);
        let missing = endpoint_in(home.path(), Some("gone".into()));
        assert!(matches!(missing, Some(Endpoint::Unusable(why)) if why.contains("\"gone\"")));
    }
}
