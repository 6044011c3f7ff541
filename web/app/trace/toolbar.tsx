import type { JSX } from "preact";
import { asTraceId } from "../lib/query";
import { count } from "../lib/format";
import { navigate, setParams } from "../lib/router";
import { readFold, type Fold } from "../lib/tree";
import { Icon } from "../ui/icons";
import { QUERY_INPUT_ID } from "../ui/querybar";
import { ColourMenu } from "./colours";
import type { TraceState } from "./use-view";
import type { TraceTab } from "./view";

interface Props {
  state: TraceState;
  tab: TraceTab;
  logCount: number;
}

const LABELS: [TraceTab, string][] = [
  ["spans", "Timeline"],
  ["flame", "Flame graph"],
  ["stats", "Statistics"],
  ["logs", "Logs"],
];

export function Toolbar({ state, tab, logCount }: Props): JSX.Element {
  const numbers: Partial<Record<TraceTab, number>> = { spans: state.trace.span_count, logs: logCount };
  return (
    <div class="toolbar">
      <div class="tabs" role="tablist" aria-label="Of this trace">
        {LABELS.map(([name, label]) => {
          const number = numbers[name];
          return (
            <button key={name} type="button" role="tab" aria-selected={tab === name} onClick={() => setParams({ tab: name === "spans" ? null : name }, "replace")}>
              {label}
              {number !== undefined && <span class="muted"> {count(number)}</span>}
            </button>
          );
        })}
      </div>
      {tab === "spans" && (
        <span class="toolbar-end">
          {state.zoomed && (
            <button type="button" class="button button-small" title="Show the whole trace (0)" onClick={() => state.setZoom(null)}>
              Reset zoom
            </button>
          )}
          <button type="button" class="text-button hide-phone" aria-pressed={state.showCritical} title="What the trace waited for (p)" onClick={state.toggleCritical}>
            Critical path
          </button>
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
  ["critical", "Critical path"],
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
  const go = (by: number): void => {
    const { length } = state.matches;
    if (length === 0) return;
    const next = state.matches[at === -1 ? (by > 0 ? 0 : length - 1) : (at + by + length) % length];
    if (next !== undefined) state.select(next);
  };
  return (
    <span class="find">
      <Icon name="search" size={12} />
      <input
        id={QUERY_INPUT_ID}
        placeholder="Find: text, duration>10ms, status:error"
        aria-label="Find in this trace"
        value={state.find}
        onInput={(event) => state.setFind(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === "Escape") {
            event.preventDefault();
            state.setFind("");
            event.currentTarget.blur();
          }
          if (event.key !== "Enter") return;
          const traceId = asTraceId(state.find);
          if (traceId) navigate(`/trace/${traceId}`);
          else go(event.shiftKey ? -1 : 1);
        }}
      />
      {state.find.trim() !== "" && (
        <span class="find-count number" role="status">
          {state.matches.length === 0 ? "none" : `${at === -1 ? "–" : at + 1}/${count(state.matches.length)}`}
        </span>
      )}
    </span>
  );
}
