import type { Completion, CompletionContext, CompletionResult, CompletionSource } from "@codemirror/autocomplete";
import { startCompletion } from "@codemirror/autocomplete";
import type { EditorView } from "@codemirror/view";
import { getJson } from "../api/client";
import type { FieldPage, ValuePage } from "../api/types";
import { targetAt, valueText, type Target } from "../lib/complete";
import { fieldName } from "../lib/fields";
import { compact } from "../lib/format";
import { unquote } from "../lib/query";

const SHOWN = 40;
/** Fields that every record has and that the statistics of files do not list. */
const BUILT_IN: Record<string, [string, string][]> = {
  logs: [["service", "string"], ["level", "trace … fatal"], ["body", "text"], ["trace_id", "id"], ["span_id", "id"], ["event_name", "string"]],
  spans: [["service", "string"], ["name", "string"], ["status", "error ok unset"], ["kind", "server client …"], ["duration", "250ms, [1s TO 2s]"], ["trace_id", "id"], ["span_id", "id"]],
};
/** What asks for the other side of a request. */
const ACROSS: Record<string, Completion> = {
  logs: { label: "trace:(", type: "keyword", detail: "its trace has such a span", boost: -45 },
  spans: { label: "logs:(", type: "keyword", detail: "its trace has such a record", boost: -45 },
};
const WORDS: Completion[] = [
  { label: "AND", type: "keyword", boost: -50 },
  { label: "OR", type: "keyword", boost: -50 },
  { label: "NOT", type: "keyword", boost: -50 },
  { label: "has:", type: "keyword", detail: "field exists", boost: -40 },
  { label: "*:", type: "keyword", detail: "anywhere in a record", boost: -45 },
];

/** Fields with their type and count, values with their count, over the whole retention. */
export function queryCompletion(table: "logs" | "spans"): CompletionSource {
  return async (context: CompletionContext): Promise<CompletionResult | null> => {
    const target = targetAt(context.state.doc.toString(), context.pos);
    if (!target || (target.kind === "field" && target.prefix === "" && !context.explicit)) return null;
    const controller = new AbortController();
    context.addEventListener("abort", () => controller.abort());
    // Each key pressed makes a new context; only the last one that is left in peace asks the server.
    await new Promise((resolve) => setTimeout(resolve, 90));
    if (context.aborted) return null;
    try {
      const options = target.kind === "field" ? await fields(table, target, controller.signal) : await values(table, target, controller.signal);
      return options.length === 0 ? null : { from: target.start, to: target.end, options, filter: false };
    } catch {
      // Completion is a courtesy: when it fails, typing goes on as before.
      return null;
    }
  };
}

async function fields(table: string, target: Target, signal: AbortSignal): Promise<Completion[]> {
  const prefix = target.prefix.toLowerCase();
  const page = await getJson<FieldPage>("/api/v1/fields", { table, prefix: target.prefix }, signal);
  const builtIn = (BUILT_IN[table] ?? []).filter(([name]) => name.startsWith(prefix)).map(([name, detail]) => field(name, detail));
  const known = new Set(builtIn.map((option) => option.label));
  const found = page.fields
    .filter((entry) => !known.has(entry.query_name))
    .slice(0, SHOWN)
    .map((entry) => field(entry.query_name, `${entry.types[0] ?? ""} ${compact(entry.count)}`));
  const across = ACROSS[table];
  return [...builtIn, ...found, ...[...WORDS, ...(across ? [across] : [])].filter((word) => word.label.toLowerCase().startsWith(prefix))];
}

const field = (name: string, detail: string): Completion => ({
  label: name,
  detail,
  type: "property",
  apply: (view, _completion, from, to) => {
    insert(view, `${fieldName(name)}:`, from, to);
    startCompletion(view);
  },
});

async function values(table: string, target: Target, signal: AbortSignal): Promise<Completion[]> {
  if (target.field === "" || target.field === "has") return target.field === "has" ? fields(table, target, signal) : [];
  const path = `/api/v1/fields/${encodeURIComponent(unquote(target.field))}/values`;
  const page = await getJson<ValuePage>(path, { table, prefix: target.prefix, limit: SHOWN }, signal);
  return page.values.map(({ value, count }) => ({
    label: String(value),
    detail: compact(count),
    type: "text",
    apply: (view, _completion, from, to) => insert(view, `${valueText(String(value))}${to === view.state.doc.length ? " " : ""}`, from, to),
  }));
}

function insert(view: EditorView, text: string, from: number, to: number): void {
  view.dispatch({ changes: { from, to, insert: text }, selection: { anchor: from + text.length }, userEvent: "input.complete" });
}
