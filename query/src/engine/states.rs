//! What sessions are made from: made once, taken over by every query.

use std::sync::Arc;

use datafusion::execution::SessionStateDefaults;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::execution::session_state::{SessionState, SessionStateBuilder};
use datafusion::physical_optimizer::optimizer::PhysicalOptimizer;
use datafusion::prelude::SessionConfig;

use super::QueryOptions;
use crate::functions;
use crate::sql::GroupsByFile;
use crate::table::AttributesNearer;

/// The two kinds.
pub(super) struct States {
    /// For plans that are put together here. They have their functions in them; a registry of names would be copied
    /// several times for every query.
    pub(super) plans: SessionState,
    /// For SQL: the built-in scalar, aggregate and window functions and ours; without table functions, file
    /// formats and table factories, so that no statement can reach a file.
    pub(super) sql: SessionState,
}

impl States {
    pub(super) fn new(options: &QueryOptions, runtime: &RuntimeEnv) -> Self {
        let mut scalars = SessionStateDefaults::default_scalar_functions();
        scalars.extend(functions::all());
        Self {
            plans: base(options, runtime).build(),
            sql: base(options, runtime)
                .with_config(with_places(config(options)))
                .with_scalar_functions(scalars)
                .with_aggregate_functions(SessionStateDefaults::default_aggregate_functions())
                .with_window_functions(SessionStateDefaults::default_window_functions())
                .with_optimizer_rule(Arc::new(GroupsByFile))
                .build(),
        }
    }
}

/// One of them on a runtime, which has the memory pool.
pub(super) fn on(runtime: &Arc<RuntimeEnv>, state: &SessionState) -> SessionStateBuilder {
    SessionStateBuilder::new_from_existing(state.clone()).with_runtime_env(Arc::clone(runtime))
}

fn config(options: &QueryOptions) -> SessionConfig {
    SessionConfig::new()
        .with_target_partitions(options.parallelism.max(1))
        .with_information_schema(false)
        .with_create_default_catalog_and_schema(false)
}

/// Plans know where in the statement their columns stand, so that errors can say it.
fn with_places(mut config: SessionConfig) -> SessionConfig {
    config.options_mut().sql_parser.collect_spans = true;
    config
}

fn base(options: &QueryOptions, runtime: &RuntimeEnv) -> SessionStateBuilder {
    let mut planners = functions::expr_planners();
    planners.extend(SessionStateDefaults::default_expr_planners());
    let mut physical_rules = PhysicalOptimizer::new().rules;
    physical_rules.insert(0, Arc::new(AttributesNearer));
    SessionStateBuilder::new()
        .with_config(config(options))
        .with_runtime_env(Arc::new(runtime.clone()))
        .with_expr_planners(planners)
        .with_physical_optimizer_rules(physical_rules)
}
