//! Versions of Conan packages: Conan 2's `Version`, which takes any text.
//!
//! `items[-pre.release][+build]`; items are whole numbers or texts. A number and a text compare as texts, so that
//! `9` < `10` < `5a` < `9`: versions with texts that begin with a digit have no key.

use std::cmp::Ordering;

use super::key::push_text;
use super::pieces::{Decimal, is_number};
use super::{Reason, Version};

/// A version of a Conan package.
#[derive(Debug)]
pub(super) struct Conan<'a> {
    main: Items<'a>,
    pre: Option<Items<'a>>,
    build: Option<Items<'a>>,
}

/// What stands between dots, without the zeros at the end.
#[derive(Debug)]
struct Items<'a>(Vec<&'a str>);

impl<'a> Items<'a> {
    fn new(text: &'a str) -> Self {
        let mut items: Vec<&str> = text.split('.').collect();
        while items
            .last()
            .is_some_and(|last| is_number(last) && Decimal(last).is_zero())
        {
            items.pop();
        }
        Self(items)
    }

    fn order(&self, other: &Self) -> Ordering {
        let pairs = self.0.iter().zip(&other.0);
        pairs
            .map(|(one, other)| item_order(one, other))
            .find(|order| order.is_ne())
            .unwrap_or_else(|| self.0.len().cmp(&other.0.len()))
    }

    fn has_key(&self) -> bool {
        let mixed = |item: &&str| !is_number(item) && item.starts_with(|first: char| first.is_ascii_digit());
        !self.0.iter().any(|item| mixed(item) || item.contains('\0'))
    }

    fn push_key(&self, key: &mut Vec<u8>) {
        for item in &self.0 {
            if is_number(item) {
                key.push(2);
                Decimal(item).push_key(key);
            } else {
                key.push(if item.as_bytes() < b"0".as_slice() { 1 } else { 3 });
                push_text(key, item.as_bytes());
            }
        }
        key.push(0);
    }
}

fn item_order(one: &str, other: &str) -> Ordering {
    match (is_number(one), is_number(other)) {
        (true, true) => Decimal(one).cmp(&Decimal(other)),
        // As Python writes the number.
        (true, false) => plain(one).cmp(other),
        (false, true) => one.cmp(plain(other)),
        (false, false) => one.cmp(other),
    }
}

fn plain(digits: &str) -> &str {
    match digits.trim_start_matches('0') {
        "" => "0",
        digits => digits,
    }
}

impl<'a> Version<'a> for Conan<'a> {
    fn parse(text: &'a str) -> Result<Self, Reason> {
        if text.is_empty() {
            return Err("it is empty".into());
        }
        let (rest, build) = match text.rsplit_once('+') {
            Some((rest, build)) => (rest, Some(build)),
            None => (text, None),
        };
        let (main, pre) = match rest.split_once('-') {
            Some((main, pre)) => (main, Some(pre)),
            None => (rest, None),
        };
        Ok(Self {
            main: Items::new(main),
            pre: pre.map(Items::new),
            build: build.map(Items::new),
        })
    }

    fn order(&self, other: &Self) -> Ordering {
        let optional = |one: &Option<Items<'_>>, other: &Option<Items<'_>>| match (one, other) {
            (Some(one), Some(other)) => one.order(other),
            (one, other) => one.is_some().cmp(&other.is_some()),
        };
        self.main
            .order(&other.main)
            .then_with(|| match (&self.pre, &other.pre) {
                (Some(one), Some(other)) => one.order(other),
                // A pre-release comes before its release.
                (one, other) => other.is_some().cmp(&one.is_some()),
            })
            .then_with(|| optional(&self.build, &other.build))
    }

    fn has_key(&self) -> bool {
        [Some(&self.main), self.pre.as_ref(), self.build.as_ref()]
            .into_iter()
            .flatten()
            .all(Items::has_key)
    }

    fn push_key(&self, key: &mut Vec<u8>) {
        self.main.push_key(key);
        key.push(u8::from(self.pre.is_none()));
        if let Some(pre) = &self.pre {
            pre.push_key(key);
        }
        key.push(u8::from(self.build.is_some()));
        if let Some(build) = &self.build {
            build.push_key(key);
        }
    }
}
