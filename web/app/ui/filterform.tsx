import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { getJson } from "../api/client";
import type { FieldPage, ValuePage } from "../api/types";
import { useApi } from "../api/use";
import { endsOf, kindOf, operatorsOf, rangeText, type Ends, type Operator, type Said } from "../lib/clause";
import { fieldName } from "../lib/fields";
import { compact } from "../lib/format";
import { unquote } from "../lib/query";

interface Props {
  table: "logs" | "spans";
  /** What is said now; of a new filter nothing yet. */
  said: Said | null;
  /** The filter as it would be written. */
  textOf: (said: Said) => string;
  action: string;
  onDone: (said: Said) => void;
}

const USUAL: Record<Props["table"], string[]> = {
  logs: ["service", "level", "body", "trace_id"],
  spans: ["service", "name", "status", "kind", "duration", "trace_id"],
};
const EMPTY: Said = { field: "", base: "is", negated: false, value: "" };
const SHOWN = 50;
const DELAY_MS = 150;
/** A name, or any text in quotes. */
const FIELD = /^(?:[^\s:()"]+|"(?:[^"\\]|\\.)+")$/;
const HINTS: Partial<Record<Said["base"], string>> = { regex: "Regular expression", list: "a OR b", contains: "Part of it" };
const keyOf = ({ base, negated }: Pick<Operator, "base" | "negated">): string => (negated ? "-" : "") + base;

/** A filter as field, operator and value, for who does not know the language yet; what it would be as text stands below. */
export function FilterForm({ table, said, textOf, action, onDone }: Props): JSX.Element {
  const [form, setForm] = useState<Said>(said ?? EMPTY);
  const [ends, setEnds] = useState<Ends>(() => endsOf(said?.value ?? ""));
  const [prefix, setPrefix] = useState("");
  const root = useRef<HTMLDivElement>(null);
  // Of a filter that is there the value is what changes most.
  useEffect(() => {
    const inputs = root.current?.querySelectorAll("input");
    (inputs?.[said ? 1 : 0] ?? inputs?.[0])?.select();
  }, []);
  const change = (patch: Partial<Said>): void => setForm({ ...form, ...patch });
  const fields = useApi<FieldPage>(`builder ${table}`, (signal) => getJson("/api/v1/fields", { table }, signal));
  const found = fields.data?.fields ?? [];
  const names = [...new Set([...USUAL[table], ...found.map((each) => fieldName(each.query_name))])];
  const field = form.field.trim();
  const kind = kindOf(table, field, found.find((each) => fieldName(each.query_name) === field || each.name === field)?.types);
  const operators = operatorsOf(kind, form);
  const takesText = form.base !== "has" && form.base !== "range";
  useEffect(() => {
    const timer = setTimeout(() => setPrefix(form.value), DELAY_MS);
    return () => clearTimeout(timer);
  }, [form.value]);
  const offers = takesText && form.base !== "regex" && form.base !== "list" && names.includes(field);
  const values = useApi<ValuePage>(offers ? `builder ${table} ${field} ${prefix}` : null, (signal) => getJson(`/api/v1/fields/${encodeURIComponent(unquote(field))}/values`, { table, prefix, limit: SHOWN }, signal));
  const whole: Said = { ...form, field, value: form.base === "range" ? rangeText(ends, said?.base === "range" ? said.value : "") : form.base === "has" ? "" : form.value };
  const hasValue = form.base === "has" || (form.base === "range" ? ends.low.trim() !== "" || ends.high.trim() !== "" : form.value.trim() !== "");
  const ready = FIELD.test(field) && hasValue;
  const done = (): void => {
    if (ready) onDone(whole);
  };
  // A form within the form of the query bar is not allowed; Enter in a field is done.
  const onEnter = (event: KeyboardEvent): void => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    done();
  };
  const setOperator = (key: string): void => {
    const chosen = operators.find((each) => keyOf(each) === key);
    if (!chosen) return;
    // The value that is there is the lower end of a range, and the other way round.
    if (chosen.base === "range" && form.base !== "range" && form.base !== "list" && ends.low === "" && ends.high === "") setEnds({ ...ends, low: form.value });
    const leavesRange = form.base === "range" && chosen.base !== "range";
    change({ base: chosen.base, negated: chosen.negated, ...(leavesRange ? { value: ends.low || ends.high } : {}) });
  };
  const id = said ? "filter-edit" : "filter-new";
  return (
    <div class="builder" ref={root}>
      <div class={form.base === "range" ? "builder-row builder-range" : "builder-row"}>
        <input class="field field-small" list={`${id}-fields`} aria-label="Field" placeholder="Field" autocomplete="off" spellcheck={false} value={form.field} onInput={(event) => change({ field: event.currentTarget.value })} onKeyDown={onEnter} />
        <select class="field field-small" aria-label="What is said of the field" value={keyOf(form)} onChange={(event) => setOperator(event.currentTarget.value)}>
          {operators.map((each) => (
            <option key={keyOf(each)} value={keyOf(each)}>
              {each.label}
            </option>
          ))}
        </select>
        {takesText && <input class="field field-small" list={`${id}-values`} aria-label="Value" placeholder={HINTS[form.base] ?? "Value"} autocomplete="off" spellcheck={false} value={form.value} onInput={(event) => change({ value: event.currentTarget.value })} onKeyDown={onEnter} />}
        {form.base === "range" && <RangeFields ends={ends} onChange={setEnds} onEnter={onEnter} />}
      </div>
      <datalist id={`${id}-fields`}>
        {names.map((name) => (
          <option key={name} value={name} />
        ))}
      </datalist>
      <datalist id={`${id}-values`}>
        {(values.data?.values ?? []).map((each) => (
          <option key={String(each.value)} value={String(each.value)} label={`${String(each.value)} (${compact(each.count)})`} />
        ))}
      </datalist>
      <div class="builder-foot">
        <code>{ready ? textOf(whole) : "field:value"}</code>
        <button type="button" class="button button-small" disabled={!ready} onClick={done}>
          {action}
        </button>
      </div>
    </div>
  );
}

interface RangeProps {
  ends: Ends;
  onChange: (ends: Ends) => void;
  onEnter: (event: KeyboardEvent) => void;
}

/** Both ends of a range, each with or without itself; an end that is left empty is open. */
function RangeFields({ ends, onChange, onEnter }: RangeProps): JSX.Element {
  return (
    <div class="builder-ends">
      <button type="button" class="button button-small" aria-label="The lower end belongs to it" aria-pressed={ends.open === "["} title={ends.open === "[" ? "With this end" : "Without this end"} onClick={() => onChange({ ...ends, open: ends.open === "[" ? "{" : "[" })}>
        {ends.open === "[" ? "≥" : ">"}
      </button>
      <input class="field field-small" aria-label="Lower end" placeholder="any" autocomplete="off" spellcheck={false} value={ends.low} onInput={(event) => onChange({ ...ends, low: event.currentTarget.value })} onKeyDown={onEnter} />
      <button type="button" class="button button-small" aria-label="The upper end belongs to it" aria-pressed={ends.close === "]"} title={ends.close === "]" ? "With this end" : "Without this end"} onClick={() => onChange({ ...ends, close: ends.close === "]" ? "}" : "]" })}>
        {ends.close === "]" ? "≤" : "<"}
      </button>
      <input class="field field-small" aria-label="Upper end" placeholder="any" autocomplete="off" spellcheck={false} value={ends.high} onInput={(event) => onChange({ ...ends, high: event.currentTarget.value })} onKeyDown={onEnter} />
    </div>
  );
}
