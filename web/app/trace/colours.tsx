import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import { count } from "../lib/format";
import { attributeNames } from "../lib/stats";
import type { TraceState } from "./use-view";

const SAMPLE = 5000;
const MOST_ATTRIBUTES = 60;
const BASIC: [string, string][] = [
  ["service", "by service"],
  ["status", "by status"],
  ["self", "by own time"],
  ["operation", "by operation"],
  ["kind", "by kind"],
];

/** What the bars' colour says. */
export function ColourMenu({ state }: { state: TraceState }): JSX.Element {
  // The first spans have the names that matter: a menu need not wait for fifty thousand.
  const attributes = useMemo(() => attributeNames(state.trace.spans.slice(0, SAMPLE), MOST_ATTRIBUTES), [state.trace]);
  const isKnown = BASIC.some(([name]) => name === state.colourBy) || attributes.includes(state.colourBy);
  return (
    <select class="text-button hide-phone stack-by" aria-label="Colour of the bars" title="What the colour says" value={state.colourBy} onChange={(event) => state.setColourBy(event.currentTarget.value)}>
      {BASIC.map(([name, label]) => (
        <option key={name} value={name}>
          {label}
        </option>
      ))}
      <optgroup label="By attribute">
        {!isKnown && <option value={state.colourBy}>{state.colourBy}</option>}
        {attributes.map((name) => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
      </optgroup>
    </select>
  );
}

/** Which value has which colour; one that is clicked is searched for. Services have their legend in the head. */
export function ColourLegend({ state }: { state: TraceState }): JSX.Element | null {
  const { legend } = state.colours;
  if (state.colourBy === "self") {
    return (
      <p class="colour-legend">
        <span class="muted">Own time, from little</span>
        <i class="colour-shades" aria-hidden="true" />
        <span class="muted">to much</span>
      </p>
    );
  }
  if (legend.length === 0) return null;
  return (
    <div class="colour-legend" role="group" aria-label={`Colours by ${state.colourBy}`}>
      {legend.map((entry) => (
        <button key={entry.label} type="button" class="legend-item" disabled={entry.find === null} aria-pressed={entry.find !== null && state.find === entry.find} title={entry.find === null ? undefined : `Find ${entry.find}`} onClick={() => state.setFind(state.find === entry.find ? "" : (entry.find ?? ""))}>
          <i class="swatch" style={{ background: `var(${entry.token})` }} />
          {entry.label} <span class="muted">{count(entry.count)}</span>
        </button>
      ))}
    </div>
  );
}
