import type { ComponentChildren, JSX } from "preact";
import { useCallback, useEffect, useState } from "preact/hooks";
import { getJson, type ApiError } from "../api/client";
import type { TracePage } from "../api/types";
import { useCost } from "../api/use-cost";
import { EditorHost } from "../editor/host";
import type { Editor, EditorOptions } from "../editor/types";
import { placeIn, useDraft } from "../lib/draft";
import { usePhone } from "../lib/prefs";
import { anyIdQuery, asSpanId, asTraceId, asUuid } from "../lib/query";
import { href, navigate } from "../lib/router";
import type { Search } from "../lib/search";
import { ALL_TIME } from "../lib/time";
import { FilterBuilder } from "./builder";
import { Chips } from "./chips";
import { CostPreview } from "./cost";
import { Icon } from "./icons";
import { SavedMenu } from "./saved";

interface Props {
  table: "logs" | "spans";
  query: string;
  placeholder: string;
  error: ApiError | null;
  onRun: (query: string) => void;
  /** Where a list is searched: what that costs is shown, and it can be cancelled. */
  search?: Search;
  running?: boolean;
  children?: ComponentChildren;
}

export const QUERY_INPUT_ID = "query";

/** Into the page's main field: a plain one, or the editor within its host's shadow root. */
export function focusQuery(): void {
  const field = document.getElementById(QUERY_INPUT_ID);
  const inner = field?.shadowRoot?.querySelector<HTMLElement>(".cm-content");
  (inner ?? field)?.focus();
  if (field instanceof HTMLInputElement) field.select();
}

/** The page of a span, whatever time is looked at; null where it is none, or cannot be looked up: then it is a word like any other. */
async function placeOfSpan(id: string): Promise<string | null> {
  const page = await getJson<TracePage>("/api/v1/traces", { query: `span_id:${id}`, limit: 1 }).catch(() => null);
  const trace = page?.traces[0];
  return trace ? href(`/trace/${trace.trace_id}`, { span: id }) : null;
}

/** The trace of that id, or what logs say of it, whatever time is looked at. */
async function placeOfUuid(digits: string): Promise<string> {
  const page = await getJson<TracePage>("/api/v1/traces", { query: `trace_id:${digits}`, limit: 1 }).catch(() => null);
  return page?.traces.length ? `/trace/${digits}` : href("/logs", { q: anyIdQuery(digits) });
}

/** Quick answers must not make the button flicker. */
const CANCEL_AFTER_MS = 600;

/** Runs what is typed; what runs for a while can be cancelled in the same place. */
function RunButton({ running, onCancel }: { running: boolean; onCancel: (() => void) | undefined }): JSX.Element {
  const [long, setLong] = useState(false);
  useEffect(() => {
    setLong(false);
    if (!running) return;
    const timer = setTimeout(() => setLong(true), CANCEL_AFTER_MS);
    return () => clearTimeout(timer);
  }, [running]);
  if (long && onCancel) {
    return (
      <button key="cancel" type="button" class="button querybar-run" title="Stop this search" onClick={onCancel}>
        Cancel
      </button>
    );
  }
  return (
    <button key="run" type="submit" class="button button-primary querybar-run" title="Run again (Enter)">
      Search
    </button>
  );
}

/** The one search box: coloured while typed, completed, wrong places underlined, a pasted trace id opens its trace. */
export function QueryBar({ table, query, placeholder, error, onRun, search, running = false, children }: Props): JSX.Element {
  const { text, setText, asked } = useDraft(query);
  const run = (value: string): void => {
    asked(value);
    const traceId = asTraceId(value);
    const spanId = asSpanId(value);
    if (traceId && asUuid(value)) void placeOfUuid(traceId).then((place) => navigate(place));
    else if (traceId) navigate(`/trace/${traceId}`);
    else if (spanId) void placeOfSpan(spanId).then((place) => (place ? navigate(place) : onRun(value.trim())));
    else onRun(value.trim());
  };
  const create = useCallback(
    async (root: ShadowRoot, options: EditorOptions): Promise<Editor> => (await import("../editor/query")).createQueryEditor(root, { ...options, table }),
    [table],
  );
  const invalid = error?.status === 400;
  const plain = text.trim();
  const cost = useCost(search ? table : null, plain, search?.fixed ?? ALL_TIME);
  const phone = usePhone();
  const preview = search && <CostPreview table={table} query={query} cost={cost} running={running} />;
  // What is wrong shows while it is typed, too.
  const wrongAt = plain === query && error ? error.position : cost.about === plain ? (cost.error?.position ?? null) : null;
  const at = wrongAt === null ? null : placeIn(text, wrongAt);
  return (
    <>
      <form
        class="querybar"
        role="search"
        onSubmit={(event) => {
          event.preventDefault();
          run(text);
        }}
      >
        <div class={invalid ? "query-box query-box-error" : "query-box"}>
          <Icon name="search" />
          <EditorHost key={table} id={QUERY_INPUT_ID} class="query-edit" label="Query" text={text} placeholder={placeholder} invalid={invalid} errorAt={at} onChange={setText} onEnter={run} create={create} />
          {text !== "" && (
            <button type="button" class="icon-button" aria-label="Clear the query" title="Clear" onClick={() => (setText(""), run(""))}>
              <Icon name="close" />
            </button>
          )}
          {text === "" && <kbd class="hide-phone">/</kbd>}
          {!phone && preview}
          <FilterBuilder table={table} query={text} onRun={run} />
          <SavedMenu onRun={run} />
        </div>
        {children}
        <RunButton running={running} onCancel={search?.cancel} />
        {phone && preview && <div class="cost-line">{preview}</div>}
      </form>
      <Chips table={table} query={query} onChange={onRun} />
    </>
  );
}
