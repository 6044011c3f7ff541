import type { JSX } from "preact";
import { getJson } from "../api/client";
import type { Json } from "../api/types";
import { useApi } from "../api/use";
import { bytes, count } from "../lib/format";

interface RetentionPage {
  rules: ({ table: string; keep: string } & Record<string, Json>)[];
  max_total_bytes: number | null;
  total_bytes: number;
  set_in: string | null;
  problems: { rule: number; message: string; hint: string | null }[];
  hidden: { rows_left: number; purge_time?: string }[];
}

/** `service audit, severity below info`: what a rule is about, in the words that it is written in. */
const aboutOf = (rule: RetentionPage["rules"][number]): string =>
  Object.entries(rule)
    .filter(([key, value]) => key !== "table" && key !== "keep" && value !== null)
    .map(([key, value]) => `${key.replace(/_/g, " ")} ${typeof value === "string" ? value : JSON.stringify(value)}`)
    .join(", ");

/** How long what is kept. The first rule that a record meets decides. */
export function Retention(): JSX.Element {
  const { data, error } = useApi<RetentionPage>("retention", (signal) => getJson("/api/v1/retention", {}, signal));
  const hidden = (data?.hidden ?? []).reduce((sum, each) => sum + each.rows_left, 0);
  return (
    <section class="status-section">
      <h2>Retention</h2>
      {error && <p class="hint form-error">{error.message}</p>}
      {data && (
        <>
          {data.rules.length === 0 ? (
            <p class="hint">Without a rule all is kept{data.max_total_bytes ? " until the space for it is used up" : ""}.</p>
          ) : (
            <ol class="retention">
              {data.rules.map((rule, at) => (
                <li key={at}>
                  <span>
                    {rule.table}
                    {aboutOf(rule) && <span class="muted"> of {aboutOf(rule)}</span>}
                  </span>
                  <b class="number">{rule.keep}</b>
                </li>
              ))}
            </ol>
          )}
          {data.problems.map(({ rule, message, hint }) => (
            <p key={rule} class="hint form-error">
              Nothing expires by rule {rule}: {message}
              {hint && ` (${hint})`}
            </p>
          ))}
          <p class="hint">
            {data.max_total_bytes ? `${bytes(data.total_bytes)} of at most ${bytes(data.max_total_bytes)} are used. ` : ""}
            {hidden > 0 ? `${count(hidden)} rows have expired and are still on disk. ` : ""}
            {data.set_in ? `The rules stand in ${data.set_in}.` : ""}
          </p>
        </>
      )}
    </section>
  );
}
