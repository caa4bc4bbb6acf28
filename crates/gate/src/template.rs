//! The identity of a pod template: a digest of what people wrote, without what controllers add to it.

use serde_json::Value;
use sha2::{Digest, Sha256};

/// Labels that controllers add to templates and pods; the same template has them or not.
const ADDED_LABELS: [&str; 6] = [
    "pod-template-hash",
    "controller-revision-hash",
    "controller-uid",
    "job-name",
    "batch.kubernetes.io/controller-uid",
    "batch.kubernetes.io/job-name",
];

/// The identity of a template: 32 hexadecimal digits. The order of keys, `null` and maps without content do not count.
pub fn template_id(template: &Value) -> String {
    let mut hasher = Sha256::new();
    write(template, &mut Vec::new(), &mut hasher);
    let digest: [u8; 32] = hasher.finalize().into();
    digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// Writes a value in one canonical way; `place` are the keys above it.
fn write<'a>(value: &'a Value, place: &mut Vec<&'a str>, hasher: &mut Sha256) {
    match value {
        Value::Object(map) => {
            let mut keys: Vec<(&String, &Value)> =
                map.iter().filter(|(key, value)| counts(place, key, value)).collect();
            keys.sort_by_key(|(key, _)| *key);
            hasher.update(b"{");
            for (key, value) in keys {
                hasher.update((key.len() as u64).to_le_bytes());
                hasher.update(key.as_bytes());
                place.push(key);
                write(value, place, hasher);
                place.pop();
            }
            hasher.update(b"}");
        }
        Value::Array(list) => {
            hasher.update(b"[");
            place.push("");
            for value in list {
                write(value, place, hasher);
            }
            place.pop();
            hasher.update(b"]");
        }
        Value::String(text) => {
            hasher.update(b"s");
            hasher.update((text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        }
        Value::Number(number) => {
            hasher.update(b"n");
            hasher.update(number.to_string().as_bytes());
            hasher.update(b";");
        }
        Value::Bool(bool) => hasher.update(if *bool { b"t" } else { b"f" }),
        Value::Null => hasher.update(b"0"),
    }
}

/// Whether an entry says anything: no added label, not `null`, no map in which nothing counts.
fn counts<'a>(place: &mut Vec<&'a str>, key: &'a str, value: &'a Value) -> bool {
    match value {
        Value::Null => false,
        _ if place.as_slice() == ["metadata", "labels"] && ADDED_LABELS.contains(&key) => false,
        Value::Object(map) => {
            place.push(key);
            let any = map.iter().any(|(key, value)| counts(place, key, value));
            place.pop();
            any
        }
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::template_id;
    use serde_json::json;

    #[test]
    fn what_controllers_add_does_not_count_and_the_rest_does() {
        let base = json!({"metadata": {"labels": {"app": "a"}}, "spec": {"containers": [{"name": "a", "image": "b"}]}});
        let same = [
            json!({"spec": {"containers": [{"image": "b", "name": "a", "resources": {}}]},
                   "metadata": {"labels": {"pod-template-hash": "1", "app": "a"}, "creationTimestamp": null}}),
        ];
        let other = [
            json!({"metadata": {"labels": {"app": "b"}}, "spec": {"containers": [{"name": "a", "image": "b"}]}}),
            json!({"metadata": {"labels": {"app": "a"}, "annotations": {"kubectl.kubernetes.io/restartedAt": "now"}},
                   "spec": {"containers": [{"name": "a", "image": "b"}]}}),
            json!({"metadata": {"labels": {"app": "a"}}, "spec": {"containers": [{"name": "a", "image": "c"}]}}),
            json!({"metadata": {"labels": {"app": "a"}}, "spec": {"containers": [{"name": "a", "image": "b"}, {}]}}),
        ];
        for template in same {
            assert_eq!(template_id(&template), template_id(&base), "{template}");
        }
        for template in other {
            assert_ne!(template_id(&template), template_id(&base), "{template}");
        }
        let bare = json!({"spec": {}});
        let labelled = json!({"metadata": {"labels": {"job-name": "x"}}, "spec": {}});
        assert_eq!(template_id(&bare), template_id(&labelled));
    }
}
