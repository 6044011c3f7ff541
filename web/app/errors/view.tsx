import type { JSX } from "preact";
import type { ExceptionPage, FailurePage } from "../api/groups";
import type { Loaded } from "../api/use";
import { count } from "../lib/format";
import { usePhone } from "../lib/prefs";
import { href, setParams, usePlace } from "../lib/router";
import { exceptionsStatement, failuresStatement } from "../lib/pagesql";
import { useSearch, type Search } from "../lib/search";
import { QueryBar } from "../ui/querybar";
import { RunningNote } from "../ui/progress";
import { RunAs } from "../ui/runas";
import { EmptyState, ErrorState, Incomplete, Progress, Skeleton } from "../ui/states";
import { TimePicker } from "../ui/timepicker";
import { ALL_TIME } from "../lib/time";
import { ExceptionList } from "./exceptions";
import { FailureList } from "./failures";
import { groupParams, useGroups } from "./use-groups";

const LIMIT = 100;

/** What goes wrong, laid together: where requests break, and what was thrown. */
export function ErrorsView(): JSX.Element {
  const search = useSearch();
  const { params } = usePlace();
  const phone = usePhone();
  const exceptions = params.get("tab") === "exceptions";
  const failures = useGroups<FailurePage>("failures", search.query, search, LIMIT);
  const thrown = useGroups<ExceptionPage>("exceptions", search.query, search, LIMIT);
  const found: Loaded<FailurePage | ExceptionPage> = exceptions ? thrown : failures;
  const newCount = found.data?.new_count ?? null;
  // Without a time before there is nothing to tell new from: then none is, and none is left out.
  const onlyNew = params.get("new") === "1" && newCount !== null;
  const tab = (name: string | null, label: string, number: number | undefined): JSX.Element => (
    <button type="button" role="tab" aria-selected={exceptions === (name !== null)} onClick={() => setParams({ tab: name }, "replace")}>
      {label}
      {number !== undefined && <span class="muted"> {count(number)}</span>}
    </button>
  );
  return (
    <main class="view">
      <h1 class="sr-only">Errors</h1>
      <QueryBar table="spans" query={search.query} error={found.error} onRun={search.run} placeholder={phone ? "Narrow it down" : "Narrow it down: service:checkout, http.route:/api/*, deployment.environment.name:production"}>
        <TimePicker range={search.range} onChange={search.setRange} onAgain={search.again} />
      </QueryBar>
      <Progress active={failures.loading || thrown.loading} />
      <div class="toolbar">
        <div class="tabs" role="tablist" aria-label="Errors by">
          {tab(null, "Where requests break", failures.data?.group_count)}
          {tab("exceptions", "Exceptions", thrown.data?.group_count)}
        </div>
        <span class="toolbar-end">
          {found.data && newCount === null && found.data.total > 0 && <span class="muted hide-phone">What is new shows in a range that has data before it</span>}
          {newCount !== null && (newCount > 0 || onlyNew) && (
            <button type="button" class="legend-item" aria-pressed={onlyNew} title="Only what the period before did not have" onClick={() => setParams({ new: onlyNew ? null : "1" }, "replace")}>
              new <span class="muted">{count(newCount)}</span>
            </button>
          )}
          {found.data && found.data.total > 0 && <ErrorsAs search={search} exceptions={exceptions} />}
        </span>
      </div>
      <RunningNote kind={exceptions ? "/api/v1/exceptions" : "/api/v1/failures"} query={search.query} running={found.loading} />
      <Incomplete answers={[found.data]} />
      <div class="group-scroll" tabIndex={0} role="group" aria-label={exceptions ? "Exceptions" : "Where requests break"}>
        {found.error ? <ErrorState error={found.error} retry={found.reload} /> : !found.data ? <Skeleton rowHeight={56} rows={10} /> : found.data.total === 0 ? <None search={search} /> : renderGroups()}
      </div>
    </main>
  );

  function renderGroups(): JSX.Element {
    const isShown = (group: { new: boolean | null }): boolean => !onlyNew || group.new === true;
    const groups = (thrown.data?.exceptions ?? []).filter(isShown);
    const broken = (failures.data?.failures ?? []).filter(isShown);
    if ((exceptions ? groups : broken).length === 0) return <NothingNew />;
    return exceptions ? <ExceptionList groups={groups} withService /> : <FailureList groups={broken} total={failures.data?.total ?? 0} />;
  }
}

function ErrorsAs({ search, exceptions }: { search: Search; exceptions: boolean }): JSX.Element {
  const wanted = { query: search.query, range: search.fixed, nowMs: search.madeAt };
  const request = { path: `/api/v1/${exceptions ? "exceptions" : "failures"}`, params: groupParams(search.query, search, LIMIT) };
  if (exceptions) return <RunAs request={request} statement={() => exceptionsStatement(wanted, LIMIT)} note="by type alone" />;
  return <RunAs request={request} statement={() => failuresStatement(wanted, LIMIT)} note="a trace may break in several places" />;
}

function NothingNew(): JSX.Element {
  return (
    <EmptyState title="Nothing new here">
      <p>All of this failed in the period before, too.</p>
      <div class="state-actions">
        <button type="button" class="button" onClick={() => setParams({ new: null }, "replace")}>
          Show all
        </button>
      </div>
    </EmptyState>
  );
}

function None({ search }: { search: Search }): JSX.Element {
  const narrowed = search.query !== "" || search.range.start !== null;
  return (
    <EmptyState title="Nothing failed here">
      <p>{narrowed ? "No span that matches failed in this time range." : "No span that is stored has failed."}</p>
      <div class="state-actions">
        {search.range.start !== null && (
          <button type="button" class="button" onClick={() => search.setRange(ALL_TIME)}>
            Look at all time
          </button>
        )}
        {search.query !== "" && (
          <button type="button" class="button" onClick={() => search.run("")}>
            Clear the query
          </button>
        )}
        {!narrowed && (
          <a class="button" href={href("/ingest")}>
            Send data
          </a>
        )}
      </div>
    </EmptyState>
  );
}
