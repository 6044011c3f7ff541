import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { postJson } from "../api/client";
import type { SqlAnswer } from "../api/types";
import { useApi } from "../api/use";
import { EXISTS } from "../lib/fields";
import { compact, count, decimal, duration, percent } from "../lib/format";
import { hasFilter } from "../lib/query";
import type { Search } from "../lib/search";
import { binsStatement, boundsOf, boundsStatement, edgesOf } from "../lib/searchsql";
import { roundedOut, spanOf, withoutSpan, withSpan, type Ends } from "../lib/span";

interface Spread {
  /** Where the bins begin and the last one ends. */
  edges: number[];
  counts: number[];
  /** Rows with a number, and all that are found. */
  with: number;
  total: number;
  complete: boolean;
}

interface Props {
  table: "logs" | "spans";
  name: string;
  search: Search;
}

async function load(table: Props["table"], name: string, query: string, search: Search, signal: AbortSignal): Promise<Spread> {
  const wanted = { query, range: search.fixed, nowMs: search.madeAt };
  const ask = (statement: string): Promise<SqlAnswer> => postJson("/api/v1/sql", { query: statement }, signal);
  const found = await ask(boundsStatement(table, wanted, name));
  const [low, high, having, total] = found.rows[0] ?? [];
  if (typeof low !== "number" || typeof high !== "number") return { edges: [], counts: [], with: 0, total: Number(total ?? 0), complete: found.complete };
  const bounds = boundsOf(low, high);
  const edges = edgesOf(bounds);
  const bins = await ask(binsStatement(table, wanted, name, bounds));
  const counts = new Array<number>(edges.length - 1).fill(0);
  for (const [bin, rows] of bins.rows) counts[Math.min(counts.length - 1, Number(bin))] = Number(rows);
  return { edges, counts, with: Number(having), total: Number(total), complete: found.complete && bins.complete };
}

/** A field of numbers: how they are spread, two ends to bound them by, and who has none. */
export function NumericFacet({ table, name, search }: Props): JSX.Element {
  const isDuration = name === "duration";
  const base = withoutSpan(search.query, name);
  const found = useApi<Spread>(search.cancelled ? null : JSON.stringify(["numbers", table, name, base, search.key]), (signal) => load(table, name, base, search, signal));
  if (found.error && found.error.position !== null) return <p class="hint">–</p>;
  if (found.error) return <p class="hint form-error">{found.error.message}</p>;
  if (!found.data) return <p class="hint">Counting…</p>;
  const spread = found.data;
  const chosen = spanOf(search.query, name, isDuration);
  const missing = spread.total - spread.with;
  return (
    <div class={found.loading ? "numeric stale" : "numeric"}>
      {spread.counts.length === 0 ? <p class="hint">No numbers here</p> : <Slider key={JSON.stringify([spread.edges, chosen])} name={name} spread={spread} chosen={chosen} show={isDuration ? duration : decimal} onChange={(ends) => search.run(withSpan(search.query, name, ends, isDuration))} />}
      {missing > 0 && (
        <div class="numeric-has">
          <Has label="with" rows={spread.with} total={spread.total} pressed={hasFilter(search.query, EXISTS, name, false)} onClick={() => search.toggle(EXISTS, name, false)} />
          <Has label="without" rows={missing} total={spread.total} pressed={hasFilter(search.query, EXISTS, name, true)} onClick={() => search.toggle(EXISTS, name, true)} />
        </div>
      )}
    </div>
  );
}

interface HasProps {
  label: string;
  rows: number;
  total: number;
  pressed: boolean;
  onClick: () => void;
}

function Has({ label, rows, total, pressed, onClick }: HasProps): JSX.Element {
  return (
    <button type="button" class="legend-item" aria-pressed={pressed} title={`${count(rows)}, ${percent(rows, total)}`} onClick={onClick}>
      {label} <span class="muted">{compact(rows)}</span>
    </button>
  );
}

interface SliderProps {
  name: string;
  spread: Spread;
  chosen: Ends | null;
  show: (value: number) => string;
  onChange: (ends: Ends | null) => void;
}

/** The bins that lie between two ends; null where all do. */
function placesOf(edges: readonly number[], chosen: Ends | null): [from: number, to: number] {
  const last = edges.length - 1;
  if (!chosen) return [0, last];
  const from = edges.findLastIndex((edge) => edge <= chosen.low);
  const to = edges.findIndex((edge) => edge >= chosen.high);
  return [Math.min(last - 1, Math.max(0, from)), to === -1 ? last : Math.max(1, to)];
}

function Slider({ name, spread, chosen, show, onChange }: SliderProps): JSX.Element {
  const { edges, counts } = spread;
  const last = edges.length - 1;
  const [[from, to], setPlaces] = useState(() => placesOf(edges, chosen));
  const [dirty, setDirty] = useState(false);
  const low = edges[from] ?? 0;
  const high = edges[to] ?? 0;
  // Not at every step of a drag or of an arrow key.
  useEffect(() => {
    if (!dirty) return;
    const timer = setTimeout(() => onChange(from === 0 && to === last ? null : roundedOut({ low, high })), 500);
    return () => clearTimeout(timer);
  }, [dirty, from, to]);
  const move = (next: [number, number]): void => {
    setPlaces(next);
    setDirty(true);
  };
  const most = Math.max(1, ...counts);
  return (
    <>
      <div class="numeric-bars" aria-hidden="true">
        {counts.map((rows, at) => (
          <i key={at} class={at >= from && at < to ? "numeric-in" : ""} title={`${show(edges[at] ?? 0)} – ${show(edges[at + 1] ?? 0)}: ${count(rows)}`} style={{ height: `${rows === 0 ? 0 : Math.max(4, (rows / most) * 100)}%` }} />
        ))}
      </div>
      {last > 1 && (
        <div class="numeric-ends">
          <input type="range" min={0} max={last} step={1} value={from} aria-label={`${name} from`} aria-valuetext={show(low)} onInput={(event) => move([Math.min(to - 1, event.currentTarget.valueAsNumber), to])} />
          <input type="range" min={0} max={last} step={1} value={to} aria-label={`${name} to`} aria-valuetext={show(high)} onInput={(event) => move([from, Math.max(from + 1, event.currentTarget.valueAsNumber)])} />
        </div>
      )}
      <p class="numeric-says">
        <span>{show(low)}</span>
        {chosen && (
          <button type="button" class="text-button" onClick={() => onChange(null)}>
            All
          </button>
        )}
        <span>{show(high)}</span>
      </p>
    </>
  );
}
