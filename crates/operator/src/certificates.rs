//! Our own certificate authority and the webhook's certificate, made anew at each start.

use crate::Error;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};

/// A certificate that the API server trusts through `authority`.
#[derive(Clone, Debug)]
pub(crate) struct Certificates {
    /// The authority in PEM, for `caBundle`.
    pub(crate) authority: String,
    /// The webhook's certificate in PEM.
    pub(crate) certificate: String,
    /// Its key in PEM.
    pub(crate) key: String,
}

/// Makes an authority and a certificate for these names and addresses.
pub(crate) fn make(names: &[String]) -> Result<Certificates, Error> {
    let failed = |source| Error::Certificate { source };
    let mut authority = CertificateParams::new(Vec::new()).map_err(failed)?;
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    authority
        .distinguished_name
        .push(DnType::CommonName, "seaworthy admission");
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().map_err(failed)?).map_err(failed)?;
    let mut leaf = CertificateParams::new(names.to_vec()).map_err(failed)?;
    leaf.distinguished_name.push(DnType::CommonName, "seaworthy webhook");
    leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let key = KeyPair::generate().map_err(failed)?;
    let leaf = leaf.signed_by(&key, &authority).map_err(failed)?;
    Ok(Certificates {
        authority: authority.pem(),
        certificate: leaf.pem(),
        key: key.serialize_pem(),
    })
}
