import type { Attributes, Json } from "../api/types";
import type { ByteMarks } from "./hex";

/** Values as OTLP JSON writes them, as the plain JSON that pages show, and which of these are bytes. */

export interface Value {
  stringValue?: string;
  boolValue?: boolean;
  intValue?: string | number;
  doubleValue?: number | string;
  bytesValue?: string;
  arrayValue?: { values?: Value[] };
  kvlistValue?: { values?: KeyValue[] };
}

export interface KeyValue {
  key?: string;
  value?: Value;
}

/** Of a key that is there more than once the first one counts, as in the answers of the server. */
function firstOf(list: readonly KeyValue[] | undefined): [key: string, value: Value | undefined][] {
  const first = new Map<string, Value | undefined>();
  for (const { key = "", value } of list ?? []) if (!first.has(key)) first.set(key, value);
  return [...first];
}

export const attributesOf = (list: readonly KeyValue[] | undefined): Attributes => Object.fromEntries(firstOf(list).map(([key, value]) => [key, jsonOf(value)]));

function jsonOf(value: Value | undefined): Json {
  if (!value) return null;
  if (value.intValue !== undefined) return Number.isSafeInteger(Number(value.intValue)) ? Number(value.intValue) : String(value.intValue);
  if (value.arrayValue) return (value.arrayValue.values ?? []).map(jsonOf);
  if (value.kvlistValue) return attributesOf(value.kvlistValue.values);
  return value.stringValue ?? value.boolValue ?? value.doubleValue ?? value.bytesValue ?? null;
}

/** Which of the attributes are bytes or have some in them; undefined where none are. */
export const bytesAmong = (list: readonly KeyValue[] | undefined): ByteMarks | undefined => marksOf(firstOf(list));

function marksOf(entries: [key: string, value: Value | undefined][]): ByteMarks | undefined {
  const marks = entries.flatMap(([key, value]) => {
    const mark = bytesIn(value);
    return mark ? [[key, mark] as const] : [];
  });
  return marks.length > 0 ? Object.fromEntries(marks) : undefined;
}

function bytesIn(value: Value | undefined): true | ByteMarks | undefined {
  if (value?.bytesValue !== undefined) return true;
  if (value?.arrayValue) return marksOf((value.arrayValue.values ?? []).map((each, at) => [String(at), each]));
  return value?.kvlistValue && bytesAmong(value.kvlistValue.values);
}
