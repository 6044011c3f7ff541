import type { ComponentChildren, JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { getFile, type Params } from "../api/client";
import { asApiError } from "../api/use";
import { saveFile } from "../lib/download";
import { bytes } from "../lib/format";

export interface FileFormat {
  /** As the API names it. */
  format: string;
  label: string;
  /** What the file's name ends with. */
  ending: string;
}

export const NDJSON: FileFormat = { format: "ndjson", label: "NDJSON", ending: "ndjson" };
export const CSV: FileFormat = { format: "csv", label: "CSV", ending: "csv" };
export const PARQUET: FileFormat = { format: "parquet", label: "Parquet", ending: "parquet" };

interface FileExport {
  busy: boolean;
  note: string | null;
  save: (format: FileFormat) => void;
  cancel: () => void;
}

/** Files that the server makes: all rows that match, whole or not at all. */
export function useFileExport(table: "logs" | "spans", params: Params): FileExport {
  const [state, setState] = useState<{ busy: boolean; note: string | null }>({ busy: false, note: null });
  const running = useRef<AbortController | null>(null);
  useEffect(() => () => running.current?.abort(), []);
  const save = async ({ format, label, ending }: FileFormat): Promise<void> => {
    const controller = new AbortController();
    running.current = controller;
    setState({ busy: true, note: `The server writes the ${label} file…` });
    try {
      const { blob, complete } = await getFile(`/api/v1/${table}/export`, { ...params, format }, controller.signal);
      saveFile([blob], `${table}.${ending}`, blob.type);
      setState({ busy: false, note: `${bytes(blob.size)} saved.${complete ? "" : " The server left some data out; see the banner of the list."}` });
    } catch (cause) {
      setState({ busy: false, note: controller.signal.aborted ? "Cancelled, nothing saved." : `Nothing saved: ${asApiError(cause).message}` });
    }
  };
  return { ...state, save: (format) => void save(format), cancel: () => running.current?.abort() };
}

interface RowProps {
  label: string;
  formats: readonly FileFormat[];
  disabled: boolean;
  onChoose: (format: FileFormat) => void;
  /** What else can be done with them. */
  children?: ComponentChildren;
}

export function ExportRow({ label, formats, disabled, onChoose, children }: RowProps): JSX.Element {
  return (
    <div class="choice">
      <span class="choice-label">{label}</span>
      <span class="export-formats">
        {formats.map((format) => (
          <button key={format.format} type="button" class="button button-small" disabled={disabled} onClick={() => onChoose(format)}>
            {format.label}
          </button>
        ))}
        {children}
      </span>
    </div>
  );
}

interface NoteProps {
  busy: boolean;
  note: string | null;
  onCancel: () => void;
}

export function ExportNote({ busy, note, onCancel }: NoteProps): JSX.Element | null {
  if (note === null) return null;
  return (
    <p class="hint" role="status">
      {note}{" "}
      {busy && (
        <button type="button" class="text-button" onClick={onCancel}>
          Cancel
        </button>
      )}
    </p>
  );
}
