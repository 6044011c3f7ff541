import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { getJson } from "../api/client";
import type { LogPage, LogRecord } from "../api/types";
import { asApiError } from "../api/use";
import { saveFile } from "../lib/download";
import { count } from "../lib/format";
import { csvHeader, toCsv, toNdjson } from "../lib/record";
import type { Search } from "../lib/search";
import { Icon } from "../ui/icons";
import { Popover } from "../ui/popover";

const PAGE = 5000;
/** Text held in the browser until it is saved; more is a job for SQL's streams. */
const MAX_RECORDS = 500_000;

interface Props {
  rows: LogRecord[];
  columns: string[];
  search: Search;
  order: "asc" | "desc";
  total: number | null;
}

type Format = "ndjson" | "csv";

export function ExportMenu(props: Props): JSX.Element {
  return (
    <Popover button={<><Icon name="download" /><span class="hide-narrow">Export</span></>} title="Export" buttonClass="text-button">
      {() => <ExportPanel {...props} />}
    </Popover>
  );
}

function ExportPanel({ rows, columns, search, order, total }: Props): JSX.Element {
  const [state, setState] = useState<{ done: number; note: string | null }>({ done: 0, note: null });
  const running = useRef<AbortController | null>(null);
  const [busy, setBusy] = useState(false);
  useEffect(() => () => running.current?.abort(), []);

  /** Follows the cursor to the end: what the list would show, and no more than that. */
  const saveAll = async (format: Format): Promise<void> => {
    const controller = new AbortController();
    running.current = controller;
    setBusy(true);
    setState({ done: 0, note: null });
    const parts: string[] = format === "csv" ? [csvHeader(columns)] : [];
    let cursor: string | null = null;
    let done = 0;
    let complete = true;
    try {
      do {
        const params = { query: search.query, start: search.fixed.start, end: search.fixed.end ?? new Date().toISOString(), order, cursor, limit: PAGE };
        const page: LogPage = await getJson<LogPage>("/api/v1/logs", params, controller.signal);
        parts.push(textOf(format, page.logs, columns));
        done += page.logs.length;
        complete &&= page.complete;
        cursor = page.next_cursor;
        setState({ done, note: null });
      } while (cursor !== null && done < MAX_RECORDS);
      save(format, parts);
      const cut = cursor !== null ? ` Stopped at ${count(MAX_RECORDS)}.` : "";
      setState({ done, note: `${count(done)} records saved.${cut}${complete ? "" : " The server left some data out; see the banner of the list."}` });
    } catch (cause) {
      setState({ done, note: controller.signal.aborted ? "Cancelled, nothing saved." : `Nothing saved: ${asApiError(cause).message}` });
    }
    setBusy(false);
  };
  const saveLoaded = (format: Format): void => save(format, [format === "csv" ? csvHeader(columns) : "", textOf(format, rows, columns)]);
  return (
    <div class="export-panel">
      <ExportRow label={`The ${count(rows.length)} loaded`} disabled={busy} onChoose={saveLoaded} />
      <ExportRow label={total === null ? "All that match" : `All ${count(total)} that match`} disabled={busy} onChoose={(format) => void saveAll(format)} />
      {busy && (
        <p class="hint">
          {count(state.done)} so far{" "}
          <button type="button" class="text-button" onClick={() => running.current?.abort()}>
            Cancel
          </button>
        </p>
      )}
      {state.note && (
        <p class="hint" role="status">
          {state.note}
        </p>
      )}
    </div>
  );
}

function ExportRow({ label, disabled, onChoose }: { label: string; disabled: boolean; onChoose: (format: Format) => void }): JSX.Element {
  return (
    <div class="choice">
      <span class="choice-label">{label}</span>
      <span class="export-formats">
        <button type="button" class="button button-small" disabled={disabled} onClick={() => onChoose("ndjson")}>
          NDJSON
        </button>
        <button type="button" class="button button-small" disabled={disabled} onClick={() => onChoose("csv")}>
          CSV
        </button>
      </span>
    </div>
  );
}

const textOf = (format: Format, logs: readonly LogRecord[], columns: readonly string[]): string => (format === "csv" ? toCsv(logs, columns) : toNdjson(logs));
const save = (format: Format, parts: string[]): void => saveFile(parts, `logs.${format}`, format === "csv" ? "text/csv" : "application/x-ndjson");
