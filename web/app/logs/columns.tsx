import type { JSX } from "preact";
import { useMemo, useState } from "preact/hooks";
import { getJson } from "../api/client";
import type { FieldPage } from "../api/types";
import { useApi } from "../api/use";
import { compact } from "../lib/format";
import { COLUMNS_KEY, DEFAULT_COLUMNS, readColumns, writeColumns } from "../lib/layout";
import { changeLook, toggleColumnPin, useListLook, type ListLook } from "../lib/listlook";
import { keepChoice, keptChoice } from "../lib/prefs";
import { setParams, usePlace } from "../lib/router";
import { Icon } from "../ui/icons";
import { Popover } from "../ui/popover";
import { Choice } from "../ui/topbar";

interface Props {
  columns: string[];
}

/** The choice stands in the address, and is what this browser begins with next time. */
export function setColumns(columns: string[]): void {
  keepChoice(COLUMNS_KEY, columns.join(",") || "-");
  setParams({ cols: writeColumns(columns) }, "replace");
}

/** Those of the address, or else those that were chosen last. */
export function useColumns(): string[] {
  const text = usePlace().params.get("cols");
  return useMemo(() => readColumns(text, keptChoice(COLUMNS_KEY)), [text]);
}

const ALWAYS = ["level", "service", "trace_id", "span_id", "event_name", "severity_text"];
const SHOWN = 60;

/** Which fields stand between time and body, and in which order. */
export function ColumnsMenu({ columns }: Props): JSX.Element {
  return (
    <Popover button={<><Icon name="columns" /><span class="hide-narrow">Columns</span></>} title="Choose columns" buttonClass="text-button">
      {() => <ColumnsPanel columns={columns} />}
    </Popover>
  );
}

function ColumnsPanel({ columns }: Props): JSX.Element {
  const [needle, setNeedle] = useState("");
  const look = useListLook();
  const fields = useApi<FieldPage>("columns", (signal) => getJson("/api/v1/fields", { table: "logs" }, signal));
  const lower = needle.trim().toLowerCase();
  const known = [...ALWAYS.map((name) => ({ name, note: "" })), ...(fields.data?.fields ?? []).map((field) => ({ name: field.query_name, note: compact(field.count) }))];
  const found = known.filter((field, index) => field.name.toLowerCase().includes(lower) && !columns.includes(field.name) && known.findIndex((other) => other.name === field.name) === index).slice(0, SHOWN);
  const move = (at: number, by: number): void => {
    const next = [...columns];
    const [name] = next.splice(at, 1);
    if (name !== undefined) next.splice(at + by, 0, name);
    setColumns(next);
  };
  return (
    <div class="column-panel">
      <ul>
        {columns.map((name, at) => (
          <li key={name} class="column-row">
            <button type="button" aria-pressed="true" title="Take out" onClick={() => setColumns(columns.filter((other) => other !== name))}>
              <Icon name="check" size={12} />
              {name}
            </button>
            <button type="button" class="icon-button" aria-pressed={look.pinned.includes(name)} aria-label={`Keep ${name} where there is little room`} title="Keep where there is little room" onClick={() => toggleColumnPin(name)}>
              <Icon name="pin" size={12} />
            </button>
            <button type="button" class="icon-button" aria-label={`${name} further left`} title="Further left" disabled={at === 0} onClick={() => move(at, -1)}>
              <Icon name="up" size={12} />
            </button>
            <button type="button" class="icon-button" aria-label={`${name} further right`} title="Further right" disabled={at === columns.length - 1} onClick={() => move(at, 1)}>
              <Icon name="down" size={12} />
            </button>
          </li>
        ))}
      </ul>
      <div class="column-back">
        {columns.join() !== DEFAULT_COLUMNS.join() && (
          <button type="button" class="text-button" onClick={() => setColumns(DEFAULT_COLUMNS)}>
            Back to level and service
          </button>
        )}
        {Object.keys(look.widths).length > 0 && (
          <button type="button" class="text-button" onClick={() => changeLook({ widths: {} })}>
            Widths by themselves
          </button>
        )}
      </div>
      <Choice<ListLook["density"]> label="Rows" value={look.density} options={[["compact", "Compact"], ["comfortable", "Comfortable"]]} onChange={(density) => changeLook({ density })} />
      <input class="field field-small" placeholder="Find a field" aria-label="Find a field for a column" value={needle} onInput={(event) => setNeedle(event.currentTarget.value)} />
      <ul class="column-fields">
        {found.map((field) => (
          <li key={field.name} class="column-row">
            <button type="button" onClick={() => setColumns([...columns, field.name])}>
              <Icon name="plus" size={12} />
              <span>{field.name}</span>
              <span class="muted number">{field.note}</span>
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}
