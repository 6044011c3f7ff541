import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import { getJson } from "../api/client";
import type { Histogram } from "../api/types";
import { useApi } from "../api/use";
import { EXISTS } from "../lib/fields";
import { distinctColours, seriesColour } from "../lib/colour";
import { count, percent, plural } from "../lib/format";
import { groupsOf, groupTsv, type Group } from "../lib/groups";
import { usePhone } from "../lib/prefs";
import { hasFilter } from "../lib/query";
import { setParams } from "../lib/router";
import type { Search } from "../lib/search";
import { nanosToMs, rangeAround } from "../lib/time";
import { CopyButton } from "../ui/copy";
import { Icon } from "../ui/icons";
import { NoResults } from "../ui/noresults";
import { RunningNote } from "../ui/progress";
import { Sparkline } from "../ui/sparkline";
import { ErrorState, Incomplete, Progress, Skeleton } from "../ui/states";
import { TimeChart } from "../ui/timechart";
import { VirtualList } from "../ui/virtual";
import { FieldSelect } from "./fieldselect";

const LIMIT = 500;
const BUCKETS = 60;
const ROW = 30;
const PHONE_ROW = 52;
const HEAD = 26;
/** More lines than can be told apart. */
const MOST_LINES = 12;

interface Props {
  search: Search;
  /** The field that is counted by. */
  by: string;
  chart: boolean;
}

/** What the search finds, counted by a field: as a table of its values, or as a line for each. */
export function LogGroups({ search, by, chart }: Props): JSX.Element {
  const phone = usePhone();
  const { start, end } = search.fixed;
  const found = useApi<Histogram>(search.cancelled ? null : `groups ${by} ${search.key}`, (signal) => getJson("/api/v1/logs/histogram", { query: search.query, start, end, by, buckets: BUCKETS, limit: LIMIT }, signal));
  const groups = useMemo(() => (found.data ? groupsOf(found.data) : []), [found.data]);
  if (found.error) return <ErrorState error={found.error} retry={found.reload} />;
  if (!found.data) {
    return (
      <>
        <RunningNote kind="/api/v1/logs/histogram" query={search.query} running={found.loading} />
        <Skeleton rowHeight={ROW} rows={20} />
      </>
    );
  }
  if (found.data.total === 0) return <NoResults what="logs" search={search} />;
  const field = by === "service_name" ? "service" : by;
  return (
    <>
      <Progress active={found.loading} />
      <div class="pattern-summary">
        <span class="group-by">
          by <FieldSelect by={by} label="Group by" onChange={(next) => setParams({ by: next }, "replace")} />
        </span>
        <span>
          <b>{plural(groups.filter((group) => group.plain).length, "value")}</b>
          {groups.some((group) => group.name === "(other)") && <span class="muted">, the most frequent</span>}
        </span>
        <span class="summary-end">
          <CopyButton class="text-button" label="Copy table" title="Copy table, for a spreadsheet" text={() => groupTsv(field, groups)} />
        </span>
      </div>
      <Incomplete answers={[found.data]} />
      {chart ? (
        <GroupChart data={found.data} by={by} groups={groups} search={search} />
      ) : (
        <VirtualList
          key={`${by} ${search.key}`}
          class={found.loading ? "stale" : ""}
          label={`Records by ${field}`}
          count={groups.length}
          rowHeight={phone ? PHONE_ROW : ROW}
          headerHeight={phone ? 0 : HEAD}
          header={
            <div class="count-row pattern-head hide-phone" aria-hidden="true">
              <span class="number">Records</span>
              <span class="number">Share</span>
              <span>Over time</span>
              <span>{field}</span>
            </div>
          }
          renderRow={(index) => {
            const group = groups[index];
            return group && <GroupRow key={group.name} group={group} by={by} field={field} most={groups[0]?.count ?? 1} total={found.data?.total ?? 1} search={search} />;
          }}
        />
      )}
    </>
  );
}

interface RowProps {
  group: Group;
  by: string;
  field: string;
  most: number;
  total: number;
  search: Search;
}

function GroupRow({ group, by, field, most, total, search }: RowProps): JSX.Element {
  // Those without the field are found by asking for it.
  const [name, value, isNone] = group.name === "(none)" ? [EXISTS, field, true] : [field, group.name, false];
  const usable = group.plain || isNone;
  const included = usable && hasFilter(search.query, name, value, isNone);
  const text = isNone ? "without it" : group.name === "" ? '""' : group.name;
  return (
    <div class="count-row">
      <span class="number pattern-count">{count(group.count)}</span>
      <span class="number muted bar-cell">
        {percent(group.count, total)}
        <i class="cell-bar" style={{ width: `${(group.count / Math.max(most, 1)) * 100}%` }} />
      </span>
      <span class="pattern-spark hide-phone">
        <Sparkline values={group.counts} label={`${count(group.count)} records over time`} />
      </span>
      <span class="count-value">
        <i class="swatch" style={{ background: seriesColour(by, group.name) }} />
        <button type="button" class={group.plain ? "count-text" : "count-text count-rest"} disabled={!usable} aria-pressed={included} title={usable ? `Only these: ${text}` : "All values that have no row of their own"} onClick={() => search.toggle(name, value, isNone)}>
          {group.name === "(other)" ? "all others" : text}
        </button>
        {usable && (
          <>
            <button type="button" class="icon-button count-act" title="Show their lines" aria-label={`Lines of ${text}`} onClick={() => setParams({ q: search.withFilter(name, value, isNone), view: null, sel: null })}>
              <Icon name="list" size={12} />
            </button>
            <button type="button" class="icon-button count-act" title="Without these" aria-label={`Without ${text}`} onClick={() => search.toggle(name, value, !isNone)}>
              <Icon name="minus" size={12} />
            </button>
          </>
        )}
      </span>
    </div>
  );
}

function GroupChart({ data, by, groups, search }: { data: Histogram; by: string; groups: Group[]; search: Search }): JSX.Element {
  const lines = groups.filter((group) => group.name !== "(other)").slice(0, MOST_LINES);
  const colours = distinctColours(by, lines.map((group) => group.name));
  return (
    <div class="page-scroll group-chart" tabIndex={0} role="group" aria-label={`Chart of records by ${by}`}>
      <TimeChart
        title={lines.length < groups.length ? `The ${lines.length} most frequent` : "Records"}
        headline={count(data.total)}
        kind="lines"
        height={320}
        series={lines.map((group, at) => ({ name: group.name === "(none)" ? "without it" : group.name, colour: colours[at] ?? "", values: group.counts }))}
        startMs={nanosToMs(data.start_unix_nano)}
        bucketMs={data.bucket_ns / 1e6}
        format={count}
        onZoom={(from, to) => search.setRange(rangeAround(from, to))}
      />
    </div>
  );
}
