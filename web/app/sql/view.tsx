import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { postFile, postJson, type ApiError } from "../api/client";
import type { SqlAnswer } from "../api/types";
import { asApiError, cancelledError, useApi } from "../api/use";
import { EditorHost } from "../editor/host";
import type { EditorOptions, Schema, SqlEditor } from "../editor/types";
import { saveFile } from "../lib/download";
import { placeIn, useDraft } from "../lib/draft";
import { count, plural } from "../lib/format";
import { setParams, usePlace } from "../lib/router";
import { rememberQuery } from "../lib/saved";
import { QUERY_INPUT_ID } from "../ui/querybar";
import { RunningNote } from "../ui/progress";
import { RunAs } from "../ui/runas";
import { SavedMenu } from "../ui/saved";
import { EmptyState, ErrorState, Incomplete, Progress, Skeleton } from "../ui/states";
import { say } from "../ui/toast";
import { SchemaBrowser } from "./browser";
import { ResultChart } from "./chart";
import { ResultColumnsMenu, useResultColumns } from "./columns";
import { ExplainView, explained } from "./explain";
import { ResultTable } from "./result";
import { useSchema, type Table } from "./schema";

const EXAMPLES: [string, string][] = [
  ["Slowest operations", "SELECT service_name, name, count(*) AS spans,\n       approx_percentile_cont(duration_ns, 0.95) / 1e6 AS p95_ms\nFROM spans\nGROUP BY service_name, name\nORDER BY p95_ms DESC\nLIMIT 50"],
  ["Errors by service", "SELECT service_name, count(*) AS errors\nFROM logs\nWHERE severity_number >= 17\nGROUP BY service_name\nORDER BY errors DESC"],
  ["Lines with a phrase", "SELECT time, service_name, body\nFROM logs\nWHERE matches(body, 'timeout')\nORDER BY time DESC\nLIMIT 100"],
];

const NOTHING_CHOSEN = { cols: null, value: null, how: null, by: null, over: null, part: null };

/** SQL over spans and logs: statement, schema beside it, result below. The statement stands in the address. */
export function SqlView(): JSX.Element {
  const { params } = usePlace();
  const query = params.get("q") ?? "";
  const { text, setText, asked } = useDraft(query);
  const [runs, setRuns] = useState(0);
  const editor = useRef<SqlEditor | null>(null);
  const schema = useSchema();
  // The run that somebody did not wait for.
  const [cancelled, setCancelled] = useState<string | null>(null);
  const thisRun = `${query}#${runs}`;
  const isCancelled = cancelled === thisRun;
  const result = useApi<SqlAnswer>(query === "" || isCancelled ? null : thisRun, (signal) => postJson("/api/v1/sql", { query }, signal));
  const run = (statement: string): void => {
    const next = statement.trim();
    if (next === "") return;
    rememberQuery("/sql", next);
    asked(statement);
    if (next === query) setRuns(runs + 1);
    // What was chosen of other columns says nothing of these.
    else setParams({ q: next, ...NOTHING_CHOSEN });
  };
  const columns = useResultColumns(result.data);
  const isChart = params.get("view") === "chart";
  const hasRows = result.data !== null && query !== "" && !result.data.scans && result.data.rows.length > 0;
  const error = isCancelled ? cancelledError() : result.error;
  return (
    <main class="view">
      <h1 class="sr-only">SQL</h1>
      <Progress active={result.loading} />
      <div class="split">
        {schema.data && <SchemaBrowser tables={schema.data} onPick={(name) => editor.current?.insert(name)} />}
        <div class="split-main">
          <div class="sql-box">
            <Statement text={text} schema={schema.data} error={error && text.trim() === query ? error : null} onChange={setText} onRun={run} onReady={(made) => (editor.current = made)} />
          </div>
          <div class="summary">
            <button type="button" class="button button-primary button-small" title="Ctrl Enter" onClick={() => run(text)}>
              Run
            </button>
            <button type="button" class="button button-small" title="What it would read, and why" disabled={text.trim() === ""} onClick={() => run(explained(text, false))}>
              Explain
            </button>
            <SavedMenu onRun={run} align="start" />
            {result.data && query !== "" && !result.data.scans && (
              <span class="muted">
                {plural(result.data.rows.length, "row")}
                {result.data.elapsed_ms !== undefined && `, ${count(result.data.elapsed_ms)} ms`}
              </span>
            )}
            {result.data && query !== "" && (
              <span class="summary-end">
                {hasRows && <ResultAs chart={isChart} />}
                {hasRows && !isChart && (
                  <span class="hide-phone">
                    <ResultColumnsMenu answer={result.data} columns={columns} />
                  </span>
                )}
                <Export query={query} />
              </span>
            )}
          </div>
          <RunningNote kind="/api/v1/sql" query={query} running={result.loading} onCancel={() => setCancelled(thisRun)} />
          <Incomplete answers={[query === "" ? null : result.data]} />
          {query === "" ? (
            <Examples onRun={run} />
          ) : error ? (
            <ErrorState error={error} retry={() => setRuns(runs + 1)} />
          ) : result.data?.scans ? (
            <ExplainView key={`${query}#${runs}`} answer={result.data} scans={result.data.scans} statement={query} onRun={run} />
          ) : result.data ? (
            result.data.rows.length === 0 ? (
              <EmptyState title="No rows">
                <p>The statement was understood; nothing answers to it.</p>
              </EmptyState>
            ) : isChart ? (
              <ResultChart answer={result.data} />
            ) : (
              <ResultTable key={`${query}#${runs}`} answer={result.data} columns={columns} />
            )
          ) : (
            <Skeleton rowHeight={24} />
          )}
        </div>
      </div>
    </main>
  );
}

/** How the rows are shown: the statement stays, and is not run again. */
function ResultAs({ chart }: { chart: boolean }): JSX.Element {
  return (
    <span class="segmented" role="group" aria-label="Show as">
      <button type="button" aria-pressed={!chart} onClick={() => setParams({ view: null }, "replace")}>
        Table
      </button>
      <button type="button" aria-pressed={chart} title="Its rows, added up by any of its columns" onClick={() => setParams({ view: "chart" }, "replace")}>
        Chart
      </button>
    </span>
  );
}

interface StatementProps {
  text: string;
  schema: Table[] | null;
  error: ApiError | null;
  onChange: (text: string) => void;
  onRun: (text: string) => void;
  onReady: (editor: SqlEditor) => void;
}

const createEditor = async (root: ShadowRoot, options: EditorOptions): Promise<SqlEditor> => (await import("../editor/sql")).createSqlEditor(root, options);

function Statement({ text, schema, error, onChange, onRun, onReady }: StatementProps): JSX.Element {
  const [made, setMade] = useState<SqlEditor | null>(null);
  // The editor stays the same one: what is typed while the columns are on their way goes nowhere else.
  useEffect(() => {
    if (schema) made?.setSchema(namesIn(schema));
  }, [made, schema]);
  return (
    <EditorHost
      id={QUERY_INPUT_ID}
      class="sql-editor"
      label="SQL statement"
      multiline
      text={text}
      placeholder="SELECT … FROM spans or logs, Ctrl Enter runs it"
      invalid={error?.status === 400}
      errorAt={error === null || error.position === null ? null : placeIn(text, error.position)}
      onChange={onChange}
      onEnter={onRun}
      onReady={(editor) => {
        setMade(editor);
        onReady(editor);
      }}
      create={createEditor}
    />
  );
}

const namesIn = (tables: Table[]): Schema => Object.fromEntries(tables.map((table) => [table.name, [...table.columns, ...table.attributes].map((column) => column.name)]));

function Examples({ onRun }: { onRun: (query: string) => void }): JSX.Element {
  return (
    <EmptyState title="Ask in SQL">
      <p>
        The tables are <code>spans</code> and <code>logs</code>, and, computed from them, <code>traces</code>, <code>services</code> and <code>service_edges</code>. Attributes are columns in quotes: <code>"attributes.http.route"</code>.
      </p>
      <div class="state-actions">
        {EXAMPLES.map(([name, query]) => (
          <button key={name} type="button" class="button" onClick={() => onRun(query)}>
            {name}
          </button>
        ))}
      </div>
    </EmptyState>
  );
}

/** The whole answer as a file: streamed by the server, not cut at the rows of the table. */
function Export({ query }: { query: string }): JSX.Element {
  const [busy, setBusy] = useState(false);
  const save = async (accept: string, name: string): Promise<void> => {
    setBusy(true);
    try {
      const { blob, complete } = await postFile("/api/v1/sql", { query }, accept);
      saveFile([blob], name, accept);
      say(complete ? "Saved" : "Saved, but the server had to leave some data out");
    } catch (cause) {
      say(`Not saved: ${asApiError(cause).message}`);
    }
    setBusy(false);
  };
  return (
    <>
      <RunAs isSql statement={() => query} />
      <button type="button" class="button button-small" disabled={busy} onClick={() => void save("text/csv", "result.csv")}>
        CSV
      </button>
      <button type="button" class="button button-small" disabled={busy} onClick={() => void save("application/x-ndjson", "result.ndjson")}>
        NDJSON
      </button>
      <button type="button" class="button button-small hide-phone" disabled={busy} onClick={() => void save("application/vnd.apache.parquet", "result.parquet")}>
        Parquet
      </button>
    </>
  );
}
