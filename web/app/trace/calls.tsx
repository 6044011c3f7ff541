import type { JSX } from "preact";
import { useMemo, useState } from "preact/hooks";
import { serviceColour } from "../lib/colour";
import { flameGraph, openNodes, type FlameNode } from "../lib/flame";
import { count, duration, percent, plural } from "../lib/format";
import { usePhone } from "../lib/prefs";
import { setParams, usePlace } from "../lib/router";
import { Icon } from "../ui/icons";
import { Choice } from "../ui/topbar";
import { VirtualList } from "../ui/virtual";
import { NAMELESS, type TraceState } from "./use-view";

const ROW = 26;
const PHONE_ROW = 46;
const HEAD = 26;
const NONE: ReadonlySet<FlameNode> = new Set();

/** Who calls what how often: spans with the same path are one row, those that took most at the top. */
export function CallTree({ state }: { state: TraceState }): JSX.Element {
  const phone = usePhone();
  const by = usePlace().params.get("tree") === "service" ? "service" : "operation";
  const top = useMemo(() => flameGraph(state.trace.spans, by), [state.trace, by]);
  const [closed, setClosed] = useState(NONE);
  const rows = useMemo(() => openNodes(top, closed), [top, closed]);
  const toggle = (node: FlameNode): void => {
    const next = new Set(closed);
    if (!next.delete(node)) next.add(node);
    setClosed(next);
  };
  const show = (node: FlameNode): void => {
    setParams({ tab: null }, "replace");
    state.select(node.example);
  };
  return (
    <>
      <Choice<"operation" | "service"> label="Calls of" value={by} options={[["operation", "Operations"], ["service", "Services"]]} onChange={(next) => setParams({ tree: next === "service" ? next : null }, "replace")} />
      <VirtualList
        key={by}
        class="call-tree"
        role="treegrid"
        label="Calls of this trace"
        count={rows.length}
        rowCount={rows.length}
        rowHeight={phone ? PHONE_ROW : ROW}
        headerHeight={phone ? 0 : HEAD}
        header={<Head by={by} />}
        renderRow={(at) => {
          const node = rows[at];
          return node && <CallRow key={`${node.example} ${node.depth}`} node={node} at={at + 1} open={!closed.has(node)} isService={by === "service"} whole={top.value_ns} onToggle={() => toggle(node)} onShow={() => show(node)} />;
        }}
      />
    </>
  );
}

function Head({ by }: { by: "operation" | "service" }): JSX.Element {
  return (
    <div class="call-row call-head hide-phone" aria-hidden="true">
      <span>{by === "service" ? "Service" : "Service and operation"}</span>
      <span class="number">{by === "service" ? "Calls" : "Spans"}</span>
      <span class="number">Errors</span>
      <span class="number" title="Own time of these spans and of all that they call">
        Total
      </span>
      <span class="number" title="Time in which none of their children ran">
        Own time
      </span>
    </div>
  );
}

interface RowProps {
  node: FlameNode;
  at: number;
  open: boolean;
  /** It is all that a service does by itself, and counts its calls. */
  isService: boolean;
  /** Own time of the whole trace. */
  whole: number;
  onToggle: () => void;
  onShow: () => void;
}

function CallRow({ node, at, open, isService, whole, onToggle, onShow }: RowProps): JSX.Element {
  const isLeaf = node.children.length === 0;
  const changes = node.parent?.service !== node.service;
  return (
    <div class="call-row" role="row" aria-level={node.depth} aria-rowindex={at} aria-expanded={isLeaf ? undefined : open} style={{ "--depth": String(node.depth - 1) }}>
      <span class="call-name" role="gridcell">
        {isLeaf ? (
          <span class="span-twist" />
        ) : (
          <button type="button" class={open ? "span-twist open" : "span-twist"} aria-label={open ? "Collapse" : `Expand ${plural(node.children.length, "call")}`} onClick={onToggle}>
            <Icon name="chevron" size={12} />
          </button>
        )}
        <i class="span-stripe" aria-hidden="true" style={{ "--service": serviceColour(node.service) }} />
        <button type="button" class="span-label" title={`${node.service}  ${node.name}\nShow one of them in the timeline`} onClick={onShow}>
          {(changes || isService) && <span class="span-service">{node.service}</span>}
          {!isService && <span class="span-name">{node.name || NAMELESS}</span>}
        </button>
      </span>
      <span class="number" role="gridcell">
        {count(node.count)}
        <span class="phone-only">
          {" "}
          {isService ? (node.count === 1 ? "call" : "calls") : node.count === 1 ? "span" : "spans"}
        </span>
      </span>
      <span class={node.errors > 0 ? "number error-text" : "number muted hide-phone"} role="gridcell">
        {count(node.errors)}
        <span class="phone-only"> failed</span>
      </span>
      <span class="number bar-cell" role="gridcell" title={`${percent(node.value_ns, whole)} of the trace`}>
        <i class="cell-bar" style={{ width: `${whole > 0 ? (node.value_ns / whole) * 100 : 0}%` }} />
        {duration(node.value_ns)}
      </span>
      <span class="number muted" role="gridcell">
        {duration(node.self_ns)}
      </span>
    </div>
  );
}
