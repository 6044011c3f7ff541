import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import { getJson } from "../api/client";
import type { FieldPage } from "../api/types";
import { useApi } from "../api/use";
import { compact } from "../lib/format";
import { COLUMNS_KEY, DEFAULT_COLUMNS, readColumns, writeColumns } from "../lib/layout";
import { keepChoice, keptChoice } from "../lib/prefs";
import { setParams, usePlace } from "../lib/router";
import { ColumnsButton, ColumnsPanel, type ColumnOffer } from "../ui/columns";

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
  const kept = keptChoice(COLUMNS_KEY);
  return useMemo(() => readColumns(text, kept), [text, kept]);
}

const ALWAYS = ["level", "service", "trace_id", "span_id", "event_name", "severity_text"];

/** Which fields stand between time and body, and in which order. */
export function ColumnsMenu({ columns }: Props): JSX.Element {
  return <ColumnsButton>{() => <FieldColumns columns={columns} />}</ColumnsButton>;
}

function FieldColumns({ columns }: Props): JSX.Element {
  const fields = useApi<FieldPage>("columns", (signal) => getJson("/api/v1/fields", { table: "logs" }, signal));
  const known = (fields.data?.fields ?? []).filter((field) => !ALWAYS.includes(field.query_name));
  const offers: ColumnOffer[] = [...ALWAYS.map((name) => ({ id: name, name })), ...known.map((field) => ({ id: field.query_name, name: field.query_name, note: compact(field.count) }))];
  const unique = offers.filter((offer, at) => offers.findIndex((other) => other.id === offer.id) === at);
  const isDefault = columns.join() === DEFAULT_COLUMNS.join();
  return <ColumnsPanel list="logs" columns={columns.map((name) => ({ id: name, name }))} offers={unique} back={isDefault ? null : { label: "Back to level and service", columns: DEFAULT_COLUMNS }} pinLabel={(name) => `Keep ${name} where there is little room`} onColumns={setColumns} />;
}
