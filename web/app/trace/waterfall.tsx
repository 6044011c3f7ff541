import type { JSX } from "preact";
import { useCallback, useMemo, useRef } from "preact/hooks";
import type { LogRecord } from "../api/types";
import type { VirtualHandle } from "../ui/virtual";
import { Bars, type PaintRows } from "./bars";
import { WaterfallFrame } from "./frame";
import { GroupRow } from "./group-row";
import { paintRows } from "./paint";
import { SpanRow } from "./row";
import { TickTip } from "./ticktip";
import type { TraceState } from "./use-view";

interface Props {
  state: TraceState;
  logsBySpan: Map<string, LogRecord[]>;
}

/** Spans as a tree on the left and as bars over time on the right. */
export function Waterfall({ state, logsBySpan }: Props): JSX.Element {
  const list = useRef<VirtualHandle>(null);
  const { rows, trace, selected } = state;
  const depth = useMemo(() => trace.spans.reduce((most, _, index) => Math.max(most, state.depthOf(index)), 0), [trace, state.grouping]);
  const paint: PaintRows = useCallback(
    (context, palette, geometry, first, last) => paintRows(context, state, logsBySpan, palette, geometry, first, last),
    [trace, rows, state.zoom.from, state.zoom.to, state.matchSet, state.showCritical, state.colours, logsBySpan],
  );
  return (
    <WaterfallFrame
      state={state}
      spanCount={trace.span_count}
      depth={depth}
      rowCount={rows.length}
      chosen={rows.indexOf(selected)}
      follow={rows}
      activeId={selected >= 0 ? `span-${selected}` : undefined}
      list={list}
      renderRow={(row) => {
        const index = rows[row];
        const group = index === undefined ? null : state.groupAt(index);
        if (group && index !== undefined) return <GroupRow key={index} index={index} row={row + 1} group={group} state={state} />;
        const span = index === undefined ? undefined : trace.spans[index];
        return span && index !== undefined && <SpanRow key={index} index={index} row={row + 1} span={span} state={state} />;
      }}
      renderBars={(place) => (
        <>
          <Bars place={place} paint={paint} />
          <TickTip state={state} logsBySpan={logsBySpan} place={place} />
        </>
      )}
    />
  );
}
