//! The images of a pod: containers, init and sidecar containers, ephemeral containers, image volumes.

use serde_json::Value;

/// One image that a pod uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageUse {
    /// The container's name; `volume/NAME` for an image volume.
    pub container: String,
    /// The reference as it stands in the object.
    pub image: String,
    /// Where it stands, as a JSON pointer.
    pub pointer: String,
    /// Whether the reference can no longer be changed once the pod exists.
    pub is_volume: bool,
}

/// The images of a pod, or why they cannot be told.
pub type Images = Result<Vec<ImageUse>, String>;

/// The lists of a pod that name images: field, field inside an entry, and what stands before a container's name.
const LISTS: [(&str, &[&str], &str); 4] = [
    ("initContainers", &["image"], ""),
    ("containers", &["image"], ""),
    ("ephemeralContainers", &["image"], ""),
    ("volumes", &["image", "reference"], "volume/"),
];

/// The images of a pod.
pub fn pod_images(pod: &Value) -> Images {
    images(pod, &["spec"])
}

/// The images of the pod specification that lies below these steps.
pub fn images(object: &Value, steps: &[&str]) -> Images {
    let mut place = Some(object);
    for step in steps {
        place = place.and_then(|place| place.get(step));
    }
    let base: String = steps.iter().map(|step| format!("/{step}")).collect();
    let Some(specification) = place else {
        return Err(format!("there is no pod specification at {base}"));
    };
    let mut found = Vec::new();
    for (list, fields, before) in LISTS {
        let entries = match specification.get(list) {
            None | Some(Value::Null) => continue,
            Some(Value::Array(entries)) => entries,
            Some(_) => return Err(format!("{base}/{list} is no list")),
        };
        for (index, entry) in entries.iter().enumerate() {
            let mut value = Some(entry);
            for field in fields {
                value = value.and_then(|value| value.get(field));
            }
            let image = match value {
                Some(Value::String(image)) => image.clone(),
                // A volume of another kind, or a container whose image somebody else will fill in.
                None | Some(Value::Null) if !before.is_empty() => continue,
                None | Some(Value::Null) => String::new(),
                Some(_) => return Err(format!("{base}/{list}/{index}: the image is no text")),
            };
            let name = entry.get("name").and_then(Value::as_str).unwrap_or_default();
            let below: String = fields.iter().map(|field| format!("/{field}")).collect();
            found.push(ImageUse {
                container: format!("{before}{name}"),
                image,
                pointer: format!("{base}/{list}/{index}{below}"),
                is_volume: !before.is_empty(),
            });
        }
    }
    Ok(found)
}
