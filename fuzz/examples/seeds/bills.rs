//! Seeds of bills of materials and of admission reviews.

use crate::Corpus;

pub fn bills(corpus: &Corpus) {
    let bom = r#"{"bomFormat":"CycloneDX","specVersion":"1.6","metadata":{"component":{"name":"app"}},"components":[{"type":"operating-system","name":"debian","version":"12"},{"type":"library","bom-ref":"a","name":"libssl3","version":"3.0.11-1","purl":"pkg:deb/debian/libssl3@3.0.11-1?arch=amd64&distro=debian-12&upstream=openssl","licenses":[{"license":{"id":"MIT"}}],"hashes":[{"alg":"SHA-1","content":"00"}],"properties":[{"name":"aquasecurity:trivy:SrcName","value":"openssl"}],"components":[{"type":"library","name":"b","version":"1","purl":"pkg:npm/%40a/b@1"}]}],"dependencies":[{"ref":"a","dependsOn":["a"]}]}"#;
    corpus.add("cyclonedx", "made", bom.as_bytes());
    let statement = format!(r#"{{"predicateType":"https://cyclonedx.org/bom","predicate":{{"Data":{bom}}}}}"#);
    corpus.add("cyclonedx", "statement", statement.as_bytes());
    corpus.add("cyclonedx", "envelope", br#"{"payloadType":"application/vnd.in-toto+json","payload":"eyJwcmVkaWNhdGUiOnsiYm9tRm9ybWF0IjoiQ3ljbG9uZURYIn19"}"#);
    corpus.add("cyclonedx", "snapshot", br#"{"manifests":{"m":{"file":{"source_location":"a"},"resolved":{"x":{"package_url":"pkg:npm/x@1","relationship":"direct","scope":"development"}}}}}"#);
    corpus.add("spdx", "json", br#"{"spdxVersion":"SPDX-2.3","name":"d","packages":[{"SPDXID":"SPDXRef-a","name":"a","versionInfo":"1","sourceInfo":"built package from: b 1","externalRefs":[{"referenceType":"purl","referenceLocator":"pkg:rpm/redhat/a@1-1?epoch=1&upstream=b-1-1.src.rpm"}],"annotations":[{"comment":"SrcName: b"}]}],"relationships":[{"spdxElementId":"SPDXRef-a","relationshipType":"DEPENDS_ON","relatedSpdxElement":"SPDXRef-a"}]}"#);
    corpus.add("spdx", "json-ld", br#"{"@context":"x","@graph":[{"type":"software_Package","spdxId":"a","name":"a","software_packageUrl":"pkg:apk/alpine/a@1"},{"type":"Relationship","from":"a","to":["a"],"relationshipType":"dependsOn"}]}"#);
    corpus.add("spdx", "tags", b"SPDXVersion: SPDX-2.3\nDocumentName: d\nPackageName: a\nSPDXID: SPDXRef-a\nPackageVersion: 1\nPackageComment: <text>a\nb</text>\nExternalRef: PACKAGE-MANAGER purl pkg:npm/a@1\nSPDXREF: SPDXRef-a\nAnnotationComment: <text>FilePath: x</text>\nRelationship: SPDXRef-a DEPENDS_ON SPDXRef-a\n");
    corpus.add(
        "spdx",
        "list",
        b"# list\npkg:npm/a@1\npkg:deb/ubuntu/b@1?distro=jammy\n",
    );
}

/// Admission reviews of what may be created, changed and evicted.
pub fn reviews(corpus: &Corpus) {
    let digest = "a".repeat(64);
    let pod = format!(
        r#"{{"initContainers":[{{"name":"i","image":"good@sha256:{digest}"}}],"containers":[{{"name":"c","image":"good:v1"}},{{"name":"d","image":"bad:v1"}}],"imagePullSecrets":[{{"name":"s"}}],"schedulingGates":[{{"name":"seaworthy.dev/scan"}}]}}"#
    );
    let template = format!(
        r#"{{"replicas":2,"paused":false,"selector":{{"matchLabels":{{"a":"b"}}}},"template":{{"metadata":{{"labels":{{"a":"b"}}}},"spec":{pod}}}}}"#
    );
    let cron = format!(r#"{{"schedule":"* * * * *","suspend":false,"jobTemplate":{{"spec":{template}}}}}"#);
    let kinds = [
        ("", "Pod", "pods", pod.as_str()),
        ("apps", "Deployment", "deployments", &template),
        ("apps", "StatefulSet", "statefulsets", &template),
        ("apps", "DaemonSet", "daemonsets", &template),
        ("apps", "ReplicaSet", "replicasets", &template),
        ("batch", "Job", "jobs", &template),
        ("batch", "CronJob", "cronjobs", &cron),
    ];
    for (group, kind, resource, spec) in kinds {
        for operation in ["CREATE", "UPDATE", "DELETE"] {
            let version = if group.is_empty() {
                "v1".to_owned()
            } else {
                format!("{group}/v1")
            };
            let object = format!(
                r#"{{"apiVersion":"{version}","kind":"{kind}","metadata":{{"name":"x","namespace":"default","uid":"u","annotations":{{"seaworthy.dev/hold":"{{}}"}},"ownerReferences":[{{"apiVersion":"apps/v1","kind":"ReplicaSet","name":"r","uid":"u","controller":true}}]}},"spec":{spec}}}"#
            );
            let (new, old) = match operation {
                "CREATE" => (object.as_str(), "null"),
                "UPDATE" => (object.as_str(), object.as_str()),
                _ => ("null", object.as_str()),
            };
            let review = format!(
                r#"{{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{{"uid":"1","kind":{{"group":"{group}","version":"v1","kind":"{kind}"}},"resource":{{"group":"{group}","version":"v1","resource":"{resource}"}},"name":"x","namespace":"default","operation":"{operation}","userInfo":{{"username":"system:serviceaccount:kube-system:replicaset-controller","groups":["system:authenticated"]}},"object":{new},"oldObject":{old},"dryRun":false}}}}"#
            );
            corpus.add("admission_review", &format!("{kind}-{operation}"), review.as_bytes());
        }
    }
}
