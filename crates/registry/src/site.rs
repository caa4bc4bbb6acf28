//! Whether a token server belongs to the registry that names it, so that it may see the registry's credentials.
//!
//! The same host does, and a host of the same registrable domain (`registry.gitlab.com` and `gitlab.com`), and a few pairs
//! that are known. Which domains are registrable is what the public suffix list says, and a table of clouds whose customers
//! have names side by side without being on that list.

/// Registries whose token server has another domain, by the ends of both names.
const PAIRS: &[(&str, &str)] = &[
    ("docker.io", "auth.docker.io"),
    ("registry.redhat.io", "sso.redhat.com"),
    ("registry.connect.redhat.com", "sso.redhat.com"),
    ("nvcr.io", "authn.nvidia.com"),
    ("dhi.io", "auth.docker.io"),
    ("registry.cn-hangzhou.aliyuncs.com", "dockerauth.aliyuncs.com"),
];

/// Domains under which everybody may have a name, whether or not the public suffix list has them.
const SHARED: &[&str] = &[
    "aliyuncs.com",
    "amazonaws.com",
    "amazonaws.com.cn",
    "appspot.com",
    "azure.com",
    "azurecr.cn",
    "azurecr.io",
    "azurewebsites.net",
    "cloudapp.net",
    "cloudfront.net",
    "duckdns.org",
    "fly.dev",
    "github.io",
    "gitlab.io",
    "googleusercontent.com",
    "herokuapp.com",
    "jfrog.io",
    "kubernetes.io",
    "myqcloud.com",
    "netlify.app",
    "ngrok.io",
    "ngrok.app",
    "ngrok-free.app",
    "nip.io",
    "on.aws",
    "onrender.com",
    "pages.dev",
    "pkg.dev",
    "rf.gd",
    "run.app",
    "scw.cloud",
    "sslip.io",
    "ts.net",
    "trycloudflare.com",
    "vercel.app",
    "windows.net",
    "workers.dev",
    "xip.io",
];

/// Whether `realm` may see the credentials of `registry`; both are hosts without ports.
pub(crate) fn belongs(registry: &str, realm: &str) -> bool {
    let clean = |host: &str| host.trim_end_matches('.').to_ascii_lowercase();
    let (registry, realm) = (clean(registry), clean(realm));
    if registry == realm {
        return true;
    }
    if PAIRS
        .iter()
        .any(|(left, right)| is_or_below(&registry, left) && realm == *right)
    {
        return true;
    }
    match (registrable(&registry), registrable(&realm)) {
        (Some(left), Some(right)) => left == right,
        _ => false,
    }
}

fn is_or_below(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain)
        .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// The domain that somebody registered; `None` for addresses and for names that are nobody's or everybody's.
fn registrable(host: &str) -> Option<&str> {
    if host.parse::<std::net::IpAddr>().is_ok() || host.starts_with('[') {
        return None;
    }
    if SHARED.iter().any(|shared| is_or_below(host, shared)) {
        return None;
    }
    let domain = psl::domain_str(host)?;
    // Names inside a cluster or a company: everything under `.local` may be different people's.
    let top = domain.rsplit('.').next().unwrap_or_default();
    let private = ["local", "localhost", "internal", "test", "invalid", "example", "arpa"];
    (!private.contains(&top) || domain.len() < host.len()).then_some(domain)
}

#[cfg(test)]
mod tests {
    use super::belongs;

    #[test]
    fn credentials_go_to_the_same_site_and_to_known_pairs_only() {
        for (registry, realm, expected) in [
            ("ghcr.io", "ghcr.io", true),
            ("index.docker.io", "auth.docker.io", true),
            ("registry-1.docker.io", "auth.docker.io", true),
            ("registry.gitlab.com", "gitlab.com", true),
            ("registry.suse.com", "scc.suse.com", true),
            ("registry.example.com", "AUTH.example.com.", true),
            ("registry.redhat.io", "sso.redhat.com", true),
            ("127.0.0.1", "127.0.0.1", true),
            ("registry.a.co.uk", "auth.a.co.uk", true),
            ("registry.a.co.uk", "auth.b.co.uk", false),
            // Suffixes that a table of second levels would miss.
            ("registry.a.kawasaki.jp", "auth.b.kawasaki.jp", false),
            ("a.blogspot.com", "b.blogspot.com", false),
            ("registry.team.svc.cluster.local", "auth.team.svc.cluster.local", true),
            ("registry.example.com", "example.com.evil.net", false),
            ("registry.example.com", "evilexample.com", false),
            ("registry.example.com", "auth.example.org", false),
            ("evil.docker.io.example", "auth.docker.io", false),
            ("a.azurecr.io", "b.azurecr.io", false),
            ("1.dkr.ecr.eu-west-1.amazonaws.com", "bucket.s3.amazonaws.com", false),
            ("127.0.0.1", "127.0.0.2", false),
            ("127.0.0.1", "localhost", false),
            ("10.0.0.1", "11.0.0.1", false),
            ("[::1]", "[::2]", false),
            ("registry", "auth", false),
            ("com", "com.", true),
            ("a.com", "b.com", false),
        ] {
            assert_eq!(belongs(registry, realm), expected, "{registry} {realm}");
        }
    }
}
