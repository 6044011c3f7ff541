import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import { getJson } from "../api/client";
import type { LogPattern, PatternPage } from "../api/groups";
import type { Level } from "../api/types";
import { useApi } from "../api/use";
import { seriesColour } from "../lib/colour";
import { isAged } from "../lib/aged";
import { ago, count, percent } from "../lib/format";
import { usePhone } from "../lib/prefs";
import { setParams, usePlace } from "../lib/router";
import type { Search } from "../lib/search";
import { narrowed, templateParts } from "../lib/template";
import { toIso } from "../lib/time";
import { Icon } from "../ui/icons";
import { NewBadge } from "../ui/new";
import { NoResults } from "../ui/noresults";
import { ServiceName } from "../ui/service";
import { RunningNote } from "../ui/progress";
import { Sparkline } from "../ui/sparkline";
import { EmptyState, ErrorState, Incomplete, Progress, Skeleton } from "../ui/states";
import { VirtualList } from "../ui/virtual";

const LIMIT = 500;
const ROW = 34;
const PHONE_ROW = 76;
const HEAD = 26;
const WORST: Level[] = ["fatal", "error", "warn", "info", "debug", "trace", "unset"];

/** The formats that the texts come from: a thousand lines as a dozen, what is new marked. */
export function LogPatterns({ search }: { search: Search }): JSX.Element {
  const { params } = usePlace();
  const phone = usePhone();
  const onlyNew = params.get("new") === "1";
  // With both ends there is a period before, and so a word on what is new.
  const { start } = search.fixed;
  const end = search.fixed.end ?? (start === null ? null : toIso(search.madeAt));
  const found = useApi<PatternPage>(`patterns ${search.key}`, (signal) => getJson("/api/v1/logs/patterns", { query: search.query, start, end, limit: LIMIT }, signal));
  // Where hardly anything came before, nothing can be told to be new.
  const aged = found.data !== null && isAged(found.data);
  const rows = useMemo(() => (found.data?.patterns ?? []).filter((pattern) => !onlyNew || (aged && pattern.new === true)), [found.data, onlyNew, aged]);
  const most = rows.reduce((found, pattern) => Math.max(found, pattern.share), 0);
  if (found.error) return <ErrorState error={found.error} retry={found.reload} />;
  if (!found.data) {
    return (
      <>
        <RunningNote kind="/api/v1/logs/patterns" query={search.query} running={found.loading} />
        <Skeleton rowHeight={ROW} rows={20} />
      </>
    );
  }
  if (found.data.total === 0) return <NoResults what="logs" search={search} />;
  const use = (pattern: LogPattern, exclude: boolean): void =>
    setParams({ q: narrowed(search.query, pattern.query, exclude), view: exclude ? "patterns" : null, new: null, sel: null });
  return (
    <>
      <Progress active={found.loading} />
      <PatternHead page={aged ? found.data : { ...found.data, new_count: null }} hasBefore={found.data.since_unix_nano !== null} shown={rows.length} onlyNew={onlyNew} />
      <Incomplete answers={[found.data]} />
      {rows.length === 0 ? (
        <EmptyState title={aged ? "No new patterns" : "No data before"}>
          <p>{aged ? "All that came was seen in the period before, too." : "What is new shows once the period before has data for a tenth of its time."}</p>
        </EmptyState>
      ) : (
        <VirtualList
          key={search.key + String(onlyNew)}
          class={found.loading ? "pattern-list stale" : "pattern-list"}
          label="Patterns"
          count={rows.length}
          rowHeight={phone ? PHONE_ROW : ROW}
          headerHeight={phone ? 0 : HEAD}
          header={
            <div class="pattern-row pattern-head hide-phone" aria-hidden="true">
              <span class="number">Records</span>
              <span class="number">Share</span>
              <span>Over time</span>
              <span title="In this time range">First seen</span>
              <span>Levels</span>
              <span>Services</span>
              <span>Pattern</span>
            </div>
          }
          renderRow={(index) => {
            const pattern = rows[index];
            return pattern && <PatternRow key={pattern.template} pattern={aged ? pattern : { ...pattern, new: null }} most={most} onUse={(exclude) => use(pattern, exclude)} />;
          }}
        />
      )}
    </>
  );
}

interface HeadProps {
  page: PatternPage;
  /** Whether a period before was looked at. */
  hasBefore: boolean;
  shown: number;
  onlyNew: boolean;
}

function PatternHead({ page, hasBefore, shown, onlyNew }: HeadProps): JSX.Element {
  return (
    <div class="pattern-summary">
      <span>
        <b>{count(page.pattern_count)}</b> {page.pattern_count === 1 ? "pattern" : "patterns"} in {count(page.total)} records
        {shown < page.pattern_count && !onlyNew && <span class="muted">, the {count(shown)} most frequent</span>}
      </span>
      {((page.new_count ?? 0) > 0 || onlyNew) && (
        <button type="button" class="legend-item" aria-pressed={onlyNew} title="Only those that the period before did not have" onClick={() => setParams({ new: onlyNew ? null : "1" }, "replace")}>
          new {page.new_count !== null && <span class="muted">{count(page.new_count)}</span>}
        </button>
      )}
      {page.new_count === 0 && !onlyNew && <span class="muted">none of them new</span>}
      {page.new_count === null && hasBefore && <span class="muted" title="What is new shows once the period before has data for a tenth of its time">no data before</span>}
      {page.new_count === null && !hasBefore && <span class="muted hide-phone">What is new shows in a range with a beginning</span>}
    </div>
  );
}

interface RowProps {
  pattern: LogPattern;
  most: number;
  onUse: (exclude: boolean) => void;
}

function PatternRow({ pattern, most, onUse }: RowProps): JSX.Element {
  const [service] = pattern.services;
  const seen = `First ${pattern.first_seen}, last ${pattern.last_seen} (${ago(Date.parse(pattern.last_seen), Date.now())})`;
  return (
    <div class="pattern-row">
      <span class="number pattern-count">{count(pattern.count)}</span>
      <span class="number muted bar-cell" title={`${percent(pattern.share, 1)} of all`}>
        {percent(pattern.share, 1)}
        <i class="cell-bar" style={{ width: `${(pattern.share / Math.max(most, 1e-9)) * 100}%` }} />
      </span>
      <span class="pattern-spark" title={seen}>
        <Sparkline values={pattern.counts} label={`${count(pattern.count)} records over time`} />
      </span>
      <span class="pattern-first muted" title={seen}>
        {ago(Date.parse(pattern.first_seen), Date.now())}
      </span>
      <Levels levels={pattern.levels} total={pattern.count} />
      <span class="pattern-service">
        {service && <ServiceName name={service.service_name} />}
        {pattern.service_count > 1 && <span class="muted">+{pattern.service_count - 1}</span>}
      </span>
      <span class="pattern-text">
        <NewBadge isNew={pattern.new} />
        <button type="button" class="pattern-template" title={`${pattern.template || "no text"}\nShow these records`} onClick={() => onUse(false)}>
          {pattern.template === "" ? <i class="muted">no text</i> : templateParts(pattern.template).map((part, index) => (part.placeholder ? <i key={index}>{part.text.slice(1, -1)}</i> : part.text))}
        </button>
        <button type="button" class="icon-button pattern-not" title="Without these" aria-label={`Without the pattern ${pattern.template}`} disabled={pattern.query === ""} onClick={() => onUse(true)}>
          <Icon name="minus" size={12} />
        </button>
      </span>
    </div>
  );
}

/** Which levels, worst first, as parts of one line. */
function Levels({ levels, total }: { levels: LogPattern["levels"]; total: number }): JSX.Element {
  const present = WORST.flatMap((level) => (levels[level] ? [[level, levels[level]] as const] : []));
  const text = present.map(([level, n]) => `${level} ${count(n)}`).join(", ");
  return (
    <span class="pattern-levels" title={text}>
      <span class="sr-only">{text}</span>
      {present.map(([level, n]) => (
        <i key={level} aria-hidden="true" style={{ flexGrow: n / total, background: seriesColour("level", level) }} />
      ))}
    </span>
  );
}
