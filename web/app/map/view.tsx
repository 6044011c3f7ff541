import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import { getJson } from "../api/client";
import type { ServicePage } from "../api/types";
import { useApi } from "../api/use";
import { count, plural } from "../lib/format";
import { components, cyclicEdges, neighbourhood, type Edge } from "../lib/graph";
import { useKeys } from "../lib/keys";
import { usePhone } from "../lib/prefs";
import { setParams, usePlace } from "../lib/router";
import { useSearch } from "../lib/search";
import { useDependencies } from "../services/use-graph";
import { Icon } from "../ui/icons";
import { QUERY_INPUT_ID } from "../ui/querybar";
import { EmptyState, ErrorState, Incomplete, Progress, Skeleton } from "../ui/states";
import { TimePicker } from "../ui/timepicker";
import { Canvas } from "./canvas";
import { NodePanel } from "./panel";
import { EdgeTable } from "./table";

export interface Graph {
  nodes: string[];
  edges: Edge[];
  cyclic: Set<Edge>;
}

const LARGE = 150;
const HOPS = ["1", "2", "3"];

/** Who calls whom. A chosen service shows its neighbourhood; without one, all of them. */
export function MapView(): JSX.Element {
  const search = useSearch();
  const { params } = usePlace();
  const dependencies = useDependencies(search);
  const services = useApi<ServicePage>(`map ${search.key}`, (signal) => getJson("/api/v1/services", { start: search.fixed.start, end: search.fixed.end }, signal));
  const chosen = params.get("node");
  const hops = params.get("hops") ?? "";
  const onlyCycles = params.get("cycles") === "1";
  // No name on a map as narrow as a phone can be read.
  const usual = usePhone() ? "table" : "map";
  const table = (params.get("view") ?? usual) === "table";
  const show = (view: "map" | "table"): void => setParams({ view: view === usual ? null : view }, "replace");
  const whole = useMemo(() => graphOf((dependencies.data?.data ?? []).map((each) => ({ from: each.parent, to: each.child, calls: each.callCount }))), [dependencies.data]);
  const shown = useMemo(() => partOf(whole, { chosen, hops: Number(hops), onlyCycles, needle: search.query.toLowerCase() }), [whole, chosen, hops, onlyCycles, search.query]);
  const rates = useMemo(() => new Map((services.data?.services ?? []).map((service) => [service.service_name, service])), [services.data]);
  // In a graph that no screen holds, a chosen service shows its neighbours at once.
  const choose = (name: string | null): void => setParams({ node: name, hops: name === null ? null : hops || (whole.nodes.length > LARGE ? "1" : null) }, "replace");
  useKeys({ Escape: () => choose(null) });
  const toggle = (key: string, on: boolean, value = "1"): void => setParams({ [key]: on ? null : value }, "replace");

  return (
    <main class="view">
      <h1 class="sr-only">Service map</h1>
      <div class="querybar">
        <div class="query-box">
          <Icon name="search" />
          <input id={QUERY_INPUT_ID} class="query-input query-plain" placeholder="Find a service" aria-label="Find a service" value={search.query} onInput={(event) => setParams({ q: event.currentTarget.value }, "replace")} />
        </div>
        <TimePicker range={search.range} onChange={search.setRange} />
      </div>
      <Progress active={dependencies.loading || services.loading} />
      <div class="summary">
        <span>
          <b>{count(shown.nodes.length)}</b> {shown.nodes.length < whole.nodes.length ? `of ${count(whole.nodes.length)} services` : "services"}, {plural(shown.edges.length, "call path")}
        </span>
        <span class="legend">
          {whole.cyclic.size > 0 && (
            <button type="button" class="legend-item" aria-pressed={onlyCycles} title="Services that call each other in a circle" onClick={() => toggle("cycles", onlyCycles)}>
              <i class="swatch swatch-cycle" />
              cycles <span class="muted">{count(whole.cyclic.size)}</span>
            </button>
          )}
          {chosen &&
            HOPS.map((each) => (
              <button key={each} type="button" class="legend-item" aria-pressed={hops === each} onClick={() => toggle("hops", hops === each, each)}>
                {each === "1" ? "1 call away" : `${each} calls`}
              </button>
            ))}
        </span>
        <span class="summary-end">
          <span class="segmented" role="group" aria-label="Show as">
            <button type="button" aria-pressed={!table} onClick={() => show("map")}>
              Map
            </button>
            <button type="button" aria-pressed={table} onClick={() => show("table")}>
              Table
            </button>
          </span>
        </span>
      </div>
      <Incomplete answers={[services.data, dependencies.data && { complete: dependencies.data.complete ?? true, incomplete_reasons: dependencies.data.incomplete_reasons ?? [] }]} />
      {renderBody()}
    </main>
  );

  function renderBody(): JSX.Element {
    if (dependencies.error) return <ErrorState error={dependencies.error} retry={dependencies.reload} />;
    if (!dependencies.data) return <Skeleton rowHeight={30} rows={12} />;
    if (whole.nodes.length === 0) {
      return (
        <EmptyState title="No calls between services">
          <p>In this time range no span has a caller in another service.</p>
          <div class="state-actions">
            <a class="button" href="/services">
              All services
            </a>
            <a class="button" href="/ingest">
              Send data
            </a>
          </div>
        </EmptyState>
      );
    }
    return (
      <div class="split">
        <div class="split-main">{table ? <EdgeTable graph={shown} onChoose={choose} /> : <Canvas graph={shown} rates={rates} chosen={chosen} needle={search.query.toLowerCase()} onChoose={choose} />}</div>
        {chosen && <NodePanel name={chosen} graph={whole} service={rates.get(chosen) ?? null} range={search.range} onChoose={choose} />}
      </div>
    );
  }
}

function graphOf(edges: Edge[]): Graph {
  const nodes = [...new Set(edges.flatMap((edge) => [edge.from, edge.to]))].sort();
  return { nodes, edges, cyclic: cyclicEdges(edges, components(nodes, edges)) };
}

interface Part {
  chosen: string | null;
  hops: number;
  onlyCycles: boolean;
  needle: string;
}

/** A needle alone keeps what it matches and its neighbours; in a small graph it only marks. */
const SMALL = 60;

function partOf(whole: Graph, { chosen, hops, onlyCycles, needle }: Part): Graph {
  let { edges } = whole;
  if (onlyCycles) edges = edges.filter((edge) => whole.cyclic.has(edge));
  if (chosen && hops > 0) {
    const near = neighbourhood(chosen, edges, hops);
    edges = edges.filter((edge) => near.has(edge.from) && near.has(edge.to));
  } else if (needle !== "" && whole.nodes.length > SMALL) {
    edges = edges.filter((edge) => edge.from.toLowerCase().includes(needle) || edge.to.toLowerCase().includes(needle));
  }
  if (edges === whole.edges) return whole;
  return { nodes: [...new Set(edges.flatMap((edge) => [edge.from, edge.to]))].sort(), edges, cyclic: whole.cyclic };
}
