import type { Attributes, Json } from "../api/types";

/** One message of a conversation with a model. */
export interface Message {
  role: string;
  parts: MessagePart[];
  /** Why it ended, as the model said. */
  finish: string | null;
}

export interface MessagePart {
  kind: "text" | "reasoning" | "call" | "result" | "other";
  /** Of a call the tool, of something else its type. */
  name: string | null;
  /** Joins a call and its result. */
  id: string | null;
  text: string;
}

type Fields = Record<string, Json>;

const isFields = (value: Json | undefined): value is Fields => typeof value === "object" && value !== null && !Array.isArray(value);
const asText = (value: Json | undefined): string => (value === undefined || value === null ? "" : typeof value === "string" ? value : JSON.stringify(value, null, 2));
const word = (value: Json | undefined): string | null => (typeof value === "string" && value !== "" ? value : null);

/** A list of messages, one message, or a text that is one. */
export function messagesOf(value: Json | undefined, role: string): Message[] {
  if (value === undefined || value === null || value === "") return [];
  if (Array.isArray(value)) return value.flatMap((each) => messagesOf(each, role));
  if (!isFields(value)) return [{ role, parts: partsOf(value), finish: null }];
  const inner = value["message"];
  // A choice has its message one level below.
  const own = isFields(inner) ? { ...value, ...inner } : value;
  const calls = own["tool_calls"];
  const parts = [...partsOf(own["parts"] ?? own["content"]), ...(Array.isArray(calls) ? calls.flatMap(callOf) : [])];
  const said = word(own["role"]) ?? role;
  // What a tool answers is no text of its own.
  const kept = said === "tool" ? parts.map((part): MessagePart => (part.kind === "text" ? { ...part, kind: "result", id: word(own["id"]) ?? word(own["tool_call_id"]), name: word(own["name"]) } : part)) : parts;
  return [{ role: said, parts: kept, finish: word(own["finish_reason"]) }];
}

/** The parts of a message: a text, or a list of texts, calls, results and what else there may be. */
export function partsOf(value: Json | undefined): MessagePart[] {
  if (value === undefined || value === null || value === "") return [];
  if (Array.isArray(value)) return value.flatMap(partsOf);
  if (!isFields(value)) return [{ kind: "text", name: null, id: null, text: asText(value) }];
  const type = word(value["type"]) ?? "text";
  const id = word(value["id"]) ?? word(value["tool_call_id"]) ?? word(value["tool_use_id"]);
  if (type === "text" || type === "input_text" || type === "output_text") return [{ kind: "text", name: null, id: null, text: asText(value["content"] ?? value["text"]) }];
  if (type === "reasoning" || type === "thinking") return [{ kind: "reasoning", name: null, id: null, text: asText(value["content"] ?? value["text"] ?? value["thinking"]) }];
  if (type === "tool_call_response" || type === "tool_result") return [{ kind: "result", name: word(value["name"]), id, text: asText(value["response"] ?? value["result"] ?? value["content"]) }];
  if (type === "tool_call" || type === "tool_use" || type === "function") return callOf(value);
  return [{ kind: "other", name: type, id, text: asText(value["content"] ?? value) }];
}

function callOf(value: Json): MessagePart[] {
  if (!isFields(value)) return [];
  const inner = value["function"];
  const own = isFields(inner) ? inner : value;
  return [{ kind: "call", name: word(own["name"]) ?? word(value["name"]), id: word(value["id"]), text: asText(own["arguments"] ?? own["input"]) }];
}

/** `gen_ai.prompt.0.role`, `gen_ai.prompt.0.content`, `gen_ai.completion.0.tool_calls.0.name`: as some instrumentations flatten them. */
export function indexedMessages(attributes: Attributes, prefix: string): Message[] {
  const found = new Map<number, Fields>();
  for (const [key, value] of Object.entries(attributes)) {
    if (!key.startsWith(`${prefix}.`)) continue;
    const [at = "", field = "", call, name] = key.slice(prefix.length + 1).split(".");
    if (!/^\d{1,4}$/.test(at) || field === "") continue;
    const own = found.get(Number(at)) ?? {};
    found.set(Number(at), own);
    if (field !== "tool_calls" || call === undefined || name === undefined) {
      own[field] = value;
      continue;
    }
    const calls = (own["tool_calls"] ??= []) as Fields[];
    if (/^\d{1,3}$/.test(call)) (calls[Number(call)] ??= {})[name] = value;
  }
  const role = prefix.endsWith("completion") ? "assistant" : "user";
  return [...found].sort((a, b) => a[0] - b[0]).flatMap(([, own]) => messagesOf(own, role));
}
