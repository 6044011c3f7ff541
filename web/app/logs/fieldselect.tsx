import type { JSX } from "preact";
import { getJson } from "../api/client";
import type { FieldPage } from "../api/types";
import { useApi } from "../api/use";

const MOST_FIELDS = 60;

interface Props {
  by: string;
  label: string;
  class?: string;
  /** Before each name. */
  prefix?: string;
  onChange: (field: string) => void;
}

/** One of the fields of logs. */
export function FieldSelect({ by, label, class: className = "text-button", prefix = "", onChange }: Props): JSX.Element {
  const fields = useApi<FieldPage>("stack by", (signal) => getJson("/api/v1/fields", { table: "logs" }, signal));
  const names = ["level", "service_name", ...(fields.data?.fields ?? []).map((field) => field.query_name).filter((name) => name !== "level" && name !== "service_name")].slice(0, MOST_FIELDS);
  return (
    <select class={className} aria-label={label} title={label} value={by} onChange={(event) => onChange(event.currentTarget.value)}>
      {(names.includes(by) ? names : [by, ...names]).map((name) => (
        <option key={name} value={name}>
          {prefix}
          {name === "service_name" ? "service" : name}
        </option>
      ))}
    </select>
  );
}
