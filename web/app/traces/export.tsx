import type { JSX } from "preact";
import type { Search } from "../lib/search";
import { CSV, ExportNote, ExportRow, NDJSON, PARQUET, useFileExport } from "../ui/export";
import { Icon } from "../ui/icons";
import { Popover } from "../ui/popover";

/** The spans that a search finds as a file. */
export function SpanExport({ search }: { search: Search }): JSX.Element {
  return (
    <Popover button={<><Icon name="download" /><span class="hide-narrow">Export</span></>} title="Export" buttonClass="text-button">
      {() => <ExportPanel search={search} />}
    </Popover>
  );
}

function ExportPanel({ search }: { search: Search }): JSX.Element {
  const asked = { query: search.query, start: search.fixed.start, end: search.fixed.end };
  const file = useFileExport("spans", asked);
  return (
    <div class="export-panel">
      <ExportRow label="All spans that match" formats={[NDJSON, CSV, PARQUET]} disabled={file.busy} onChoose={file.save} />
      <ExportNote busy={file.busy} note={file.note} onCancel={file.cancel} />
    </div>
  );
}
