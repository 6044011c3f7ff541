import type { Json } from "../api/types";

/** Bytes that came as base64, as people read them: a line of sixteen, in hex and as text. */

const LINE = 16;
/** Bytes that are shown; more are for a download. */
export const MOST_BYTES = 4096;

/** The bytes of a base64 text, or null if it is none. */
export function bytesOf(base64: string): Uint8Array | null {
  try {
    return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  } catch {
    return null;
  }
}

/** `00000010  68 65 6c 6c 6f 0a                                 |hello.|`, of the first bytes. */
export function hexDump(bytes: Uint8Array): string {
  const lines: string[] = [];
  for (let at = 0; at < Math.min(bytes.length, MOST_BYTES); at += LINE) {
    const part = [...bytes.subarray(at, Math.min(at + LINE, MOST_BYTES))];
    const hex = part.map((byte) => byte.toString(16).padStart(2, "0"));
    const text = part.map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : ".")).join("");
    lines.push(`${at.toString(16).padStart(8, "0")}  ${hex.slice(0, 8).join(" ")}  ${hex.slice(8).join(" ")}`.padEnd(60) + `|${text}|`);
  }
  return lines.join("\n");
}

/** Which values of attributes are bytes: by key, or within a list or map by place or key. */
export interface ByteMarks {
  [key: string]: true | ByteMarks;
}

/** `00 01 ff` */
export const hexOf = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ");

/** Base64 as `0x0001ff`; what is none stays as it is. */
export function hexText(base64: string): string {
  const bytes = bytesOf(base64);
  return bytes ? `0x${hexOf(bytes).replace(/ /g, "")}` : base64;
}

/** A value whose bytes are written as `0x0001ff`, also within lists and maps. */
export function withHex(value: Json, mark: true | ByteMarks | undefined): Json {
  if (mark === undefined) return value;
  if (mark === true) return typeof value === "string" ? hexText(value) : value;
  if (Array.isArray(value)) return value.map((each, at) => withHex(each, mark[String(at)]));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, withHex(each, mark[key])]));
}
