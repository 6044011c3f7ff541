import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { getJson } from "../api/client";
import type { FieldPage } from "../api/types";
import { useApi } from "../api/use";
import { compact, count, percent } from "../lib/format";
import { hasFilter } from "../lib/query";
import type { Search } from "../lib/search";
import { Icon } from "./icons";

export interface FacetValue {
  value: string;
  count: number;
}

export interface FacetAnswer {
  values: FacetValue[];
  /** Records that the shares are of. */
  total: number;
}

interface Props {
  table: "logs" | "spans";
  search: Search;
  /** Fields at the top, open from the start. */
  first: string[];
  /** What the counts are of, in words. */
  counts: string;
  load: (field: string, signal: AbortSignal) => Promise<FacetAnswer>;
  onClose: () => void;
}

const SHOWN_FIELDS = 200;
/** The same as `service`. */
const TWINS = ["service_name", "resource.service.name"];

/** The values of fields with their counts, beside the list. A field asks only when it is open. */
export function Facets({ table, search, first, counts, load, onClose }: Props): JSX.Element {
  const [needle, setNeedle] = useState("");
  const fields = useApi<FieldPage>(JSON.stringify(["facets", table, search.fixed]), (signal) => getJson("/api/v1/fields", { table, start: search.fixed.start, end: search.fixed.end }, signal));
  const lower = needle.trim().toLowerCase();
  const found = (fields.data?.fields ?? [])
    .filter((field) => !first.includes(field.query_name) && !TWINS.includes(field.query_name) && field.query_name.toLowerCase().includes(lower))
    .slice(0, SHOWN_FIELDS);
  return (
    <aside class="facets" aria-label="Facets">
      <header class="facets-head">
        <input class="field field-small" placeholder="Find a field" aria-label="Find a field to break down" value={needle} onInput={(event) => setNeedle(event.currentTarget.value)} />
        <button type="button" class="icon-button" title="Close (f)" aria-label="Close the facets" onClick={onClose}>
          <Icon name="close" size={12} />
        </button>
      </header>
      <div class="facets-scroll">
        {first
          .filter((name) => name.includes(lower))
          .map((name) => (
            <Facet key={name} name={name} search={search} load={load} startsOpen counts={counts} />
          ))}
        {found.map((field) => (
          <Facet key={field.name} name={field.query_name} note={compact(field.count)} search={search} load={load} startsOpen={false} counts={counts} />
        ))}
        {fields.error && <p class="hint form-error">{fields.error.message}</p>}
      </div>
    </aside>
  );
}

interface FacetProps {
  name: string;
  note?: string;
  search: Search;
  load: Props["load"];
  startsOpen: boolean;
  counts: string;
}

function Facet({ name, note, search, load, startsOpen, counts }: FacetProps): JSX.Element {
  const [open, setOpen] = useState(startsOpen);
  return (
    <section class="facet">
      <button type="button" class={open ? "facet-name open" : "facet-name"} aria-expanded={open} onClick={() => setOpen(!open)}>
        <Icon name="chevron" size={10} />
        <span>{name}</span>
        {note && <span class="muted number">{note}</span>}
      </button>
      {open && <Values name={name} search={search} load={load} counts={counts} />}
    </section>
  );
}

function Values({ name, search, load, counts }: Omit<FacetProps, "note" | "startsOpen">): JSX.Element {
  const found = useApi<FacetAnswer>(`${name} ${search.key}`, (signal) => load(name, signal));
  // What is wrong with the query stands in the view, once.
  if (found.error && found.error.position !== null) return <p class="hint">–</p>;
  if (found.error) return <p class="hint form-error">{found.error.message}</p>;
  if (!found.data) return <p class="hint">Counting…</p>;
  const { values, total } = found.data;
  if (values.length === 0) return <p class="hint">No values here</p>;
  const most = Math.max(1, ...values.map((entry) => entry.count));
  return (
    <ul class={found.loading ? "facet-values stale" : "facet-values"}>
      {values.map((entry) => {
        const plain = entry.value !== "(other)" && entry.value !== "(none)";
        const included = plain && hasFilter(search.query, name, entry.value, false);
        const excluded = plain && hasFilter(search.query, name, entry.value, true);
        return (
          <li key={entry.value} class={included ? "facet-value facet-on" : excluded ? "facet-value facet-off" : "facet-value"} style={{ "--share": `${(entry.count / most) * 100}%` }}>
            <button type="button" disabled={!plain} aria-pressed={included} title={`${entry.value}: ${count(entry.count)}, ${percent(entry.count, total)} ${counts}`} onClick={() => search.toggle(name, entry.value, false)}>
              <span class="facet-text">{entry.value === "" ? '""' : entry.value}</span>
              <span class="number muted">{compact(entry.count)}</span>
            </button>
            {plain && (
              <button type="button" class="facet-not" aria-pressed={excluded} aria-label={`Without ${name} ${entry.value}`} title="Without this value" onClick={() => search.toggle(name, entry.value, true)}>
                <Icon name="minus" size={10} />
              </button>
            )}
          </li>
        );
      })}
    </ul>
  );
}
