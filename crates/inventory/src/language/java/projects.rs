//! Projects whose archives carry no Maven metadata, because they are not built by Maven (Spring and most else that Gradle
//! builds, Tomcat and Bouncy Castle by Ant).
//!
//! The group is taken for known where the artifact's name and the classes inside the archive both belong to the project.

/// One row: names of artifacts that begin so, with classes below this directory, are of this group.
struct Project {
    artifacts: &'static str,
    classes: &'static str,
    group: &'static str,
}

const fn project(artifacts: &'static str, classes: &'static str, group: &'static str) -> Project {
    Project {
        artifacts,
        classes,
        group,
    }
}

/// The first row that fits counts: longer beginnings stand before shorter ones.
const PROJECTS: [Project; 40] = [
    project("spring-boot", "org/springframework/boot/", "org.springframework.boot"),
    project(
        "spring-security-oauth2-",
        "org/springframework/security/oauth2/",
        "org.springframework.security",
    ),
    project(
        "spring-security-oauth",
        "org/springframework/security/oauth",
        "org.springframework.security.oauth",
    ),
    project(
        "spring-security-",
        "org/springframework/security/",
        "org.springframework.security",
    ),
    project("spring-data-", "org/springframework/data/", "org.springframework.data"),
    project(
        "spring-cloud-",
        "org/springframework/cloud/",
        "org.springframework.cloud",
    ),
    project(
        "spring-integration-",
        "org/springframework/integration/",
        "org.springframework.integration",
    ),
    project("spring-amqp", "org/springframework/amqp/", "org.springframework.amqp"),
    project("spring-rabbit", "org/springframework/amqp/", "org.springframework.amqp"),
    project(
        "spring-kafka",
        "org/springframework/kafka/",
        "org.springframework.kafka",
    ),
    project(
        "spring-batch-",
        "org/springframework/batch/",
        "org.springframework.batch",
    ),
    project(
        "spring-session-",
        "org/springframework/session/",
        "org.springframework.session",
    ),
    project(
        "spring-webflow",
        "org/springframework/webflow/",
        "org.springframework.webflow",
    ),
    project("spring-ldap-", "org/springframework/ldap/", "org.springframework.ldap"),
    project("spring-ws-", "org/springframework/ws/", "org.springframework.ws"),
    project("spring-xml", "org/springframework/xml/", "org.springframework.ws"),
    project(
        "spring-graphql",
        "org/springframework/graphql/",
        "org.springframework.graphql",
    ),
    project(
        "spring-hateoas",
        "org/springframework/hateoas/",
        "org.springframework.hateoas",
    ),
    project("spring-aop", "org/springframework/aop/", "org.springframework"),
    project("spring-beans", "org/springframework/beans/", "org.springframework"),
    project("spring-context", "org/springframework/", "org.springframework"),
    project("spring-core", "org/springframework/core/", "org.springframework"),
    project(
        "spring-expression",
        "org/springframework/expression/",
        "org.springframework",
    ),
    project("spring-jdbc", "org/springframework/jdbc/", "org.springframework"),
    project("spring-jms", "org/springframework/jms/", "org.springframework"),
    project(
        "spring-messaging",
        "org/springframework/messaging/",
        "org.springframework",
    ),
    project("spring-orm", "org/springframework/orm/", "org.springframework"),
    project("spring-oxm", "org/springframework/oxm/", "org.springframework"),
    project("spring-tx", "org/springframework/", "org.springframework"),
    project("spring-web", "org/springframework/web/", "org.springframework"),
    project("tomcat-embed-", "org/apache/", "org.apache.tomcat.embed"),
    project("tomcat-", "org/apache/", "org.apache.tomcat"),
    project("kafka", "org/apache/kafka/", "org.apache.kafka"),
    project("kotlin-", "kotlin/", "org.jetbrains.kotlin"),
    project("okhttp", "okhttp3/", "com.squareup.okhttp3"),
    project("okio", "okio/", "com.squareup.okio"),
    project("bc", "org/bouncycastle/", "org.bouncycastle"),
    project(
        "elasticsearch-rest-",
        "org/elasticsearch/client/",
        "org.elasticsearch.client",
    ),
    project("elasticsearch", "org/elasticsearch/", "org.elasticsearch"),
    project("reactor-netty", "reactor/netty/", "io.projectreactor.netty"),
];

/// Archives of Tomcat's own installation are named otherwise than the artifacts that they are.
const TOMCAT: [(&str, &str); 4] = [
    ("catalina", "tomcat-catalina"),
    ("catalina-jmx-remote", "tomcat-catalina-jmx-remote"),
    ("jasper", "tomcat-jasper"),
    ("servlet-api", "tomcat-servlet-api"),
];

/// A project that an archive may belong to, until classes of it were seen.
pub(super) struct Guess {
    project: &'static Project,
    artifact: String,
    confirmed: bool,
}

impl Guess {
    /// By the name of the artifact, without a version.
    pub(super) fn new(artifact: &str) -> Option<Self> {
        let artifact = TOMCAT
            .iter()
            .find(|(file, _)| *file == artifact)
            .map_or(artifact, |(_, artifact)| *artifact);
        let project = PROJECTS
            .iter()
            .find(|project| artifact.starts_with(project.artifacts))?;
        Some(Self {
            project,
            artifact: artifact.to_owned(),
            confirmed: false,
        })
    }

    /// Takes notice of an entry.
    pub(super) fn see(&mut self, entry: &[u8]) {
        self.confirmed |= entry.ends_with(b".class") && entry.starts_with(self.project.classes.as_bytes());
    }

    /// Group and artifact, where classes say so too.
    pub(super) fn confirmed(&self) -> Option<(&'static str, &str)> {
        self.confirmed.then_some((self.project.group, self.artifact.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::{Guess, PROJECTS};

    #[test]
    fn names_and_classes_say_it_together() {
        for (artifact, entry, expected) in [
            (
                "spring-beans",
                "org/springframework/beans/BeanUtils.class",
                Some(("org.springframework", "spring-beans")),
            ),
            (
                "spring-boot-actuator",
                "org/springframework/boot/A.class",
                Some(("org.springframework.boot", "spring-boot-actuator")),
            ),
            (
                "spring-webmvc",
                "org/springframework/web/servlet/A.class",
                Some(("org.springframework", "spring-webmvc")),
            ),
            (
                "tomcat-embed-core",
                "org/apache/catalina/A.class",
                Some(("org.apache.tomcat.embed", "tomcat-embed-core")),
            ),
            (
                "catalina",
                "org/apache/catalina/A.class",
                Some(("org.apache.tomcat", "tomcat-catalina")),
            ),
            ("spring-beans", "com/example/A.class", None),
            ("spring-beans", "org/springframework/beans/spring.xsd", None),
        ] {
            let mut guess = Guess::new(artifact).unwrap();
            guess.see(entry.as_bytes());
            assert_eq!(guess.confirmed(), expected, "{artifact}");
        }
        assert!(Guess::new("commons-io").is_none());
    }

    #[test]
    fn no_row_hides_a_later_one() {
        for (position, later) in PROJECTS.iter().enumerate() {
            for earlier in PROJECTS.iter().take(position) {
                assert!(!later.artifacts.starts_with(earlier.artifacts), "{}", later.artifacts);
            }
        }
    }
}
