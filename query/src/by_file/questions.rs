//! What is counted of files, by numbers under which the counts are kept.

use std::collections::HashMap;

use datafusion::common::tree_node::TreeNode;
use datafusion::logical_expr::Expr;
use parking_lot::Mutex;
use spoor_storage::{CountCache, QuestionId, Table};

use crate::functions::traces_asked_for;

/// Questions that are remembered. What is forgotten is counted anew when it is asked again.
const MAX_QUESTIONS: usize = 1_024;

/// What is counted of a file, without any range of time.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Question {
    pub(super) table: Table,
    /// Of which rows.
    pub(super) filter: Expr,
    /// By what.
    pub(super) by: Option<Expr>,
    /// What a cell holds.
    pub(super) what: &'static str,
    /// How long a bucket is; 0: there is one for all rows.
    pub(super) width_ns: i64,
    /// How much after multiples of that buckets begin.
    pub(super) origin_ns: i64,
}

/// The questions that were asked so far.
#[derive(Debug, Default)]
pub(crate) struct Questions {
    known: Mutex<HashMap<Question, QuestionId>>,
}

impl Question {
    /// Whether the answer depends on nothing but the rows of the file.
    pub(super) fn is_about_rows_alone(&self) -> bool {
        // Which traces are in a set was found out from other rows.
        let has_set = |expr: &Expr| matches!(expr, Expr::ScalarFunction(call) if traces_asked_for(call).is_some());
        let exists = self
            .filter
            .exists(|expr| Ok(has_set(expr) || expr.is_volatile_node()));
        !exists.unwrap_or(true)
    }
}

impl Questions {
    /// The number of a question, a new one if it was never asked.
    pub(super) fn number(&self, question: &Question, counted: &CountCache) -> QuestionId {
        let mut known = self.known.lock();
        if let Some(number) = known.get(question) {
            return *number;
        }
        if known.len() >= MAX_QUESTIONS {
            known.clear();
        }
        let number = counted.new_question();
        known.insert(question.clone(), number);
        number
    }

    /// The number of a question that was asked before.
    pub(super) fn find(&self, question: &Question) -> Option<QuestionId> {
        self.known.lock().get(question).copied()
    }
}
