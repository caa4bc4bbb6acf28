//! Version schemes: three texts, and the laws of an order over them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seaworthy_advisories::versions::Scheme;
use seaworthy_fuzz::choice;
use std::cmp::Ordering;

fuzz_target!(|bytes: &[u8]| {
    let Some((scheme, rest)) = choice(bytes) else { return };
    let scheme = Scheme::ALL[scheme % Scheme::ALL.len()];
    let Ok(text) = std::str::from_utf8(rest) else { return };
    let mut lines = text.split('\n');
    let [a, b, c] = [(); 3].map(|()| lines.next().unwrap_or("1"));
    let order = scheme.compare(a, b);
    assert_eq!(order.is_ok(), scheme.check(a).is_ok() && scheme.check(b).is_ok());
    assert_eq!(
        scheme.compare(b, a).ok(),
        order.as_ref().ok().map(|order| order.reverse())
    );
    if let Ok(order) = order {
        if let (Some(key_a), Some(key_b)) = (scheme.sort_key(a).unwrap(), scheme.sort_key(b).unwrap()) {
            assert_eq!(key_a.cmp(&key_b), order, "keys of {a:?} and {b:?}");
        }
        assert_eq!(scheme.order_or_fallback(a, b), order);
    }
    let all = |x: &str, y: &str| scheme.order_or_fallback(x, y);
    assert_eq!(all(a, b), all(b, a).reverse());
    assert_eq!(all(a, a), Ordering::Equal);
    // Maven's order runs in circles for versions without a key.
    if [a, b, c].iter().any(|version| scheme.sort_key(version) == Ok(None)) {
        return;
    }
    if all(a, b) != Ordering::Greater && all(b, c) != Ordering::Greater {
        assert_ne!(all(a, c), Ordering::Greater, "{a:?} {b:?} {c:?}");
    }
});
