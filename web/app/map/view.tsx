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
import { GroupPanel, ratesWith } from "./groups";
import { grouped, namespaces, openText, readOpen } from "./namespaces";
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
  const phone = usePhone();
  const usual = phone ? "table" : "map";
  const table = (params.get("view") ?? usual) === "table";
  const show = (view: "map" | "table"): void => setParams({ view: view === usual ? null : view }, "replace");
  const whole = useMemo<Graph>(() => (answer.data ? graphOf(answer.data, withOthers) : NOTHING), [answer.data, withOthers]);
  const part = useMemo(() => partOf(whole, { chosen, hops: Number(hops), onlyCycles, onlyFailing, needle: search.query.toLowerCase() }), [whole, chosen, hops, onlyCycles, onlyFailing, search.query]);
  const namespaceOf = useMemo(() => (answer.data ? namespaces(answer.data, whole) : null), [answer.data, whole]);
  const byNamespace = params.get("group") === "namespace" && namespaceOf !== null;
  const open = useMemo(() => readOpen(params.get("open")), [params.get("open")]);
  const shown = useMemo(() => (byNamespace && namespaceOf ? grouped(part, namespaceOf, withNamespaceOf(chosen, namespaceOf, open)) : part), [part, byNamespace, namespaceOf, open, chosen]);
  const failing = useMemo(() => whole.edges.filter((edge) => edge.errors > 0).length, [whole]);
  const isCalled = (edge: Call): boolean => edge.from === params.get("from") && edge.to === params.get("to");
  const call = useMemo(() => shown.edges.find(isCalled) ?? whole.edges.find(isCalled) ?? null, [shown, whole, params.get("from"), params.get("to")]);
  // A path between services of closed namespaces lies on the line between those.
  const line = useMemo(() => (call ? (shown.edges.find((edge) => edge === call || edge.parts?.includes(call)) ?? call) : null), [shown, call]);
  const rates = useMemo(() => ratesWith(shown, new Map((services.data?.services ?? []).map((service) => [service.service_name, service]))), [services.data, shown]);
  const setOpen = (names: Iterable<string>): void => setParams({ open: openText(names), node: null, hops: null, from: null, to: null }, "replace");
  const choose = (name: string | null): void => {
    const group = name === null ? undefined : shown.groups?.get(name);
    if (group) return setOpen(group.open ? [...open].filter((each) => each !== group.name) : [...open, group.name]);
    // In a graph that no screen holds, a chosen service shows its neighbours at once.
    setParams({ from: null, to: null, node: name, hops: name === null ? null : hops || (shown.nodes.length > LARGE ? "1" : null) }, "replace");
  };
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
            <b>{count(servicesIn(part))}</b> {part.nodes.length < whole.nodes.length ? `of ${count(servicesIn(whole))} services` : "services"}, {plural(part.edges.length, "call path")}
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
          {namespaceOf && (
            <button type="button" class="legend-item" aria-pressed={byNamespace} title="Each namespace as one; a click opens it" onClick={() => setParams({ group: byNamespace ? null : "namespace", open: null, list: null }, "replace")}>
              <i class="namespace-mark" />
              by namespace <span class="muted">{count(new Set(namespaceOf.values()).size)}</span>
            </button>
          )}
          {byNamespace && open.size > 0 && (
            <button type="button" class="legend-item" onClick={() => setOpen([])}>
              close {count(open.size)} open
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
            <button type="button" class="button" onClick={() => setParams({ q: null, node: null, hops: null, cycles: null, failing: null, group: null, open: null })}>
              Show the whole map
            </button>
          </div>
        </EmptyState>
      );
    }
    return (
      <div class="split">
        <div class="split-main">{table ? <EdgeTable graph={shown} onChoose={choose} onChooseCall={chooseCall} /> : <Canvas graph={shown} rates={rates} chosen={chosen} needle={search.query.toLowerCase()} onChoose={choose} chosenCall={line} onChooseCall={chooseCall} />}</div>
        {call && <CallPanel key={`${call.from} ${call.to}`} call={call} graph={{ ...whole, ...(shown.groups && { groups: shown.groups }) }} range={search.range} seconds={secondsOf(search)} onChoose={choose} onChooseCall={chooseCall} onClose={() => chooseCall(null)} />}
        {chosen && !call && <NodePanel name={chosen} graph={whole} service={rates.get(chosen) ?? null} range={search.range} onChoose={choose} />}
        {!chosen && !call && onlyCycles && <CyclePanel graph={answer.data} onClose={() => toggle("cycles", true)} />}
        {!chosen && !call && !onlyCycles && byNamespace && !phone && params.get("list") !== "0" && <GroupPanel graph={shown} rates={rates} onChoose={choose} onOpen={setOpen} onClose={() => setParams({ list: "0" }, "replace")} />}
      </div>
    );
  }
}

function secondsOf(search: Search): number | null {
  const { start, end } = search.fixed;
  return start === null ? null : ((end === null ? search.madeAt : Date.parse(end)) - Date.parse(start)) / 1000;
}

/** A service that is looked at is seen, whatever is closed. */
function withNamespaceOf(chosen: string | null, namespaceOf: ReadonlyMap<string, string>, open: ReadonlySet<string>): ReadonlySet<string> {
  const own = chosen === null ? undefined : namespaceOf.get(chosen);
  return own === undefined ? open : new Set([...open, own]);
}

const servicesIn = (graph: Graph): number => graph.nodes.filter((name) => !graph.others.has(name)).length;
