import type { ComponentChildren, JSX } from "preact";
import { useMemo } from "preact/hooks";
import type { SqlAnswer } from "../api/types";
import { distinctColours } from "../lib/colour";
import { plural } from "../lib/format";
import { barsOf, formatOf, HOWS, isNumberType, isTimeType, linesOf, wishOf, writePlace, type Bar, type ChartWish, type Lines } from "../lib/resultchart";
import { setParams, usePlace } from "../lib/router";
import { TimeChart } from "../ui/timechart";
import { VirtualList } from "../ui/virtual";

const ROW = 30;
const HOW_LABELS: Record<ChartWish["how"], string> = { sum: "sum of", mean: "mean of", max: "largest", min: "smallest" };

/** The part of the time that is looked at, as the address has it. */
function readPart(text: string | null): { from: number; to: number } | null {
  const [from, to] = (text ?? "").split("-").map(Number);
  return from !== undefined && to !== undefined && from < to ? { from, to } : null;
}

/** What the table shows, added up by any of its columns: a line for each value over time, or a bar for each. */
export function ResultChart({ answer }: { answer: SqlAnswer }): JSX.Element {
  const { params } = usePlace();
  const { columns, rows } = answer;
  const wish = useMemo(() => wishOf(params, columns, rows), [params, answer]);
  const partText = params.get("part");
  const part = readPart(partText);
  const lines = useMemo(() => linesOf(rows, wish, part), [wish, rows, partText]);
  const bars = useMemo(() => (wish.time === null ? barsOf(rows, wish) : []), [wish, rows]);
  const format = formatOf(wish.value === null ? null : (columns[wish.value]?.name ?? null));
  return (
    <>
      <Wishes answer={answer} wish={wish}>
        {part && (
          <button type="button" class="button button-small" onClick={() => setParams({ part: null }, "replace")}>
            Reset zoom
          </button>
        )}
      </Wishes>
      {wish.time === null ? (
        <Bars bars={bars} name={wish.by === null ? null : (columns[wish.by]?.name ?? null)} format={format} />
      ) : lines ? (
        <OverTime lines={lines} rows={rows.length} format={format} isCount={wish.value === null} />
      ) : (
        <p class="hint chart-none">No row has a time here.</p>
      )}
    </>
  );
}

/** What is shown of which column: each change is one of the address. */
function Wishes({ answer, wish, children }: { answer: SqlAnswer; wish: ChartWish; children: ComponentChildren }): JSX.Element {
  const { columns } = answer;
  const set = (key: string, place: string): void => setParams({ [key]: place, ...(key === "over" ? { part: null } : {}) }, "replace");
  const select = (key: string, label: string, chosen: number | null, none: string, fits: (type: string) => boolean): JSX.Element => (
    <select class="text-button" aria-label={label} value={writePlace(columns, chosen)} onChange={(event) => set(key, event.currentTarget.value)}>
      <option value="-">{none}</option>
      {columns.map((column, at) => fits(column.type) && columns.findIndex((other) => other.name === column.name) === at && (
        <option key={at} value={column.name}>
          {column.name}
        </option>
      ))}
    </select>
  );
  return (
    <div class="pattern-summary chart-wishes">
      <span class="group-by">
        {wish.value !== null && (
          <select class="text-button" aria-label="How values are put together" value={wish.how} onChange={(event) => set("how", event.currentTarget.value)}>
            {HOWS.map((how) => (
              <option key={how} value={how}>
                {HOW_LABELS[how]}
              </option>
            ))}
          </select>
        )}
        {select("value", "Value", wish.value, "number of rows", isNumberType)}
      </span>
      <span class="group-by">by {select("by", "Group by", wish.by, "nothing", () => true)}</span>
      {columns.some((column) => isTimeType(column.type)) && <span class="group-by">over {select("over", "Over", wish.time, "no time", isTimeType)}</span>}
      <span class="summary-end">
        <span class="muted">of {plural(answer.rows.length, "row")}</span>
        {children}
      </span>
    </div>
  );
}

function OverTime({ lines, rows, format, isCount }: { lines: Lines; rows: number; format: (value: number) => string; isCount: boolean }): JSX.Element {
  const colours = distinctColours("", lines.series.map((line) => line.name));
  return (
    <div class="page-scroll group-chart" tabIndex={0} role="group" aria-label="Chart of the result over time">
      <TimeChart
        title={lines.left > 0 ? `The ${lines.series.length} largest of ${lines.series.length + lines.left}` : "Over time"}
        headline={plural(rows, "row")}
        kind={isCount && lines.series.length === 1 ? "bars" : "lines"}
        height={320}
        series={lines.series.map((line, at) => ({ name: line.name, colour: colours[at] ?? "", values: line.values }))}
        startMs={lines.startMs}
        bucketMs={lines.bucketMs}
        format={format}
        onZoom={(from, to) => setParams({ part: `${Math.floor(from)}-${Math.ceil(to)}` }, "replace")}
      />
    </div>
  );
}

function Bars({ bars, name, format }: { bars: Bar[]; name: string | null; format: (value: number) => string }): JSX.Element {
  const most = Math.max(...bars.map((bar) => Math.abs(bar.value ?? 0)), 0);
  const colours = distinctColours("", bars.map((bar) => bar.name));
  return (
    <VirtualList
      label={name === null ? "Chart of the result" : `Chart of the result by ${name}`}
      count={bars.length}
      rowHeight={ROW}
      renderRow={(index) => {
        const bar = bars[index];
        return (
          bar && (
            <div key={bar.name} class="chart-bar" title={`${bar.name}: ${bar.value === null ? "no number" : format(bar.value)}, ${plural(bar.rows, "row")}`}>
              <span class="chart-bar-name">{bar.name === "" ? '""' : bar.name}</span>
              <span class="chart-bar-track" aria-hidden="true">
                {bar.value !== null && most > 0 && <i style={{ background: colours[index], width: `${Math.max(0.3, (Math.abs(bar.value) / most) * 100)}%` }} />}
              </span>
              <span class="number">{bar.value === null ? "–" : format(bar.value)}</span>
            </div>
          )
        );
      }}
    />
  );
}
