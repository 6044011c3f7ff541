import type { JSX } from "preact";
import { useMemo, useRef } from "preact/hooks";
import { getJson } from "../api/client";
import type { Comparison } from "../api/types";
import { useApi } from "../api/use";
import { axisOf, byDifference, compareRows, onlyDifferences, sideNames, type Row } from "../lib/compare";
import { count } from "../lib/format";
import { useKeys } from "../lib/keys";
import { usePhone } from "../lib/prefs";
import { href, navigate, setParams, usePlace } from "../lib/router";
import { EmptyState, ErrorState, Incomplete, Progress, Skeleton, withCode } from "../ui/states";
import { VirtualList, type VirtualHandle } from "../ui/virtual";
import { CompareForm } from "./form";
import { CompareHeader } from "./header";
import { GroupPanel } from "./panel";
import { CompareHead, COMPARE_ROW, GroupRow, OWN, PHONE_COMPARE_ROW, WHOLE, type Measure } from "./row";

const SHOWS = [
  ["differences", "Differences"],
  ["all", "All spans"],
  ["largest", "Largest first"],
] as const;
type Show = (typeof SHOWS)[number][0];

/** Two traces laid over each other; which ones stands in the address. */
export function CompareView(): JSX.Element {
  const { params } = usePlace();
  const left = params.get("left") ?? "";
  const right = params.get("right") ?? "";
  const both = left !== "" && right !== "";
  const found = useApi<Comparison>(both ? `compare ${left} ${right}` : null, (signal) => getJson("/api/v1/traces/compare", { left, right }, signal));
  return (
    <main class="view">
      <Progress active={found.loading} />
      {!both ? (
        <CompareForm left={left} right={right} />
      ) : found.error ? (
        <>
          <CompareForm left={left} right={right} />
          {found.error.status === 404 ? (
            <EmptyState title="There is nothing to compare with">
              <p>{withCode(found.error.message)}</p>
              {found.error.hint && <p>{withCode(found.error.hint)}</p>}
            </EmptyState>
          ) : (
            <ErrorState error={found.error} retry={found.reload} />
          )}
        </>
      ) : found.data ? (
        <Loaded found={found.data} />
      ) : (
        <Skeleton rowHeight={COMPARE_ROW} rows={24} />
      )}
    </main>
  );
}

function Loaded({ found }: { found: Comparison }): JSX.Element {
  const { params } = usePlace();
  const phone = usePhone();
  const list = useRef<VirtualHandle>(null);
  const show: Show = SHOWS.find(([name]) => name === params.get("show"))?.[0] ?? "differences";
  const all = useMemo(() => compareRows(found), [found]);
  const rows = useMemo(() => (show === "all" ? all : show === "largest" ? byDifference(all) : onlyDifferences(all)), [all, show]);
  // In a list without its tree only own time adds up.
  const measure: Measure = show === "largest" ? OWN : WHOLE;
  const scale = useMemo(() => scaleOf(all, measure), [all, measure]);
  const axis = useMemo(() => axisOf(found), [found]);
  const names = sideNames(found);
  const chosen = params.get("group");
  const at = chosen === null ? -1 : rows.findIndex((row) => row.index === Number(chosen));
  const selected = at >= 0 ? rows[at] : undefined;
  const select = (index: number): void => {
    const row = rows[index];
    setParams({ group: row ? String(row.index) : null }, "replace");
    if (row) list.current?.show(index);
  };
  const step = (by: number): void => select(at === -1 ? 0 : Math.min(rows.length - 1, Math.max(0, at + by)));
  const swap = (): void => navigate(href("/compare", { left: params.get("right"), right: params.get("left"), show: params.get("show") }), "replace");
  useKeys({ j: () => step(1), ArrowDown: () => step(1), k: () => step(-1), ArrowUp: () => step(-1), x: swap, Escape: () => select(-1) });
  return (
    <>
      <CompareHeader found={found} onSwap={swap} />
      <Incomplete answers={[found]} />
      <div class="toolbar">
        <div class="tabs" role="tablist" aria-label="Which spans">
          {SHOWS.map(([name, label]) => (
            <button key={name} type="button" role="tab" aria-selected={name === show} onClick={() => setParams({ show: name === "differences" ? null : name }, "replace")}>
              {label}
              {name === "all" && <span class="muted"> {count(all.length)}</span>}
            </button>
          ))}
        </div>
      </div>
      <div class="split">
        <div class="split-main">
          {rows.length === 0 ? (
            <EmptyState title="No difference worth a look">
              <p>The same spans were called in both, none took more than a hundredth of the trace longer, and none failed in one alone.</p>
              <div class="state-actions">
                <button type="button" class="button" onClick={() => setParams({ show: "all" }, "replace")}>
                  Show all spans
                </button>
              </div>
            </EmptyState>
          ) : (
            <VirtualList
              key={show}
              handle={list}
              class="compare-list"
              role="treegrid"
              label="Spans of both traces"
              count={rows.length}
              rowCount={rows.length}
              rowHeight={phone ? PHONE_COMPARE_ROW : COMPARE_ROW}
              header={<CompareHead names={names} measure={measure} axis={axis} />}
              headerHeight={phone ? 0 : 26}
              activeId={selected ? `group-${selected.index}` : undefined}
              renderRow={(index) => {
                const row = rows[index];
                return row && <GroupRow key={row.index} row={row} names={names} callerService={all[row.group.parent_index ?? -1]?.group.service_name ?? null} at={index + 1} measure={measure} scale={scale} axis={axis} selected={row === selected} onOpen={() => select(index)} />;
              }}
            />
          )}
        </div>
        {selected && <GroupPanel key={selected.index} row={selected} found={found} onClose={() => select(-1)} />}
      </div>
    </>
  );
}

function scaleOf(rows: Row[], measure: Measure): { time: number; delta: number } {
  let [time, delta] = [1, 1];
  for (const row of rows) {
    time = Math.max(time, row.group.left?.[measure.of] ?? 0, row.group.right?.[measure.of] ?? 0);
    delta = Math.max(delta, Math.abs(row[measure.delta]));
  }
  return { time, delta };
}
