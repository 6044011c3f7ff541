import type { JSX } from "preact";
import { asTraceId } from "../lib/query";
import { count } from "../lib/format";
import { navigate, setParams } from "../lib/router";
import { Icon } from "../ui/icons";
import { QUERY_INPUT_ID } from "../ui/querybar";
import type { TraceState } from "./use-view";

interface Props {
  state: TraceState;
  tab: "spans" | "logs";
  logCount: number;
}

export function Toolbar({ state, tab, logCount }: Props): JSX.Element {
  const tabButton = (name: "spans" | "logs", label: string, number: number): JSX.Element => (
    <button type="button" role="tab" aria-selected={tab === name} onClick={() => setParams({ tab: name === "spans" ? null : name }, "replace")}>
      {label} <span class="muted">{count(number)}</span>
    </button>
  );
  return (
    <div class="toolbar">
      <div class="tabs" role="tablist" aria-label="Of this trace">
        {tabButton("spans", "Timeline", state.trace.span_count)}
        {tabButton("logs", "Logs", logCount)}
      </div>
      {tab === "spans" && (
        <span class="toolbar-end">
          {state.zoomed && (
            <button type="button" class="button button-small" title="Show the whole trace (0)" onClick={() => state.setZoom(null)}>
              Reset zoom
            </button>
          )}
          <button type="button" class="text-button hide-phone" title="Collapse all ([)" onClick={state.collapseAll}>
            Collapse
          </button>
          <button type="button" class="text-button hide-phone" title="Expand all (])" onClick={state.expandAll}>
            Expand
          </button>
          <Find state={state} />
        </span>
      )}
    </div>
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
        placeholder="Find in trace"
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
