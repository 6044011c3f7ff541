import type { Attributes, Scope, SpanEvent, SpanLink } from "../api/types";
import type { ByteMarks } from "./hex";
import { attributesOf, bytesAmong, type KeyValue } from "./otlpvalue";

/** A span as it stands in a file, with what its resource and scope say of it. */
export interface FileSpan {
  trace_id: string;
  span_id: string;
  parent_span_id: string | null;
  service_name: string;
  name: string;
  kind: string;
  start: bigint;
  end: bigint;
  status_code: string;
  status_message: string | null;
  trace_state?: string;
  attributes: Attributes;
  resource: Attributes;
  scope: Scope;
  events: SpanEvent[];
  links: SpanLink[];
  bytes_in_attributes?: ByteMarks;
  bytes_in_resource?: ByteMarks;
}

interface RawSpan {
  traceId?: string;
  spanId?: string;
  parentSpanId?: string;
  traceState?: string;
  name?: string;
  kind?: number | string;
  startTimeUnixNano?: string | number;
  endTimeUnixNano?: string | number;
  attributes?: KeyValue[];
  events?: { timeUnixNano?: string | number; name?: string; attributes?: KeyValue[] }[];
  links?: { traceId?: string; spanId?: string; attributes?: KeyValue[] }[];
  status?: { code?: number | string; message?: string };
}
interface ScopeSpans {
  scope?: { name?: string; version?: string; attributes?: KeyValue[] };
  spans?: RawSpan[];
}
export interface ResourceSpans {
  resource?: { attributes?: KeyValue[] };
  scopeSpans?: ScopeSpans[];
  /** As OTLP called it before 1.0. */
  instrumentationLibrarySpans?: ScopeSpans[];
}

/** What is wrong with a file, in words for whoever chose it. */
export class FileError extends Error {}

const KINDS = ["UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"];
const STATUSES = ["UNSET", "OK", "ERROR"];

/**
 * The resource spans of a text: one OTLP JSON document, or one a line; also as Tempo wraps them
 * (`batches`, `trace`).
 */
export function readResourceSpans(text: string): ResourceSpans[] {
  const found = documents(text).flatMap((document) => resourceSpansOf(document) ?? []);
  if (found.length === 0) throw new FileError("There are no spans in it: OTLP JSON has them under `resourceSpans`.");
  return found;
}

function documents(text: string): unknown[] {
  try {
    return [JSON.parse(text)];
  } catch (whole) {
    const lines = text.split("\n").filter((line) => line.trim() !== "");
    return lines.map((line, index) => {
      try {
        return JSON.parse(line) as unknown;
      } catch {
        // Of one document over many lines the first error says more than the first line does.
        throw new FileError(index === 0 ? `It is not JSON: ${whole instanceof Error ? whole.message : String(whole)}` : `Line ${index + 1} is not JSON.`);
      }
    });
  }
}

function resourceSpansOf(document: unknown): ResourceSpans[] | null {
  if (typeof document !== "object" || document === null) return null;
  const { resourceSpans, batches, trace } = document as Record<string, unknown>;
  const list = resourceSpans ?? batches;
  if (Array.isArray(list)) return list as ResourceSpans[];
  return trace === undefined ? null : resourceSpansOf(trace);
}

/** The spans of resource spans. Throws `FileError` for one without ids or times. */
export function fileSpans(resourceSpans: readonly ResourceSpans[]): FileSpan[] {
  return resourceSpans.flatMap(({ resource, scopeSpans, instrumentationLibrarySpans }) => {
    const bytes = bytesAmong(resource?.attributes);
    const shared = { resource: attributesOf(resource?.attributes), ...(bytes ? { bytes_in_resource: bytes } : {}) };
    return (scopeSpans ?? instrumentationLibrarySpans ?? []).flatMap(({ scope, spans }) => {
      const own = { name: scope?.name ?? null, version: scope?.version ?? null, attributes: attributesOf(scope?.attributes) };
      return (spans ?? []).map((span) => fileSpan(span, shared, own));
    });
  });
}

/** What the spans of a resource share. */
type OfResource = Pick<FileSpan, "resource" | "bytes_in_resource">;

function fileSpan(raw: RawSpan, shared: OfResource, scope: Scope): FileSpan {
  const trace_id = idOf(raw.traceId, 32);
  const span_id = idOf(raw.spanId, 16);
  if (trace_id === null || span_id === null) throw new FileError(`A span${raw.name ? ` (${raw.name})` : ""} has no trace id or span id.`);
  const start = nanos(raw.startTimeUnixNano, span_id);
  const name = shared.resource["service.name"];
  return {
    trace_id,
    span_id,
    parent_span_id: idOf(raw.parentSpanId, 16),
    service_name: typeof name === "string" && name !== "" ? name : "unknown_service",
    name: raw.name ?? "",
    kind: oneOf(KINDS, "SPAN_KIND_", raw.kind),
    start,
    end: nanos(raw.endTimeUnixNano, span_id),
    status_code: oneOf(STATUSES, "STATUS_CODE_", raw.status?.code),
    status_message: raw.status?.message || null,
    ...(raw.traceState ? { trace_state: raw.traceState } : {}),
    ...withBytes(raw.attributes),
    ...shared,
    scope,
    events: (raw.events ?? []).map((event) => {
      const at = nanos(event.timeUnixNano ?? String(start), span_id);
      return { time_unix_nano: String(at), offset_ns: Number(at - start), name: event.name ?? "", ...withBytes(event.attributes) };
    }),
    links: (raw.links ?? []).map((link) => ({ trace_id: idOf(link.traceId, 32) ?? "", span_id: idOf(link.spanId, 16) ?? "", attributes: attributesOf(link.attributes) })),
  };
}

/** Attributes, and which of them are bytes if some are. */
function withBytes(list: readonly KeyValue[] | undefined): { attributes: Attributes; bytes_in_attributes?: ByteMarks } {
  const bytes = bytesAmong(list);
  return { attributes: attributesOf(list), ...(bytes ? { bytes_in_attributes: bytes } : {}) };
}

/** Hex as OTLP JSON has it, or base64 as protobuf's own JSON has it. */
function idOf(text: string | undefined, digits: number): string | null {
  if (!text || /^0+$/.test(text)) return null;
  if (text.length === digits && /^[0-9a-f]+$/i.test(text)) return text.toLowerCase();
  try {
    const hex = [...atob(text)].map((character) => character.charCodeAt(0).toString(16).padStart(2, "0")).join("");
    return hex.length === digits ? hex : null;
  } catch {
    return null;
  }
}

function nanos(value: string | number | undefined, span: string): bigint {
  try {
    return BigInt(value ?? "");
  } catch {
    throw new FileError(`A time of the span ${span} is not in nanoseconds: ${String(value)}`);
  }
}

function oneOf(names: readonly string[], prefix: string, value: number | string | undefined): string {
  if (typeof value === "string") return value.replace(prefix, "");
  return names[value ?? 0] ?? names[0] ?? "";
}

/** The part of a file that is one trace, as OTLP JSON. */
export function traceJson(resourceSpans: readonly ResourceSpans[], traceId: string): string {
  const kept = resourceSpans.flatMap((each) => {
    const scopes = (each.scopeSpans ?? each.instrumentationLibrarySpans ?? []).flatMap((scope) => {
      const spans = (scope.spans ?? []).filter((span) => idOf(span.traceId, 32) === traceId);
      return spans.length > 0 ? [{ ...scope, spans }] : [];
    });
    return scopes.length > 0 ? [{ resource: each.resource, scopeSpans: scopes }] : [];
  });
  return JSON.stringify({ resourceSpans: kept });
}
