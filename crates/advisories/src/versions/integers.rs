//! Versions that are nothing but whole numbers: R packages (between dots and hyphens) and Haskell packages (between
//! dots). A version comes before every longer one that it begins: `1.0` < `1.0.0`.

use std::cmp::Ordering;

use super::pieces::{Decimal, is_number, push_numbers};
use super::{Reason, Version};

fn numbers<'a>(text: &'a str, separators: &[char]) -> Result<Vec<Decimal<'a>>, Reason> {
    let numbers: Vec<&str> = text.split(separators).collect();
    if numbers.iter().all(|number| is_number(number)) {
        Ok(numbers.into_iter().map(Decimal).collect())
    } else {
        Err("it is not whole numbers between separators".into())
    }
}

/// A version of an R package.
#[derive(Debug)]
pub(super) struct Cran<'a>(Vec<Decimal<'a>>);

impl<'a> Version<'a> for Cran<'a> {
    fn parse(text: &'a str) -> Result<Self, Reason> {
        numbers(text.trim(), &['.', '-']).map(Self)
    }

    fn order(&self, other: &Self) -> Ordering {
        self.0.cmp(&other.0)
    }

    fn push_key(&self, key: &mut Vec<u8>) {
        push_numbers(&self.0, key);
    }
}

/// A version of a Haskell package.
#[derive(Debug)]
pub(super) struct Hackage<'a>(Vec<Decimal<'a>>);

impl<'a> Version<'a> for Hackage<'a> {
    fn parse(text: &'a str) -> Result<Self, Reason> {
        numbers(text, &['.']).map(Self)
    }

    fn order(&self, other: &Self) -> Ordering {
        self.0.cmp(&other.0)
    }

    fn push_key(&self, key: &mut Vec<u8>) {
        push_numbers(&self.0, key);
    }
}
