//! The language as a whole.

mod differential;
mod documented;
mod naive;
mod sample;
mod scenarios;
