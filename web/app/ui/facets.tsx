import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { getJson } from "../api/client";
import type { FieldPage } from "../api/types";
import { useApi } from "../api/use";
import { EXISTS } from "../lib/fields";
import { compact, count, percent, plural } from "../lib/format";
import { togglePin, usePins } from "../lib/pins";
import { hasFilter } from "../lib/query";
import type { Search } from "../lib/search";
import { Icon } from "./icons";
import { NumericFacet } from "./numeric";

export interface FacetValue {
  value: string;
  count: number;
}

export interface FacetAnswer {
  values: FacetValue[];
  /** Records that the shares are of. */
  total: number;
  complete: boolean;
}

interface Props {
  table: "logs" | "spans";
  search: Search;
  /** Fields at the top, open from the start. */
  first: string[];
  /** What the counts are of, in words. */
  counts: string;
  /** The most frequent values; of those alone that contain `part`, where one is given. */
  load: (field: string, part: string, signal: AbortSignal) => Promise<FacetAnswer>;
  onClose: () => void;
}

const SHOWN_FIELDS = 200;
/** Not at every key. */
const FIND_MS = 250;
/** The same as `service`. */
const TWINS = ["service_name", "resource.service.name"];

/** The values of fields with their counts, beside the list. A field asks only when it is open. */
export function Facets({ table, search, first, counts, load, onClose }: Props): JSX.Element {
  const [needle, setNeedle] = useState("");
  const fields = useApi<FieldPage>(JSON.stringify(["facets", table, search.fixed]), (signal) => getJson("/api/v1/fields", { table, start: search.fixed.start, end: search.fixed.end }, signal));
  const pins = usePins(table);
  const lower = needle.trim().toLowerCase();
  const top = [...first, ...pins.filter((name) => !first.includes(name))];
  const found = (fields.data?.fields ?? [])
    .filter((field) => !top.includes(field.query_name) && !TWINS.includes(field.query_name) && field.query_name.toLowerCase().includes(lower))
    .slice(0, SHOWN_FIELDS);
  // Pinned ones are told by what is known of them, too.
  const knownOf = (name: string): { field?: FieldPage["fields"][number] } => {
    const field = fields.data?.fields.find((each) => each.query_name === name);
    return field && !first.includes(name) ? { field } : {};
  };
  return (
    <aside class="facets" aria-label="Facets">
      <header class="facets-head">
        <input class="field field-small" placeholder="Find a field" aria-label="Find a field to break down" value={needle} onInput={(event) => setNeedle(event.currentTarget.value)} />
        <button type="button" class="icon-button" title="Close (f)" aria-label="Close the facets" onClick={onClose}>
          <Icon name="close" size={12} />
        </button>
      </header>
      <div class="facets-scroll">
        {top
          .filter((name) => name.toLowerCase().includes(lower))
          .map((name) => (
            <Facet key={name} name={name} table={table} pinned={first.includes(name) ? null : true} {...knownOf(name)} search={search} load={load} startsOpen={!NUMBERS_FIRST.includes(name)} counts={counts} />
          ))}
        {found.map((field) => (
          <Facet key={field.name} name={field.query_name} table={table} pinned={false} field={field} search={search} load={load} startsOpen={false} counts={counts} />
        ))}
        {fields.error && <p class="hint form-error">{fields.error.message}</p>}
      </div>
    </aside>
  );
}

interface FacetProps {
  name: string;
  table: "logs" | "spans";
  /** Whether somebody put it to the top; null where it is there by itself. */
  pinned: boolean | null;
  /** What the files say of it: of records in them, whatever the query. */
  field?: FieldPage["fields"][number];
  search: Search;
  load: Props["load"];
  startsOpen: boolean;
  counts: string;
}

function Facet({ name, table, pinned, field, search, load, startsOpen, counts }: FacetProps): JSX.Element {
  const [open, setOpen] = useState(startsOpen);
  return (
    <section class="facet">
      <div class="facet-head">
        <button type="button" class={open ? "facet-name open" : "facet-name"} aria-expanded={open} title={field && saysOf(field)} onClick={() => setOpen(!open)}>
          <Icon name="chevron" size={10} />
          <span>{name}</span>
          {field && <span class="muted number">{compact(field.count)}</span>}
        </button>
        {pinned !== null && (
          <button type="button" class="facet-pin" aria-pressed={pinned} aria-label={`Keep ${name} at the top`} title={pinned ? "No longer at the top" : "Keep at the top"} onClick={() => togglePin(table, name)}>
            <Icon name="pin" size={12} />
          </button>
        )}
      </div>
      {open && field?.distinct !== undefined && (
        <p class="hint facet-says">
          {field.exact ? "" : "about "}
          {plural(field.distinct, "value")}
        </p>
      )}
      {open && (isNumeric(name, field) ? <NumericFacet table={table} name={name} search={search} /> : <Values name={name} search={search} load={load} counts={counts} />)}
    </section>
  );
}

/** Fewer values than this are better read one by one, such as status codes. */
const FEW_VALUES = 12;
/** Numbers that every row has; how they are spread is not kept by the server, so nobody is made to wait for it. */
const NUMBERS_FIRST = ["duration"];
const NUMBERS = ["int", "double"];

function isNumeric(name: string, field: FacetProps["field"]): boolean {
  if (NUMBERS_FIRST.includes(name)) return true;
  return field !== undefined && field.types.length > 0 && field.types.every((type) => NUMBERS.includes(type)) && (field.distinct === undefined || field.distinct > FEW_VALUES);
}

function saysOf({ query_name: name, count: records, distinct, exact }: FieldPage["fields"][number]): string {
  const values = distinct === undefined ? "" : `, ${exact ? "" : "about "}${plural(distinct, "value")}`;
  return `${name}: in ${plural(records, "record")} of the files of this time${values}`;
}

/** The values of a field; of one that has more than are shown, others are found by a part of them. */
function Values({ name, search, load, counts }: Pick<FacetProps, "name" | "search" | "load" | "counts">): JSX.Element {
  const [typed, setTyped] = useState("");
  const [part, setPart] = useState("");
  useEffect(() => {
    const timer = setTimeout(() => setPart(typed.trim()), FIND_MS);
    return () => clearTimeout(timer);
  }, [typed]);
  const found = useApi<FacetAnswer>(search.cancelled ? null : `${name} ${search.key}`, (signal) => load(name, "", signal));
  const narrowed = useApi<FacetAnswer>(search.cancelled || part === "" ? null : JSON.stringify([name, search.key, part]), (signal) => load(name, part, signal));
  // What is wrong with the query stands in the view, once.
  if (found.error && found.error.position !== null) return <p class="hint">–</p>;
  if (found.error) return <p class="hint form-error">{found.error.message}</p>;
  if (!found.data) return <p class="hint">Counting…</p>;
  if (found.data.values.length === 0) return <p class="hint">No values here</p>;
  const hasMore = found.data.values.some(({ value }) => value === "(other)");
  const shown = part === "" ? found.data : narrowed.data;
  return (
    <>
      {(hasMore || typed !== "") && <input class="field field-small facet-find" placeholder="Find a value" aria-label={`Find a value of ${name}`} autocomplete="off" spellcheck={false} value={typed} onInput={(event) => setTyped(event.currentTarget.value)} />}
      {part !== "" && narrowed.error ? (
        <p class="hint form-error">{narrowed.error.message}</p>
      ) : !shown ? (
        <p class="hint">Counting…</p>
      ) : shown.values.length === 0 ? (
        <p class="hint">No value has this in it</p>
      ) : (
        <ValueList name={name} search={search} counts={counts} answer={shown} total={found.data.total} stale={found.loading || narrowed.loading} />
      )}
    </>
  );
}

interface ListProps extends Pick<FacetProps, "name" | "search" | "counts"> {
  answer: FacetAnswer;
  /** Of all that the query finds. */
  total: number;
  stale: boolean;
}

function ValueList({ name, search, counts, answer: { values, complete }, total, stale }: ListProps): JSX.Element {
  const most = Math.max(1, ...values.map((entry) => entry.count));
  return (
    <ul class={stale ? "facet-values stale" : "facet-values"}>
      {values.map((entry) => {
        // Those without the field are found by asking for it.
        const [field, value, isNone] = entry.value === "(none)" ? [EXISTS, name, true] : [name, entry.value, false];
        const plain = entry.value !== "(other)";
        const included = plain && hasFilter(search.query, field, value, isNone);
        const excluded = plain && hasFilter(search.query, field, value, !isNone);
        return (
          <li key={entry.value} class={included ? "facet-value facet-on" : excluded ? "facet-value facet-off" : "facet-value"} style={{ "--share": `${(entry.count / most) * 100}%` }}>
            <button type="button" disabled={!plain} aria-pressed={included} title={`${entry.value}: ${count(entry.count)}, ${percent(entry.count, total)} ${counts}`} onClick={() => search.toggle(field, value, isNone)}>
              <span class={isNone ? "facet-text facet-none" : "facet-text"}>{isNone ? "without it" : entry.value === "" ? '""' : entry.value}</span>
              <span class="number muted">
                {complete ? "" : "≥"}
                {compact(entry.count)}
              </span>
            </button>
            {plain && (
              <button type="button" class="facet-not" aria-pressed={excluded} aria-label={isNone ? `Only with ${name}` : `Without ${name} ${entry.value}`} title={isNone ? "Only with the field" : "Without this value"} onClick={() => search.toggle(field, value, !isNone)}>
                <Icon name="minus" size={10} />
              </button>
            )}
          </li>
        );
      })}
    </ul>
  );
}
