import type { JSX } from "preact";
import { useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { logsCliOf } from "../lib/curl";
import { compact, count } from "../lib/format";
import { useKeys } from "../lib/keys";
import { usePhone } from "../lib/prefs";
import { matchTerms, termPattern } from "../lib/query";
import { href, navigate, setParams, usePlace } from "../lib/router";
import { useSearch } from "../lib/search";
import { useSize } from "../lib/size";
import { Icon } from "../ui/icons";
import { QueryBar } from "../ui/querybar";
import { RunAs } from "../ui/runas";
import { ErrorState } from "../ui/states";
import type { VirtualHandle } from "../ui/virtual";
import { ColumnsMenu, setColumns, useColumns } from "./columns";
import { LogContext } from "./context";
import { LogList } from "./list";
import { LogPanel } from "./panel";
import { listed } from "./use-logs";
import { useTail, type Tail } from "./use-tail";
import { setWrap, useWrap, WrapButton } from "./wrap";

/** Records as they come in, the newest at the bottom. Who scrolls up or opens one pauses the list, not the stream. */
export function LiveView(): JSX.Element {
  const search = useSearch();
  const { params } = usePlace();
  const phone = usePhone();
  const [scrolledUp, setScrolledUp] = useState(false);
  const [stopped, setStopped] = useState(false);
  const selectedId = params.get("sel");
  const paused = scrolledUp || stopped || selectedId !== null;
  const tail = useTail(search.query, paused);
  const columns = useColumns();
  const pattern = useMemo(() => termPattern(matchTerms(search.query)), [search.query]);
  const wrap = useWrap();
  const list = useRef<VirtualHandle>(null);
  const main = useRef<HTMLDivElement>(null);
  const { width } = useSize(main);

  const at = selectedId ? tail.rows.findIndex((row) => row.id === selectedId) : -1;
  const selected = tail.rows[at];
  const open = (index: number): void => {
    const row = tail.rows[index];
    if (!row) return;
    setParams({ sel: row.id }, "replace");
    list.current?.show(index);
  };
  const step = (by: 1 | -1): void => open(at === -1 ? tail.rows.length - 1 : Math.min(tail.rows.length - 1, Math.max(0, at + by)));
  const close = (): void => setParams({ sel: null, around: null }, "replace");
  const toggle = (): void => {
    if (!paused) {
      setStopped(true);
      return;
    }
    setStopped(false);
    setScrolledUp(false);
    close();
  };
  const leave = (): void => setParams({ live: null, sel: null });
  useLayoutEffect(() => {
    if (!paused) list.current?.toEnd();
  }, [tail.rows, paused, width]);
  useKeys({
    j: () => step(1),
    ArrowDown: () => step(1),
    k: () => step(-1),
    ArrowUp: () => step(-1),
    p: toggle,
    l: leave,
    w: () => setWrap(!wrap),
    c: () => selected && setParams({ around: "1" }, "replace"),
    o: () => selected?.trace_id && navigate(href(`/trace/${selected.trace_id}`, { span: selected.span_id })),
    Escape: close,
  });

  const filter = {
    query: search.query,
    toggle: search.toggle,
    column: { has: (name: string) => columns.includes(name), toggle: (name: string) => setColumns(columns.includes(name) ? columns.filter((other) => other !== name) : [...columns, name]) },
  };
  return (
    <main class="view">
      <h1 class="sr-only">Live logs</h1>
      <QueryBar table="logs" query={search.query} error={tail.state === "refused" ? tail.error : null} onRun={search.run} placeholder={phone ? "Filter what comes in" : "Filter what comes in: words, service:checkout severity>=warn"}>
        <button type="button" class="button" title="Back to the search (l)" onClick={leave}>
          <Icon name="close" size={12} />
          Stop live
        </button>
      </QueryBar>
      <div class="split">
        <div class="split-main" ref={main}>
          <LiveBar query={search.query} tail={tail} paused={paused} onToggle={toggle} wrap={wrap} columns={columns} />
          {tail.state === "refused" && tail.error ? (
            <ErrorState error={tail.error} retry={() => search.run(search.query)} />
          ) : tail.rows.length === 0 ? (
            <p class="live-empty">
              <i class="pulse" aria-hidden="true" />
              {tail.state === "open" ? "Nothing has come yet that matches. New records appear here by themselves." : "Connecting…"}
            </p>
          ) : (
            <LogList
              logs={listed(tail.rows)}
              columns={columns}
              wrap={wrap}
              narrow={selected !== undefined}
              width={width}
              pattern={pattern}
              selectedId={selectedId}
              keptKey="live"
              restored={false}
              handle={list}
              onOpen={open}
              onScrolled={(atEnd) => setScrolledUp(!atEnd)}
              footer={<></>}
            />
          )}
          {paused && tail.waitingCount > 0 && (
            <button type="button" class="button live-more" onClick={toggle}>
              <Icon name="down" size={12} />
              {count(tail.waitingCount)} new {tail.waitingCount === 1 ? "record" : "records"}
            </button>
          )}
        </div>
        {selected && <LogPanel key={selected.id} log={selected} pattern={pattern} filter={filter} onContext={() => setParams({ around: "1" }, "replace")} onClose={close} onStep={step} />}
      </div>
      {selected && params.get("around") === "1" && <LogContext log={selected} hrefOf={(row) => href(`/log/${row.id}`)} onClose={() => setParams({ around: null }, "replace")} />}
    </main>
  );
}

interface BarProps {
  query: string;
  tail: Tail;
  paused: boolean;
  wrap: boolean;
  columns: string[];
  onToggle: () => void;
}

/** How it goes: connected or not, how much comes, what was left out; and the switches. */
function LiveBar({ query, tail, paused, wrap, columns, onToggle }: BarProps): JSX.Element {
  const lost = tail.state === "lost";
  return (
    <>
      <div class="summary live-bar">
        <span class={`live-state ${lost ? "live-lost" : paused ? "live-paused" : "live-on"}`} role="status">
          <i aria-hidden="true" />
          {lost ? "Reconnecting" : tail.state === "connecting" ? "Connecting" : paused ? "Paused" : "Live"}
        </span>
        <span class="number">
          <b>{count(tail.total)}</b> {tail.total === 1 ? "record" : "records"}
        </span>
        <span class="muted number hide-phone">{compact(tail.rate)} a second</span>
        <span class="summary-end">
          <button type="button" class="text-button" aria-pressed={paused} title={paused ? "Go on (p)" : "Pause (p)"} onClick={onToggle}>
            <Icon name={paused ? "play" : "pause"} size={12} />
            {paused ? "Resume" : "Pause"}
          </button>
          <RunAs request={{ path: "/api/v1/logs/tail", params: { query } }} command={() => logsCliOf(window.location.origin, { query, follow: true })} />
          <button type="button" class="text-button" title="Take the records off the page" onClick={tail.clear}>
            Clear
          </button>
          <WrapButton wrap={wrap} />
          <span class="hide-phone">
            <ColumnsMenu columns={columns} />
          </span>
        </span>
      </div>
      {tail.dropped !== 0 && (
        <div class="banner" role="status">
          <Icon name="warn" />
          <span>
            <strong>{tail.dropped === null ? "Some records were left out" : `${count(tail.dropped)} ${tail.dropped === 1 ? "record was" : "records were"} left out.`}</strong>{" "}
            {tail.dropped === null ? "between the connections." : "More match than can be shown as they come: narrow the query. Search finds them all."}
          </span>
        </div>
      )}
      {lost && tail.error && <p class="hint form-error live-error">{tail.error.message}</p>}
    </>
  );
}
