import type { JSX } from "preact";
import { getJson } from "../api/client";
import type { LogPage, LogRecord } from "../api/types";
import { useApi } from "../api/use";
import { toggleFilter } from "../lib/query";
import { href, navigate } from "../lib/router";
import { nanosToMs, rangeAround, toIso } from "../lib/time";
import { CopyButton } from "../ui/copy";
import { LevelBadge } from "../ui/level";
import { ServiceName } from "../ui/service";
import { EmptyState, ErrorState, Incomplete, Skeleton } from "../ui/states";
import { LinesAround } from "./context";
import { LogDetail } from "./detail";
import { LogCopies } from "./panel";

const AROUND_MS = 15 * 60_000;

/** The half hour around a record. */
function hourOf(log: LogRecord): { start: string; end: string } {
  const at = nanosToMs(log.time_unix_nano);
  return { start: toIso(at - AROUND_MS), end: toIso(at + AROUND_MS) };
}

/** The time before a record up to it: then the list begins with it, however much came after. */
function upTo(log: LogRecord): { start: string | null; end: string | null } {
  const at = nanosToMs(log.time_unix_nano);
  return rangeAround(at - AROUND_MS, at + 1);
}

/** One record and what stands around it, at an address of its own. */
export function LogPageView({ id }: { id: string }): JSX.Element {
  const found = useApi<LogPage>(`log ${id}`, (signal) => getJson("/api/v1/logs", { query: `record_id:${id}`, limit: 1 }, signal));
  const log = found.data?.logs[0];
  if (found.error) return <main class="view">{<ErrorState error={found.error} retry={found.reload} />}</main>;
  if (!found.data) {
    return (
      <main class="view">
        <Skeleton rows={20} />
      </main>
    );
  }
  if (!log) {
    return (
      <main class="view">
        <Incomplete answers={[found.data]} />
        <EmptyState title="There is no such record" isPage>
          <p>It was deleted, its time of retention is over, or the address is not complete.</p>
          <div class="state-actions">
            <a class="button" href={href("/logs")}>
              Go to logs
            </a>
          </div>
        </EmptyState>
      </main>
    );
  }
  const go = (query: string, more: Record<string, string> = {}): void => navigate(href("/logs", { q: query, ...hourOf(log), ...more }));
  const filter = {
    query: "",
    toggle: (field: string, value: string, exclude: boolean) => go(toggleFilter("", field, value, exclude)),
    groupBy: (field: string) => go("", { view: "table", by: field === "service" ? "service_name" : field }),
  };
  return (
    <main class="view">
      <header class="record-head">
        <LevelBadge level={log.level} />
        <h1>
          <ServiceName name={log.service_name} />
        </h1>
        <span class="summary-end">
          <a class="text-button" href={href("/logs", { ...upTo(log), sel: log.id })} title="The list of logs, with this one at its top">
            In the list
          </a>
          <LogCopies log={log} />
          <CopyButton text={() => window.location.href} title="Copy the address of this record" icon="link" />
        </span>
      </header>
      <Incomplete answers={[found.data]} />
      <div class="record-page">
        <div class="panel-scroll record-detail" tabIndex={0} role="group" aria-label="The record">
          <LogDetail log={log} pattern={null} filter={filter} />
        </div>
        <section class="record-around" aria-label="Lines around this record">
          <h2>Lines around it</h2>
          <LinesAround log={log} hrefOf={(row) => href(`/log/${row.id}`)} />
        </section>
      </div>
    </main>
  );
}
