import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { getJson } from "../api/client";
import type { LogPage, LogRecord } from "../api/types";
import { asApiError } from "../api/use";
import { saveFile } from "../lib/download";
import { count } from "../lib/format";
import { csvHeader, toCsv, toNdjson, toTsv } from "../lib/record";
import type { Search } from "../lib/search";
import { CSV, ExportNote, ExportRow, NDJSON, PARQUET, useFileExport, type FileFormat } from "../ui/export";
import { CopyButton } from "../ui/copy";
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

export function ExportMenu(props: Props): JSX.Element {
  return (
    <Popover button={<><Icon name="download" /><span class="hide-narrow">Export</span></>} title="Export" buttonClass="text-button">
      {() => <ExportPanel {...props} />}
    </Popover>
  );
}

function ExportPanel({ rows, columns, search, order, total }: Props): JSX.Element {
  const [state, setState] = useState<{ busy: boolean; note: string | null }>({ busy: false, note: null });
  const running = useRef<AbortController | null>(null);
  useEffect(() => () => running.current?.abort(), []);
  const asked = { query: search.query, start: search.fixed.start, end: search.fixed.end, order };
  const file = useFileExport("logs", asked);
  const busy = state.busy || file.busy;

  /** Follows the cursor to the end: what the list would show, and no more than that. */
  const saveAll = async (format: FileFormat): Promise<void> => {
    const controller = new AbortController();
    running.current = controller;
    setState({ busy: true, note: "0 so far" });
    const parts: string[] = format === CSV ? [csvHeader(columns)] : [];
    let cursor: string | null = null;
    let done = 0;
    let complete = true;
    try {
      do {
        const params = { ...asked, end: asked.end ?? new Date().toISOString(), cursor, limit: PAGE };
        const page: LogPage = await getJson<LogPage>("/api/v1/logs", params, controller.signal);
        parts.push(textOf(format, page.logs, columns));
        done += page.logs.length;
        complete &&= page.complete;
        cursor = page.next_cursor;
        setState({ busy: true, note: `${count(done)} so far` });
      } while (cursor !== null && done < MAX_RECORDS);
      save(format, parts);
      const cut = cursor !== null ? ` Stopped at ${count(MAX_RECORDS)}: Parquet has no such limit.` : "";
      setState({ busy: false, note: `${count(done)} records saved.${cut}${complete ? "" : " The server left some data out; see the banner of the list."}` });
    } catch (cause) {
      setState({ busy: false, note: controller.signal.aborted ? "Cancelled, nothing saved." : `Nothing saved: ${asApiError(cause).message}` });
    }
  };
  const saveLoaded = (format: FileFormat): void => save(format, [format === CSV ? csvHeader(columns) : "", textOf(format, rows, columns)]);
  return (
    <div class="export-panel">
      <ExportRow label={`The ${count(rows.length)} loaded`} formats={[NDJSON, CSV]} disabled={busy} onChoose={saveLoaded}>
        <CopyButton class="button button-small" label="Copy table" title="Copy the loaded rows as a table, for a spreadsheet" text={() => toTsv(rows, columns)} />
      </ExportRow>
      <ExportRow label={total === null ? "All that match" : `All ${count(total)} that match`} formats={[NDJSON, CSV, PARQUET]} disabled={busy} onChoose={(format) => (format === PARQUET ? file.save(format) : void saveAll(format))} />
      <ExportNote busy={state.busy} note={state.note} onCancel={() => running.current?.abort()} />
      <ExportNote busy={file.busy} note={file.note} onCancel={file.cancel} />
    </div>
  );
}

const textOf = (format: FileFormat, logs: readonly LogRecord[], columns: readonly string[]): string => (format === CSV ? toCsv(logs, columns) : toNdjson(logs));
const save = ({ ending }: FileFormat, parts: string[]): void => saveFile(parts, `logs.${ending}`, ending === "csv" ? "text/csv" : "application/x-ndjson");
