import { quoted } from "./quote";

/** Names of fields as the query language wants them: what is no plain name is in quotes, and an attribute called as a column is says so. */

/** Columns of logs and of spans, their short names, and words that mean something before a colon. */
const COLUMNS = new Set(
  "service service_name service.name level severity severity_text severity_number status status_code status_message operation name kind duration duration_ns message body body_type time observed_time start_time end_time received_time trace_id traceid span_id spanid parent_span_id trace_state flags event_name events links scope_name scope_version record_id".split(" "),
);
const SCOPES = ["attributes", "body", "scope", "resource"] as const;
export type Scope = (typeof SCOPES)[number];

const PLAIN = /^[\p{L}][\p{L}\p{N}_.@/$-]*$/u;

/** Words that before a colon mean something else than a field, unless they are in quotes. */
const WORDS = /^(has|trace|logs)$/;

/** In place of a field: that the record has the field which the value names. No sender's key is this. */
export const EXISTS = "\0has";

/** As it is written before an operator. */
export const fieldName = (name: string): string => (name === "" || (PLAIN.test(name) && !WORDS.test(name)) ? name : quoted(name));

/**
 * The name that finds `key` of a scope: the bare key, unless it means something else. `before`: attributes that are looked at before this
 * scope, which hide it where they have the same key.
 */
export function fieldIn(scope: Scope, key: string, before: readonly Record<string, unknown>[] = []): string {
  if (scope === "resource" && key === "service.name") return "service";
  const isTaken = COLUMNS.has(key) || SCOPES.some((each) => key.startsWith(`${each}.`)) || before.some((attributes) => key in attributes);
  return isTaken || scope === "scope" ? `${scope}.${key}` : key;
}
