//! Our own certificate authority and the webhook's certificate: made anew at each start, and again long before they end.
//!
//! A new authority is trusted beside the one before it, before its first certificate is shown. Keys are never written down.

use crate::Error;
use axum_server::tls_rustls::RustlsConfig;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use std::time::Duration;

/// How far clocks may differ.
const SKEW: i64 = 3_600;

/// How often the clock on the wall is looked at: timers stand still while a machine sleeps.
pub(crate) const CHECK: Duration = Duration::from_secs(120);

/// How long API servers may take to act on a new authority.
pub(crate) const SETTLE: Duration = Duration::from_secs(30);

/// How long certificates are good, and how long before their end they are made anew, in seconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lifetime {
    pub(crate) whole: i64,
    pub(crate) left: i64,
}

/// Short enough that renewal is nothing rare, long enough that a month without us breaks nothing.
pub(crate) const LIFETIME: Lifetime = Lifetime {
    whole: 90 * 86_400,
    left: 45 * 86_400,
};

/// A certificate that the API server trusts through `authority`.
#[derive(Clone, Debug)]
struct Certificate {
    authority: String,
    certificate: String,
    key: String,
    /// When it ends, in seconds since 1970.
    until: i64,
}

/// What is shown now, and what must be trusted for it.
#[derive(Clone, Debug)]
pub(crate) struct Certificates {
    names: Vec<String>,
    lifetime: Lifetime,
    current: Certificate,
    /// The authority before, which API servers may still want to see.
    before: Option<String>,
}

impl Certificates {
    /// For these names and addresses.
    pub(crate) fn make(names: Vec<String>, lifetime: Lifetime, now: i64) -> Result<Self, Error> {
        Ok(Self {
            current: make(&names, lifetime, now)?,
            names,
            lifetime,
            before: None,
        })
    }

    /// The authorities in PEM, for `caBundle`.
    pub(crate) fn authorities(&self) -> String {
        let before = self.before.as_deref().unwrap_or_default();
        format!("{before}{}", self.current.authority)
    }

    /// What the webhook's listener shows; `reload` changes it while it runs.
    pub(crate) async fn listener(&self) -> Result<RustlsConfig, Error> {
        let (certificate, key) = self.pem();
        RustlsConfig::from_pem(certificate, key).await.map_err(failed)
    }

    fn pem(&self) -> (Vec<u8>, Vec<u8>) {
        let Certificate { certificate, key, .. } = &self.current;
        (certificate.clone().into_bytes(), key.clone().into_bytes())
    }

    fn is_due(&self, now: i64) -> bool {
        // A clock that was set back leaves a certificate that is not good yet: it is made anew too.
        let is_early = now
            < self
                .current
                .until
                .saturating_sub(self.lifetime.whole)
                .saturating_sub(SKEW);
        is_early || now.saturating_add(self.lifetime.left) >= self.current.until
    }

    /// The next, which trusts this one too.
    fn next(&self, now: i64) -> Result<Self, Error> {
        Ok(Self {
            current: make(&self.names, self.lifetime, now)?,
            before: Some(self.current.authority.clone()),
            names: self.names.clone(),
            lifetime: self.lifetime,
        })
    }

    /// Makes anew what is due: trusted first (`trust` gets the authorities), shown after `settle`. Whether it was due.
    ///
    /// On failure everything stays as it is.
    async fn renew<F: Future<Output = Result<(), Error>>>(
        &mut self,
        now: i64,
        listener: &RustlsConfig,
        settle: Duration,
        trust: impl FnOnce(String) -> F,
    ) -> Result<bool, Error> {
        if !self.is_due(now) {
            return Ok(false);
        }
        let next = self.next(now)?;
        trust(next.authorities()).await?;
        tokio::time::sleep(settle).await;
        let (certificate, key) = next.pem();
        listener.reload_from_pem(certificate, key).await.map_err(failed)?;
        *self = next;
        Ok(true)
    }

    /// Looks every `check` whether they are due, for as long as we run.
    pub(crate) async fn keep<F: Future<Output = Result<(), Error>>>(
        mut self,
        listener: &RustlsConfig,
        check: Duration,
        settle: Duration,
        trust: impl Fn(String) -> F,
    ) {
        loop {
            tokio::time::sleep(check).await;
            match self.renew(crate::shared::now(), listener, settle, &trust).await {
                Ok(true) => tracing::info!("the webhook shows a new certificate"),
                Ok(false) => {}
                Err(error) => tracing::warn!("the webhook's certificate is not renewed yet: {error}"),
            }
        }
    }
}

fn failed(source: std::io::Error) -> Error {
    Error::Serve {
        what: "the webhook with its certificate",
        source,
    }
}

/// An authority and a certificate of it for these names and addresses.
fn make(names: &[String], lifetime: Lifetime, now: i64) -> Result<Certificate, Error> {
    let failed = |source| Error::Certificate { source };
    let until = now.saturating_add(lifetime.whole);
    let time =
        |seconds: i64| date_time_ymd(1970, 1, 1) + Duration::from_secs(u64::try_from(seconds).unwrap_or_default());
    let mut authority = CertificateParams::new(Vec::new()).map_err(failed)?;
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    // Two authorities in one bundle must not be taken for each other.
    authority
        .distinguished_name
        .push(DnType::CommonName, format!("seaworthy admission {now}"));
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    authority.not_before = time(now.saturating_sub(SKEW));
    authority.not_after = time(until);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().map_err(failed)?).map_err(failed)?;
    let mut leaf = CertificateParams::new(names.to_vec()).map_err(failed)?;
    leaf.distinguished_name.push(DnType::CommonName, "seaworthy webhook");
    leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    leaf.not_before = time(now.saturating_sub(SKEW));
    leaf.not_after = time(until);
    let key = KeyPair::generate().map_err(failed)?;
    let leaf = leaf.signed_by(&key, &authority).map_err(failed)?;
    Ok(Certificate {
        authority: authority.pem(),
        certificate: leaf.pem(),
        key: key.serialize_pem(),
        until,
    })
}

#[cfg(test)]
mod tests {
    use super::{Certificates, Lifetime};
    use crate::Error;
    use axum::Router;
    use axum::routing::get;
    use axum_server::Handle;
    use std::net::SocketAddr;
    use std::time::Duration;

    const SHORT: Lifetime = Lifetime { whole: 100, left: 40 };

    fn now() -> i64 {
        crate::shared::now()
    }

    /// Whether one that trusts these authorities gets an answer, on a connection of its own.
    async fn answers(address: SocketAddr, authorities: &str) -> bool {
        let trusted = reqwest::Certificate::from_pem_bundle(authorities.as_bytes()).unwrap();
        let client = reqwest::Client::builder().tls_certs_only(trusted).build().unwrap();
        client.get(format!("https://{address}/")).send().await.is_ok()
    }

    #[tokio::test]
    async fn a_new_certificate_is_trusted_before_it_is_shown_and_shown_without_a_restart() {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let start = now();
        let mut certificates = Certificates::make(vec!["127.0.0.1".to_owned()], SHORT, start).unwrap();
        let listener = certificates.listener().await.unwrap();
        let handle = Handle::new();
        let server = axum_server::bind_rustls(([127, 0, 0, 1], 0).into(), listener.clone())
            .handle(handle.clone())
            .serve(Router::new().route("/", get(|| async { "ok" })).into_make_service());
        tokio::spawn(server);
        let address = handle.listening().await.unwrap();
        let first = certificates.authorities();
        assert!(answers(address, &first).await);

        let refused = |_: String| async { panic!("it is not due") };
        assert!(
            !certificates
                .renew(start + 59, &listener, Duration::ZERO, refused)
                .await
                .unwrap()
        );

        // Nobody trusts the new one: the old one is shown on.
        let fails = |_: String| async {
            Err(Error::Refused {
                what: "it".to_owned(),
                why: "away".to_owned(),
            })
        };
        assert!(
            certificates
                .renew(start + 60, &listener, Duration::ZERO, fails)
                .await
                .is_err()
        );
        assert!(answers(address, &first).await);

        let (sender, receiver) = tokio::sync::oneshot::channel();
        let while_trusted = first.clone();
        let trust = |authorities: String| async move {
            // What trusts both gets an answer before the change too.
            assert!(answers(address, &authorities).await && answers(address, &while_trusted).await);
            sender.send(authorities).unwrap();
            Ok(())
        };
        assert!(
            certificates
                .renew(start + 60, &listener, Duration::ZERO, trust)
                .await
                .unwrap()
        );
        let both = receiver.await.unwrap();
        assert_eq!(both, certificates.authorities());
        assert!(both.starts_with(&first) && both.len() > first.len());
        assert!(answers(address, &both).await, "the new one is shown");
        assert!(!answers(address, &first).await, "the old one is shown on");

        // The third drops the first.
        let trust = |_: String| async { Ok(()) };
        assert!(
            certificates
                .renew(start + 120, &listener, Duration::ZERO, trust)
                .await
                .unwrap()
        );
        assert_eq!(certificates.authorities().matches("BEGIN CERTIFICATE").count(), 2);
        assert!(!certificates.authorities().contains(&first));
        assert!(certificates.is_due(start - 100_000), "the clock was set back");
    }

    #[tokio::test]
    async fn what_has_ended_is_not_believed() {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let certificates = Certificates::make(vec!["127.0.0.1".to_owned()], SHORT, now() - 200).unwrap();
        let handle = Handle::new();
        let listener = certificates.listener().await.unwrap();
        let server = axum_server::bind_rustls(([127, 0, 0, 1], 0).into(), listener)
            .handle(handle.clone())
            .serve(Router::new().into_make_service());
        tokio::spawn(server);
        let address = handle.listening().await.unwrap();
        assert!(!answers(address, &certificates.authorities()).await);
    }
}
