import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import { asTraceId } from "../lib/query";
import { navigate, setParams, usePlace } from "../lib/router";
import { readFold, type Fold } from "../lib/tree";
import { ColourMenu } from "./colours";
import { FindBox, OnlyFound, turned } from "./find";
import { ResetZoom, TraceTabs } from "./title";
import type { TraceState } from "./use-view";
import type { TraceTab } from "./view";

interface Props {
  state: TraceState;
  tab: TraceTab;
  logCount: number;
}

const TABS: [TraceTab, string][] = [
  ["spans", "Timeline"],
  ["flame", "Flame graph"],
  ["calls", "Call tree"],
  ["graph", "Graph"],
  ["stats", "Statistics"],
  ["logs", "Logs"],
];

export function Toolbar({ state, tab, logCount }: Props): JSX.Element {
  const notes = usePlace().params.get("notes") === "1";
  const hasEvents = useMemo(() => state.trace.spans.some((span) => span.events.length > 0), [state.trace]);
  return (
    <div class="toolbar">
      <TraceTabs tabs={TABS} chosen={tab} numbers={{ spans: state.trace.span_count, logs: logCount }} />
      {tab === "spans" && (
        <span class="toolbar-end">
          {state.zoomed && <ResetZoom onReset={() => state.setZoom(null)} />}
          <button type="button" class="text-button hide-phone" aria-pressed={state.showCritical} title="What the trace waited for (p)" onClick={state.toggleCritical}>
            Critical path
          </button>
          {(logCount > 0 || hasEvents) && (
            <button type="button" class="text-button" aria-pressed={notes} title="Events and log records as rows below their spans" onClick={() => setParams({ notes: notes ? null : "1" }, "replace")}>
              Events<span class="hide-phone"> and logs</span>
            </button>
          )}
          {state.hasSimilar && (
            <button type="button" class="text-button hide-phone" aria-pressed={state.showsSimilar} title="Lay similar spans of one parent together (o)" onClick={state.toggleSimilar}>
              Group similar
            </button>
          )}
          <ColourMenu state={state} />
          <FoldMenu state={state} />
          <Find state={state} />
        </span>
      )}
    </div>
  );
}

const FOLDS: [Fold, string][] = [
  ["none", "All spans"],
  ["all", "Roots and their children"],
  ["level3", "Three levels"],
  ["level5", "Five levels"],
  ["errors", "Ways to errors"],
  ["critical", "Critical path only"],
];

function FoldMenu({ state }: { state: TraceState }): JSX.Element {
  return (
    <select class="text-button hide-phone stack-by" aria-label="Spans that are open" title="Collapse all [  expand all ]" value={state.fold} onChange={(event) => state.setFold(readFold(event.currentTarget.value))}>
      {FOLDS.filter(([fold]) => fold !== "errors" || state.trace.error_count > 0).map(([fold, label]) => (
        <option key={fold} value={fold}>
          {label}
        </option>
      ))}
    </select>
  );
}

function Find({ state }: { state: TraceState }): JSX.Element {
  const at = state.matches.indexOf(state.selected);
  const go = (by: 1 | -1): void => {
    const traceId = asTraceId(state.find);
    const next = state.matches[turned(at, by, state.matches.length)];
    if (traceId) navigate(`/trace/${traceId}`);
    else if (next !== undefined) state.select(next);
  };
  return (
    <>
      {state.matchSet !== null && <OnlyFound on={state.onlyFound} onToggle={state.toggleOnly} />}
      <FindBox text={state.find} found={state.matches.length} at={at} onText={state.setFind} onGo={go} />
    </>
  );
}
