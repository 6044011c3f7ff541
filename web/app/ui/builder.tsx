import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { getJson } from "../api/client";
import type { FieldPage, ValuePage } from "../api/types";
import { useApi } from "../api/use";
import { filterClause, OPERATORS, withClause, type OperatorKey } from "../lib/chips";
import { compact } from "../lib/format";
import { Icon } from "./icons";
import { Popover } from "./popover";

interface Props {
  table: "logs" | "spans";
  query: string;
  onRun: (query: string) => void;
}

const USUAL: Record<Props["table"], string[]> = {
  logs: ["service", "level", "body", "trace_id"],
  spans: ["service", "name", "status", "kind", "duration", "trace_id"],
};
const SHOWN = 50;
const DELAY_MS = 150;

/** Puts a filter together from a field, what is said of it and a value, for who does not know the language yet. */
export function FilterBuilder(props: Props): JSX.Element {
  return (
    <Popover button={<Icon name="plus" />} title="Add a filter" label="Add a filter" buttonClass="icon-button">
      {(close) => <BuilderForm {...props} close={close} />}
    </Popover>
  );
}

function BuilderForm({ table, query, onRun, close }: Props & { close: () => void }): JSX.Element {
  const [field, setField] = useState("");
  const [operator, setOperator] = useState<OperatorKey>("is");
  const [value, setValue] = useState("");
  const [prefix, setPrefix] = useState("");
  const takes = OPERATORS.find((each) => each.key === operator)?.takes === true;
  const fields = useApi<FieldPage>(`builder ${table}`, (signal) => getJson("/api/v1/fields", { table }, signal));
  const names = [...new Set([...USUAL[table], ...(fields.data?.fields ?? []).map((each) => each.query_name)])];
  const known = names.includes(field);
  useEffect(() => {
    const timer = setTimeout(() => setPrefix(value), DELAY_MS);
    return () => clearTimeout(timer);
  }, [value]);
  const values = useApi<ValuePage>(known && takes ? `builder ${table} ${field} ${prefix}` : null, (signal) => getJson(`/api/v1/fields/${encodeURIComponent(field)}/values`, { table, prefix, limit: SHOWN }, signal));
  const ready = field.trim() !== "" && !/[\s:()"]/.test(field.trim()) && (!takes || value !== "");
  const clause = ready ? filterClause(field.trim(), operator, value) : null;
  const add = (): void => {
    if (!clause) return;
    close();
    onRun(withClause(query, clause));
  };
  // A form within the form of the query bar is not allowed; Enter in a field adds.
  const onEnter = (event: KeyboardEvent): void => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    add();
  };
  return (
    <div class="builder">
      <div class="builder-row">
        <input class="field field-small" list="builder-fields" autofocus aria-label="Field" placeholder="Field" autocomplete="off" spellcheck={false} value={field} onInput={(event) => setField(event.currentTarget.value)} onKeyDown={onEnter} />
        <select class="field field-small" aria-label="What is said of the field" value={operator} onChange={(event) => setOperator(event.currentTarget.value as OperatorKey)}>
          {OPERATORS.map((each) => (
            <option key={each.key} value={each.key}>
              {each.label}
            </option>
          ))}
        </select>
        {takes && <input class="field field-small" list="builder-values" aria-label="Value" placeholder={operator === "regex" ? "Regular expression" : "Value"} autocomplete="off" spellcheck={false} value={value} onInput={(event) => setValue(event.currentTarget.value)} onKeyDown={onEnter} />}
      </div>
      <datalist id="builder-fields">
        {names.map((name) => (
          <option key={name} value={name} />
        ))}
      </datalist>
      <datalist id="builder-values">
        {(values.data?.values ?? []).map((each) => (
          <option key={String(each.value)} value={String(each.value)} label={`${String(each.value)} (${compact(each.count)})`} />
        ))}
      </datalist>
      <div class="builder-foot">
        <code>{clause ?? "field:value"}</code>
        <button type="button" class="button button-small" disabled={!ready} onClick={add}>
          Add
        </button>
      </div>
    </div>
  );
}
