import type { ComponentChildren, JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { serviceColour } from "../lib/colour";
import { ago, count, fullTime, plural, useZone } from "../lib/format";
import { setParams } from "../lib/router";
import { nanosToMs } from "../lib/time";
import { CopyButton } from "../ui/copy";
import { Icon } from "../ui/icons";

interface TitleProps {
  root: { service_name: string; name: string } | undefined;
  id: string;
  /** Whether there is an address to send to somebody. */
  hasLink: boolean;
  children?: ComponentChildren;
}

/** What the trace is: its root, its id, and what can be done with it as a whole. */
export function TraceTitle({ root, id, hasLink, children }: TitleProps): JSX.Element {
  return (
    <div class="trace-title">
      <h1>
        {root && (
          <>
            <i class="service-dot" style={{ background: serviceColour(root.service_name) }} />
            <span class="trace-title-service">{root.service_name}</span>
            <span class="trace-title-name">{root.name}</span>
          </>
        )}
      </h1>
      <span class="trace-tools">
        <code class="trace-id hide-phone">{id}</code>
        <CopyButton text={id} title="Copy the trace id" />
        {hasLink && <CopyButton text={() => window.location.href} title="Copy a link to this" icon="link" />}
        {children}
      </span>
    </div>
  );
}

export const SUMMARY_ID = "trace-summary";

/** The trace in sentences. The tree of spans says it with itself. */
export const TraceSummary = ({ text }: { text: string }): JSX.Element => (
  <p id={SUMMARY_ID} class="sr-only">
    {text}
  </p>
);

interface FactProps {
  label: string;
  value: string;
  title?: string;
  strong?: boolean;
}

export function Fact({ label, value, title, strong = false }: FactProps): JSX.Element {
  return (
    <div class={strong ? "fact fact-strong" : "fact"} title={title}>
      <dt>{label}</dt>
      <dd>{value}</dd>
    </div>
  );
}

export function StartFact({ nanos }: { nanos: string }): JSX.Element {
  const full = fullTime(nanos, useZone());
  return <Fact label="Start" value={full.replace(/(\.\d{3})\d+/, "$1")} title={`${full}, ${ago(nanosToMs(nanos), Date.now())}`} />;
}

/** How many spans failed; leads from one to the next. */
export function ErrorFact({ errors, onNext }: { errors: number; onNext: () => void }): JSX.Element | null {
  if (errors === 0) return null;
  return (
    <button type="button" class="fact-error" title="Go to the next error (e)" onClick={onNext}>
      <Icon name="warn" size={12} />
      {plural(errors, "error")}
    </button>
  );
}

interface OriginProps {
  service: string;
  name: string;
  keys?: string;
  onClick: () => void;
}

export function OriginFact({ service, name, keys, onClick }: OriginProps): JSX.Element {
  return (
    <button type="button" class="text-button fact-origin" title={`Where the error began${keys ? ` (${keys})` : ""}`} onClick={onClick}>
      <Icon name="target" size={12} />
      began in {service} <span class="muted">{name}</span>
    </button>
  );
}

interface TabsProps<T extends string> {
  tabs: readonly (readonly [T, string])[];
  chosen: T;
  numbers: Partial<Record<T, number>>;
}

/** The views of one trace; the first is the one without a word in the address. */
export function TraceTabs<T extends string>({ tabs, chosen, numbers }: TabsProps<T>): JSX.Element {
  // On a phone they are scrolled: the one that is shown must be in sight.
  const list = useRef<HTMLDivElement>(null);
  useEffect(() => list.current?.querySelector('[aria-selected="true"]')?.scrollIntoView({ inline: "nearest", block: "nearest" }), [chosen]);
  return (
    <div class="tabs" role="tablist" aria-label="Of this trace" ref={list}>
      {tabs.map(([name, label], at) => {
        const number = numbers[name];
        return (
          <button key={name} type="button" role="tab" aria-selected={chosen === name} onClick={() => setParams({ tab: at === 0 ? null : name }, "replace")}>
            {label}
            {number !== undefined && <span class="muted"> {count(number)}</span>}
          </button>
        );
      })}
    </div>
  );
}

export function ResetZoom({ onReset }: { onReset: () => void }): JSX.Element {
  return (
    <button type="button" class="button button-small" title="Show the whole trace (0)" onClick={onReset}>
      Reset zoom
    </button>
  );
}
