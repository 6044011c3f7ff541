import type { Attributes, Timeline, TimelineSpan } from "../api/types";
import { filterText } from "./query";
import { nanosToMs, toIso, type Range } from "./time";

/** Where a span ran, or what it asked. */
export interface SpanPlace {
  label: "Service" | "Pod" | "Container" | "Host" | "Database";
  value: string;
  /** Finds spans and logs of it. */
  query: string;
  /** Databases send spans about them, and no logs. */
  hasLogs: boolean;
}

const RUNS_IN: [SpanPlace["label"], string[]][] = [
  ["Pod", ["k8s.pod.name"]],
  ["Container", ["container.id", "container.name"]],
  ["Host", ["host.name", "k8s.node.name", "host.id"]],
];
/** Which database, from what kind it is down to its name; in each the names of today and of before. */
const DATABASE = [["db.system.name", "db.system"], ["server.address", "net.peer.name", "peer.service"], ["db.namespace", "db.name"]];

const textIn = (attributes: Attributes, name: string): string | null => {
  const value = attributes[name];
  return typeof value === "string" && value !== "" ? value : null;
};

/** The narrowest last, but for the database, which is another place. */
export function placesOf(span: Pick<TimelineSpan, "service_name" | "attributes" | "resource">): SpanPlace[] {
  const found: SpanPlace[] = [{ label: "Service", value: span.service_name, query: filterText("service", span.service_name), hasLogs: true }];
  for (const [label, names] of RUNS_IN) {
    const name = names.find((each) => textIn(span.resource, each) !== null);
    const value = name === undefined ? null : textIn(span.resource, name);
    if (name !== undefined && value !== null) found.push({ label, value, query: filterText(`resource.${name}`, value), hasLogs: true });
  }
  const database = DATABASE.flatMap((names) => names.flatMap((name) => (textIn(span.attributes, name) === null ? [] : [name])).slice(0, 1));
  if (DATABASE[0]?.includes(database[0] ?? "")) {
    const clauses = database.map((name) => filterText(name, textIn(span.attributes, name) ?? ""));
    found.push({ label: "Database", value: database.map((name) => textIn(span.attributes, name)).join(" "), query: clauses.join(" "), hasLogs: false });
  }
  return found;
}

const NEAR_NS = 1_000_000_000n;

/** From a second before a span to a second after it, by its own clock. */
export function timeAround(trace: Pick<Timeline, "start_time_unix_nano">, span: Pick<TimelineSpan, "start_offset_ns" | "duration_ns" | "clock_delta_ns">): Range {
  const start = BigInt(trace.start_time_unix_nano) + BigInt(Math.round(span.start_offset_ns - (span.clock_delta_ns ?? 0)));
  const at = (ns: bigint): string => toIso(nanosToMs(String(ns)));
  return { start: at(start - NEAR_NS), end: at(start + BigInt(Math.max(0, Math.round(span.duration_ns))) + NEAR_NS) };
}
