import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { LogPage, Timeline } from "../api/types";
import type { Loaded } from "../api/use";
import { assemble } from "../lib/assemble";
import { serviceColour } from "../lib/colour";
import { count, duration, fullTime, plural, useZone } from "../lib/format";
import { FileError, fileSpans, readResourceSpans, traceJson, type ResourceSpans } from "../lib/otlp";
import { href, setParams, usePlace } from "../lib/router";
import { createStore, useStore } from "../lib/store";
import { Icon } from "../ui/icons";
import { Progress } from "../ui/states";
import { TracePage } from "./view";

/** Text that a tab can hold several times over; more is a job for `spoor import`. */
const MAX_BYTES = 200 * 1024 * 1024;
const SHOWN = 500;

interface Opened {
  name: string;
  spans: ResourceSpans[];
  traces: Timeline[];
}

/** Outside of the page, so that going elsewhere and back finds it again. It is never sent anywhere. */
const opened = createStore<Opened | null>(null);
const NO_LOGS: Loaded<LogPage> = { data: null, error: null, loading: false, reload: () => undefined };

/** Traces of an OTLP JSON file, read in the browser: no server is asked for anything. */
export function FileView(): JSX.Element {
  const file = useStore(opened);
  const { params } = usePlace();
  const [problem, setProblem] = useState<string | null>(null);
  const [reading, setReading] = useState(false);
  const open = async (chosen: File): Promise<void> => {
    setReading(true);
    try {
      opened.set(await read(chosen));
      setProblem(null);
      setParams({ trace: null, span: null, find: null, zoom: null, toggled: null }, "replace");
    } catch (cause) {
      setProblem(cause instanceof FileError ? cause.message : `It could not be read: ${cause instanceof Error ? cause.message : String(cause)}`);
    }
    setReading(false);
  };
  const over = useDrop((chosen) => void open(chosen));
  const wanted = params.get("trace");
  const trace = file?.traces.length === 1 ? file.traces[0] : file?.traces.find((each) => each.trace_id === wanted);
  return (
    <main class={over ? "view view-drop" : "view"}>
      <Progress active={reading} />
      {file && (
        <p class="file-bar">
          <Icon name="file" />
          <b>{file.name}</b>
          <span class="muted">{plural(file.traces.length, "trace")}, read in this browser, not stored</span>
          {trace && file.traces.length > 1 && (
            <button type="button" class="text-button" onClick={() => setParams({ trace: null, span: null, find: null, zoom: null, toggled: null })}>
              All its traces
            </button>
          )}
          <button type="button" class="text-button" onClick={() => opened.set(null)}>
            Close
          </button>
        </p>
      )}
      {file && problem && (
        <p class="hint form-error" role="alert">
          {problem}
        </p>
      )}
      {file && trace ? (
        <TracePage key={trace.trace_id} trace={trace} logs={NO_LOGS} file={{ name: file.name, json: () => traceJson(file.spans, trace.trace_id) }} />
      ) : file ? (
        <TraceTable traces={file.traces} />
      ) : (
        <Choose problem={problem} onChoose={(chosen) => void open(chosen)} />
      )}
    </main>
  );
}

async function read(file: File): Promise<Opened> {
  if (file.size > MAX_BYTES) throw new FileError("It is larger than 200 MiB. `spoor import` takes files of any size.");
  const spans = readResourceSpans(await file.text());
  const traces = assemble(fileSpans(spans));
  if (traces.length === 0) throw new FileError("There are no spans in it.");
  return { name: file.name, spans, traces };
}

/** Whether a file is held over the page. */
function useDrop(onFile: (file: File) => void): boolean {
  const [over, setOver] = useState(false);
  useEffect(() => {
    const drag = (event: DragEvent): void => {
      event.preventDefault();
      setOver(event.type === "dragover");
    };
    const drop = (event: DragEvent): void => {
      event.preventDefault();
      setOver(false);
      const file = event.dataTransfer?.files[0];
      if (file) onFile(file);
    };
    window.addEventListener("dragover", drag);
    window.addEventListener("dragleave", drag);
    window.addEventListener("drop", drop);
    return () => {
      window.removeEventListener("dragover", drag);
      window.removeEventListener("dragleave", drag);
      window.removeEventListener("drop", drop);
    };
  }, []);
  return over;
}

function Choose({ problem, onChoose }: { problem: string | null; onChoose: (file: File) => void }): JSX.Element {
  return (
    <section class="state">
      <h1 class="state-title">Open a trace file</h1>
      <p>
        OTLP JSON: what <b>Download</b> on a trace’s page gives, or a collector’s file exporter writes (one document, or one a line). It is read in this browser and sent nowhere.
      </p>
      <label class="file-drop">
        <Icon name="file" size={20} />
        <span>
          Drop it here, or <b>choose a file</b>
        </span>
        <input
          type="file"
          class="sr-only"
          accept=".json,.jsonl,.ndjson,application/json"
          aria-label="Trace file"
          onChange={(event) => {
            const file = event.currentTarget.files?.[0];
            if (file) onChoose(file);
            // The same file again is a change too.
            event.currentTarget.value = "";
          }}
        />
      </label>
      {problem && (
        <p class="form-error file-problem" role="alert">
          {problem}
        </p>
      )}
    </section>
  );
}

function TraceTable({ traces }: { traces: Timeline[] }): JSX.Element {
  const zone = useZone();
  return (
    <div class="table-scroll">
      <table class="services">
        <thead>
          <tr>
            <th>Trace</th>
            <th class="hide-phone">Start</th>
            <th class="number">Duration</th>
            <th class="number">Spans</th>
            <th class="number">Errors</th>
          </tr>
        </thead>
        <tbody>
          {traces.slice(0, SHOWN).map((trace) => {
            const root = trace.spans.find((span) => span.parent_span_id === null) ?? trace.spans[0];
            return (
              <tr key={trace.trace_id} class="service-row">
                <td>
                  <a class="service-open" href={href("/open", { trace: trace.trace_id })}>
                    <i class="service-dot" style={{ background: serviceColour(root?.service_name ?? "") }} />
                    <span class="service-text">
                      {root?.service_name} {root?.name}
                    </span>
                  </a>
                </td>
                <td class="muted hide-phone">{fullTime(trace.start_time_unix_nano, zone)}</td>
                <td class="number">{duration(trace.duration_ns)}</td>
                <td class="number">{count(trace.span_count)}</td>
                <td class={trace.error_count > 0 ? "number error-text" : "number muted"}>{count(trace.error_count)}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
      {traces.length > SHOWN && <p class="hint">The first {SHOWN} of {count(traces.length)} traces.</p>}
    </div>
  );
}
