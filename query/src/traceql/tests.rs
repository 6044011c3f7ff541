//! TraceQL over a real storage: known answers, and a slow evaluator that must agree.

mod differential;
mod documented;
mod naive;
mod same;
mod sample;
mod scenarios;
