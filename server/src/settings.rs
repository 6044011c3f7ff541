//! Settings: from flags, environment and file to values that can be used as they are.
//!
//! [`RawSettings`] is what the user wrote, [`Settings`] what it means. A setting has one name
//! everywhere: flag `--flush-interval`, environment `SPOOR_FLUSH_INTERVAL`, file `flush_interval`;
//! the flag wins over the environment, and that over the file. Everything that is wrong is found in
//! one go and told together, each with what to do about it.

mod limits;
mod machine;
mod nearest;
mod problem;
mod quantity;
mod raw;
mod resolve;
mod retention;
mod text;
mod tokens;

pub(crate) use problem::Problems;
pub(crate) use raw::RawSettings;
pub(crate) use resolve::{Access, Listen, Settings, TlsFiles};
pub(crate) use tokens::TokenSet;

#[cfg(test)]
mod tests;
