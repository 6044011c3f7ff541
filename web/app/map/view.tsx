import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import { getJson } from "../api/client";
import type { ServicePage } from "../api/types";
import { useApi } from "../api/use";
import { count, plural } from "../lib/format";
import { useKeys } from "../lib/keys";
import { callsStatement } from "../lib/pagesql";
import { usePhone } from "../lib/prefs";
import { href, setParams, usePlace } from "../lib/router";
import { useSearch, type Search } from "../lib/search";
import { ALL_TIME } from "../lib/time";
import { useServiceGraph } from "../services/use-graph";
import { Icon } from "../ui/icons";
import { QUERY_INPUT_ID } from "../ui/querybar";
import { RunningNote } from "../ui/progress";
import { RunAs } from "../ui/runas";
import { EmptyState, ErrorState, Incomplete, Progress, Skeleton } from "../ui/states";
import { TimePicker } from "../ui/timepicker";
import { Canvas } from "./canvas";
import { CyclePanel } from "./cycles";
import { CallPanel } from "./call";
import { graphOf, partOf, type Call, type Graph } from "./graph";
import { NodePanel } from "./panel";
import { EdgeTable } from "./table";

const NOTHING: Graph = { nodes: [], edges: [], cyclic: new Set(), others: new Map() };
const LARGE = 150;
const HOPS = ["1", "2", "3"];

/** Who calls whom. A chosen service shows its neighbourhood; without one, all of them. */
export function MapView(): JSX.Element {
  const search = useSearch();
  const { params } = usePlace();
  const answer = useServiceGraph(search);
  const withOthers = params.get("inferred") !== "0";
  const services = useApi<ServicePage>(`map ${search.key}`, (signal) => getJson("/api/v1/services", { start: search.fixed.start, end: search.fixed.end }, signal));
  const chosen = params.get("node");
  const hops = params.get("hops") ?? "";
  const onlyCycles = params.get("cycles") === "1";
  const onlyFailing = params.get("failing") === "1";
  // A map as narrow as a phone has room for few names.
  const usual = usePhone() ? "table" : "map";
  const table = (params.get("view") ?? usual) === "table";
  const show = (view: "map" | "table"): void => setParams({ view: view === usual ? null : view }, "replace");
  const whole = useMemo<Graph>(() => (answer.data ? graphOf(answer.data, withOthers) : NOTHING), [answer.data, withOthers]);
  const shown = useMemo(() => partOf(whole, { chosen, hops: Number(hops), onlyCycles, onlyFailing, needle: search.query.toLowerCase() }), [whole, chosen, hops, onlyCycles, onlyFailing, search.query]);
  const failing = useMemo(() => whole.edges.filter((edge) => edge.errors > 0).length, [whole]);
  const call = useMemo(() => whole.edges.find((edge) => edge.from === params.get("from") && edge.to === params.get("to")) ?? null, [whole, params.get("from"), params.get("to")]);
  const rates = useMemo(() => new Map((services.data?.services ?? []).map((service) => [service.service_name, service])), [services.data]);
  // In a graph that no screen holds, a chosen service shows its neighbours at once.
  const choose = (name: string | null): void => setParams({ from: null, to: null, node: name, hops: name === null ? null : hops || (whole.nodes.length > LARGE ? "1" : null) }, "replace");
  // Within what is shown: a neighbourhood stays one.
  const chooseCall = (next: Call | null): void => setParams({ from: next?.from ?? null, to: next?.to ?? null }, "replace");
  useKeys({ Escape: () => (call ? chooseCall(null) : choose(null)) });
  const toggle = (key: string, on: boolean, value = "1"): void => setParams({ [key]: on ? null : value }, "replace");

  return (
    <main class="view">
      <h1 class="sr-only">Service map</h1>
      <div class="querybar">
        <div class="query-box">
          <Icon name="search" />
          <input id={QUERY_INPUT_ID} class="query-input query-plain" placeholder="Find a service" aria-label="Find a service" value={search.query} onInput={(event) => setParams({ q: event.currentTarget.value }, "replace")} />
        </div>
        <TimePicker range={search.range} onChange={search.setRange} onAgain={search.again} />
      </div>
      <Progress active={answer.loading || services.loading} />
      <div class="summary">
        {answer.data && (
          <span>
            <b>{count(servicesIn(shown))}</b> {shown.nodes.length < whole.nodes.length ? `of ${count(servicesIn(whole))} services` : "services"}, {plural(shown.edges.length, "call path")}
          </span>
        )}
        <span class="legend">
          {answer.data && answer.data.cycles.length > 0 && (
            <button type="button" class="legend-item" aria-pressed={onlyCycles} title="Services that call each other in a circle" onClick={() => toggle("cycles", onlyCycles)}>
              <i class="swatch swatch-cycle" />
              cycles <span class="muted">{count(answer.data.cycles.length)}</span>
            </button>
          )}
          {failing > 0 && (
            <button type="button" class="legend-item" aria-pressed={onlyFailing} title="Calls of which some failed" onClick={() => toggle("failing", onlyFailing)}>
              <i class="swatch swatch-failing" />
              failing <span class="muted">{count(failing)}</span>
            </button>
          )}
          {whole.others.size > 0 && (
            <button type="button" class="legend-item" aria-pressed={withOthers} title="Databases, queues and others that send no spans, known by who calls them" onClick={() => setParams({ inferred: withOthers ? "0" : null }, "replace")}>
              <i class="swatch swatch-other" />
              inferred <span class="muted">{count(whole.others.size)}</span>
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
          {whole.nodes.length > 0 && (
            <RunAs
              request={{ path: "/api/v1/services/graph", params: { start: search.fixed.start, end: search.fixed.end } }}
              statement={() => callsStatement({ range: search.fixed, nowMs: search.madeAt }, withOthers)}
              note={search.fixed.start === null && search.fixed.end === null ? null : "within a time range between services alone"}
            />
          )}
        </span>
      </div>
      <RunningNote kind="/api/v1/services/graph" query="" running={answer.loading} />
      <Incomplete answers={[services.data, answer.data]} />
      {renderBody()}
    </main>
  );

  function renderBody(): JSX.Element {
    if (answer.error) return <ErrorState error={answer.error} retry={answer.reload} />;
    if (!answer.data) return <Skeleton rowHeight={30} rows={12} />;
    if (whole.nodes.length === 0) {
      return (
        <EmptyState title="No calls between services">
          <p>In this time range no span has a caller in another service.</p>
          <div class="state-actions">
            {(search.range.start !== null || search.range.end !== null) && (
              <button type="button" class="button" onClick={() => search.setRange(ALL_TIME)}>
                Look at all time
              </button>
            )}
            <a class="button" href={href("/services")}>
              All services
            </a>
            <a class="button" href={href("/ingest")}>
              Send data
            </a>
          </div>
        </EmptyState>
      );
    }
    if (shown.nodes.length === 0) {
      return (
        <EmptyState title="No such service calls or is called">
          <p>{search.query === "" ? "What was chosen leaves nothing of the map." : "No service with this in its name is on the map."}</p>
          <div class="state-actions">
            <button type="button" class="button" onClick={() => setParams({ q: null, node: null, hops: null, cycles: null, failing: null })}>
              Show the whole map
            </button>
          </div>
        </EmptyState>
      );
    }
    return (
      <div class="split">
        <div class="split-main">{table ? <EdgeTable graph={shown} onChoose={choose} onChooseCall={chooseCall} /> : <Canvas graph={shown} rates={rates} chosen={chosen} needle={search.query.toLowerCase()} onChoose={choose} chosenCall={call} onChooseCall={chooseCall} />}</div>
        {call && <CallPanel key={`${call.from} ${call.to}`} call={call} graph={whole} range={search.range} seconds={secondsOf(search)} onChoose={choose} onClose={() => chooseCall(null)} />}
        {chosen && !call && <NodePanel name={chosen} graph={whole} service={rates.get(chosen) ?? null} range={search.range} onChoose={choose} />}
        {!chosen && !call && onlyCycles && <CyclePanel graph={answer.data} onClose={() => toggle("cycles", true)} />}
      </div>
    );
  }
}

function secondsOf(search: Search): number | null {
  const { start, end } = search.fixed;
  return start === null ? null : ((end === null ? search.madeAt : Date.parse(end)) - Date.parse(start)) / 1000;
}

const servicesIn = (graph: Graph): number => graph.nodes.filter((name) => !graph.others.has(name)).length;
