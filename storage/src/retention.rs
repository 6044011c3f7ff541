//! What may go by itself, and what must stay.
//!
//! ```text
//!  rules, size limit, pins ─► evaluate ─► rows of each file that have expired
//!                                            │ hidden at once, undoable
//!                                            ▼ the deadline has passed on both clocks
//!                                         purging ─► rewritten or dropped ─► done
//! ```
//! Without a rule nothing expires, however old it is. Ages are taken by whole hours of event time:
//! a row has expired when its hour ended longer ago than its rule keeps it, so a file is looked
//! into once for each rule that begins to apply to it, not again with every tick of the clock.

mod evaluate;
mod filter;
mod ledger;
mod pins;
mod policy;
mod rule;

pub(crate) use evaluate::{Evaluation, evaluate};
pub use filter::{CompileFilter, RowFilter, RuleProblem};
pub(crate) use filter::{Filters, Test, Understood, compile};
pub(crate) use ledger::{Basis, Book, Ledger};
pub use pins::Pin;
pub(crate) use pins::{MAX_PINS, Pins};
pub use policy::{PolicyRecord, RetentionPolicy};
pub use rule::RetentionRule;
