import type { JSX } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { getJson } from "../api/client";
import type { LogPage, LogRecord } from "../api/types";
import { useApi } from "../api/use";
import { leavesThisYear, useZone } from "../lib/format";
import { filterText } from "../lib/query";
import { fieldText } from "../lib/record";
import { nanosToMs } from "../lib/time";
import { Dialog } from "../ui/dialog";
import { LevelBadge } from "../ui/level";
import { ServiceName } from "../ui/service";
import { ErrorState, Incomplete, Skeleton } from "../ui/states";
import { RowTime } from "../ui/time";
import { oneLine } from "./row";

const STEP = 25;
const MOST = 1000;
/** Of a resource, where it runs, the narrowest first. */
export const PLACES = ["k8s.pod.name", "container.id", "host.name"];

interface Near {
  name: string;
  query: string;
}

/** Which lines count as near: of the same service, the same pod or host, the same trace, or all. */
function circles(log: LogRecord): Near[] {
  const found: Near[] = [{ name: "Service", query: filterText("service", log.service_name) }];
  const host = PLACES.map((field) => `resource.${field}`).find((field) => fieldText(log, field) !== "");
  if (host) found.push({ name: host === "resource.host.name" ? "Host" : "Pod", query: filterText(host, fieldText(log, host)) });
  if (log.trace_id) found.push({ name: "Trace", query: `trace_id:${log.trace_id}` });
  found.push({ name: "Everything", query: "" });
  return found;
}

interface Around {
  log: LogRecord;
  /** Where another record is opened. */
  hrefOf: (row: LogRecord) => string;
}

/** The lines before and after one record, over the page. */
export function LogContext({ onClose, ...around }: Around & { onClose: () => void }): JSX.Element {
  return (
    <Dialog title="Lines around this record" wide onClose={onClose}>
      <LinesAround {...around} />
    </Dialog>
  );
}

/** The lines before and after one record, whatever was searched for. */
export function LinesAround({ log, hrefOf }: Around): JSX.Element {
  const near = useMemo(() => circles(log), [log]);
  const [chosen, setChosen] = useState(0);
  const [before, setBefore] = useState(STEP);
  const [after, setAfter] = useState(STEP);
  const query = near[chosen]?.query ?? "";
  const at = log.time_unix_nano;
  // Many records may be of one moment, as where times are whole seconds: those are told apart by their ids, as the list orders them.
  const older = useApi<LogPage>(`older ${query} ${before}`, (signal) => getJson("/api/v1/logs", { query: `${query} -(time>=${at} record_id>=${log.id})`, end: String(BigInt(at) + 1n), order: "desc", limit: before }, signal));
  const newer = useApi<LogPage>(`newer ${query} ${after}`, (signal) => getJson("/api/v1/logs", { query: `${query} -(time<=${at} record_id<${log.id})`, start: at, order: "asc", limit: after + 1 }, signal));
  const error = older.error ?? newer.error;
  const rows = [...[...(older.data?.logs ?? [])].reverse(), ...(newer.data?.logs ?? [])];
  const more = (page: LogPage | null, shown: number): boolean => page?.next_cursor !== null && shown < MOST;
  return (
    <>
      <div class="segmented" role="group" aria-label="Lines of the same">
        {near.map((entry, index) => (
          <button key={entry.name} type="button" aria-pressed={index === chosen} onClick={() => setChosen(index)}>
            {entry.name}
          </button>
        ))}
      </div>
      <Incomplete answers={[older.data, newer.data]} />
      {error ? (
        <ErrorState error={error} retry={() => (older.reload(), newer.reload())} />
      ) : !older.data || !newer.data ? (
        <Skeleton rows={20} />
      ) : (
        <div class="context-lines">
          {more(older.data, before) && <More label="Earlier lines" onClick={() => setBefore(Math.min(MOST, before * 2))} />}
          <Lines rows={rows} marked={log} hrefOf={hrefOf} />
          {more(newer.data, after) && <More label="Later lines" onClick={() => setAfter(Math.min(MOST, after * 2))} />}
        </div>
      )}
    </>
  );
}

function More({ label, onClick }: { label: string; onClick: () => void }): JSX.Element {
  return (
    <button type="button" class="text-button context-more" onClick={onClick}>
      {label}
    </button>
  );
}

function Lines({ rows, marked, hrefOf }: { rows: LogRecord[]; marked: LogRecord; hrefOf: Around["hrefOf"] }): JSX.Element {
  const zone = useZone();
  const original = useRef<HTMLLIElement>(null);
  // Only what scrolls these lines, and not the page that they are part of.
  useEffect(() => {
    const line = original.current;
    const box = line?.closest(".context-lines");
    if (!line || !box) return;
    const [inner, outer] = [line.getBoundingClientRect(), box.getBoundingClientRect()];
    box.scrollTop += inner.top + inner.height / 2 - (outer.top + outer.height / 2);
  }, [marked]);
  const withYear = leavesThisYear([nanosToMs(marked.time_unix_nano)], Date.now());
  return (
    <ul>
      {rows.map((row) => {
        const here = row.id === marked.id;
        return (
          <li key={row.id} ref={here ? original : null}>
            <a class={`context-row row-${row.level}${here ? " context-here" : ""}`} aria-current={here ? "true" : undefined} href={hrefOf(row)}>
              <RowTime class="log-time" nanos={row.time_unix_nano} zone={zone} withYear={withYear} />
              <LevelBadge level={row.level} />
              <ServiceName name={row.service_name} />
              <span class="log-body" title={row.body ?? undefined}>
                {oneLine(row)}
              </span>
            </a>
          </li>
        );
      })}
    </ul>
  );
}
