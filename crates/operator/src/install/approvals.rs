//! Who may approve: checked by the API server, on the request itself, also while we are down.

use serde_json::{Value, json};

/// What is asked about, and what must hold of it.
pub(super) fn approvals() -> (Value, Value) {
    let rules = json!([
        {"apiGroups": ["seaworthy.dev"], "apiVersions": ["v1alpha1"], "operations": ["CREATE"],
         "resources": ["imageapprovals"]},
    ]);
    let validations = json!([
        {
            "expression": "authorizer.group('seaworthy.dev').resource('imagescans')\
                .namespace(object.metadata.namespace).check('approve').allowed()",
            "message": "approving needs the verb approve on imagescans.seaworthy.dev in this namespace",
            "reason": "Forbidden"
        },
        {
            "expression": "object.spec.approvedBy == request.userInfo.username",
            "messageExpression": "'approvedBy must be the name of whoever approves, which is ' + \
                request.userInfo.username",
            "message": "approvedBy must be the name of whoever approves",
            "reason": "Forbidden"
        },
    ]);
    (rules, validations)
}
