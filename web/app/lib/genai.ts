import type { Attributes, Json, LogRecord, TimelineSpan } from "../api/types";
import { costsOf, wholeCost, type GenAiCost } from "./genaicost";
import { indexedMessages, messagesOf, partsOf, type Message } from "./messages";

/** What a span says by the semantic conventions of generative AI, those of today and of before. */
export interface GenAi {
  /** `chat`, `execute_tool`, …; null when it is not said. */
  operation: string | null;
  provider: string | null;
  requestModel: string | null;
  /** The model that answered, when it is another one. */
  responseModel: string | null;
  agent: string | null;
  tokens: Tokens | null;
  /** Costs as they were sent, by the name of the attribute; nothing is worked out here. */
  costs: GenAiCost[];
  finish: string[];
  /** Temperature, the most tokens, and what else was asked for. */
  settings: { name: string; value: string }[];
  messages: Message[];
  /** The tool that the span is a call of. */
  tool: { name: string; id: string | null; description: string | null; given: string | null; result: string | null } | null;
  /** What the model may call. */
  tools: { name: string; text: string }[];
}

export interface Tokens {
  input: number;
  output: number;
  /** Of the input, taken from a cache. */
  cached: number;
  /** Of the output, thought and not said. */
  reasoning: number;
}

const PREFIX = "gen_ai.";

/** Whether a span says anything of the kind. */
export const isGenAi = (span: Pick<TimelineSpan, "attributes" | "events">): boolean => Object.keys(span.attributes).some((key) => key.startsWith(PREFIX)) || span.events.some(({ name }) => name.startsWith(PREFIX));

const text = (value: Json | undefined): string | null => (typeof value === "string" && value !== "" ? value : typeof value === "number" ? String(value) : null);
const number = (value: Json | undefined): number => (typeof value === "number" ? value : typeof value === "string" && value.trim() !== "" && Number.isFinite(Number(value)) ? Number(value) : 0);

/** The first of several names that an attribute had over time. */
function first(attributes: Attributes, ...names: string[]): Json | undefined {
  return names.map((name) => attributes[PREFIX + name]).find((value) => value !== undefined && value !== null && value !== "");
}

/** Tokens as the span has them; null when it has none. */
export function tokensOf({ attributes }: Pick<TimelineSpan, "attributes">): Tokens | null {
  const input = first(attributes, "usage.input_tokens", "usage.prompt_tokens");
  const output = first(attributes, "usage.output_tokens", "usage.completion_tokens");
  if (input === undefined && output === undefined) return null;
  return {
    input: number(input),
    output: number(output),
    cached: number(first(attributes, "usage.cache_read.input_tokens", "usage.cache_read_input_tokens", "usage.input_tokens.cached")),
    reasoning: number(first(attributes, "usage.reasoning.output_tokens", "usage.reasoning_tokens", "usage.output_tokens.reasoning")),
  };
}

/** What somebody who looks at the call wants to see of it; null for other spans. Log records of the span may be its messages. */
export function readGenAi(span: Pick<TimelineSpan, "attributes" | "events">, logs: readonly LogRecord[] = []): GenAi | null {
  const said = logs.filter((log) => log.event_name?.startsWith(PREFIX));
  if (!isGenAi(span) && said.length === 0) return null;
  const { attributes } = span;
  const requestModel = text(first(attributes, "request.model"));
  const responseModel = text(first(attributes, "response.model"));
  const finish = first(attributes, "response.finish_reasons", "response.finish_reason");
  return {
    operation: text(first(attributes, "operation.name")),
    provider: text(first(attributes, "provider.name", "system")),
    requestModel,
    responseModel: responseModel === requestModel ? null : responseModel,
    agent: text(first(attributes, "agent.name", "agent.id")),
    tokens: tokensOf(span),
    costs: costsOf(span),
    finish: (Array.isArray(finish) ? finish : [finish]).flatMap((reason) => text(reason) ?? []),
    settings: settingsOf(attributes),
    messages: allMessages(span, said),
    tool: toolOf(attributes),
    tools: definitionsOf(first(attributes, "tool.definitions")),
  };
}

const shown = (value: Json | undefined): string | null => (value === undefined || value === null ? null : typeof value === "string" ? value : JSON.stringify(value));

function settingsOf(attributes: Attributes): GenAi["settings"] {
  return Object.entries(attributes).flatMap(([key, value]) => {
    const name = key.startsWith("gen_ai.request.") && key !== "gen_ai.request.model" ? key.slice("gen_ai.request.".length) : key === "gen_ai.output.type" ? "output" : null;
    const said = shown(value);
    return name !== null && said !== null ? [{ name: name.replace(/_/g, " "), value: said }] : [];
  });
}

function toolOf(attributes: Attributes): GenAi["tool"] {
  const name = text(first(attributes, "tool.name"));
  const given = shown(first(attributes, "tool.call.arguments"));
  const result = shown(first(attributes, "tool.call.result"));
  const id = text(first(attributes, "tool.call.id"));
  if (name === null && given === null && result === null) return null;
  return { name: name ?? "(no name)", id, description: text(first(attributes, "tool.description")), given, result };
}

function definitionsOf(value: Json | undefined): GenAi["tools"] {
  const list = parsed(value);
  return (Array.isArray(list) ? list : []).flatMap((each) => {
    if (typeof each !== "object" || each === null || Array.isArray(each)) return [];
    const inner = each["function"];
    const named = typeof inner === "object" && inner !== null && !Array.isArray(inner) ? inner : each;
    return [{ name: text(named["name"]) ?? "(no name)", text: JSON.stringify(each, null, 2) }];
  });
}

/** Structured values come as they are or as JSON in a text. */
export function parsed(value: Json | undefined): Json | undefined {
  if (typeof value !== "string" || !/^\s*[[{]/.test(value)) return value;
  try {
    return JSON.parse(value) as Json;
  } catch {
    return value;
  }
}

/** In the order of a conversation: instructions, what was asked, what was answered; attributes before events before logs, the first that has some. */
function allMessages(span: Pick<TimelineSpan, "attributes" | "events">, logs: readonly LogRecord[]): Message[] {
  const sources = [
    () => fromAttributes(span.attributes),
    () => span.events.flatMap((event) => (event.attributes["gen_ai.input.messages"] === undefined && event.attributes["gen_ai.output.messages"] === undefined ? fromEvent(event.name, event.attributes) : fromAttributes(event.attributes))),
    () => logs.flatMap((log) => {
      const own = { ...log.body_fields, ...log.attributes };
      return own["gen_ai.input.messages"] === undefined && own["gen_ai.output.messages"] === undefined ? fromEvent(log.event_name ?? "", { ...own, ...(log.body_type === "string" && log.body ? { content: log.body } : {}) }) : fromAttributes(own);
    }),
  ];
  for (const read of sources) {
    const found = read();
    if (found.length > 0) return found;
  }
  return [];
}

function fromAttributes(attributes: Attributes): Message[] {
  const system = parsed(first(attributes, "system_instructions"));
  return [
    ...(system === undefined ? [] : [{ role: "system", parts: partsOf(system), finish: null }]),
    ...messagesOf(parsed(first(attributes, "input.messages", "prompt")), "user"),
    ...indexedMessages(attributes, "gen_ai.prompt"),
    ...messagesOf(parsed(first(attributes, "output.messages", "completion")), "assistant"),
    ...indexedMessages(attributes, "gen_ai.completion"),
  ];
}

/** `gen_ai.user.message`, `gen_ai.choice`, `gen_ai.content.prompt` and the like: one message each. */
function fromEvent(name: string, attributes: Attributes): Message[] {
  if (name === "gen_ai.content.prompt") return messagesOf(parsed(first(attributes, "prompt")), "user");
  if (name === "gen_ai.content.completion") return messagesOf(parsed(first(attributes, "completion")), "assistant");
  const role = name === "gen_ai.choice" ? "assistant" : /^gen_ai\.(\w+)\.message$/.exec(name)?.[1];
  if (!role) return [];
  const body = parsed(attributes["gen_ai.event.content"]);
  const own: Json = typeof body === "object" && body !== null && !Array.isArray(body) ? { ...attributes, ...body } : { ...attributes, ...(body === undefined ? {} : { content: body }) };
  return messagesOf([own], role);
}

/** What calls of models took together. */
export interface Use {
  input: number;
  output: number;
  cost: number | null;
  currency: string | null;
}

/** Of siblings that do the same, each with its own tokens; null if the first has none. */
export function tokensTaken(spans: readonly Pick<TimelineSpan, "attributes">[]): Use | null {
  // Of a loop over a database with thousands of turns one is looked at.
  const [first] = spans;
  if (!first || !tokensOf(first)) return null;
  return traceTokens(spans.map(({ attributes }) => ({ attributes, descendant_count: 0 })));
}

/** What the calls of one model took. */
export interface ModelUse {
  model: string;
  calls: number;
  input: number;
  output: number;
  cost: number | null;
}

export interface TraceTokens extends Tokens {
  calls: number;
  models: string[];
  /** By model, what cost or took most first; calls that name none are left out. */
  byModel: ModelUse[];
  cost: number | null;
  /** Where all costs have the same. */
  currency: string | null;
}

/**
 * The tokens of a trace, and costs as they were sent. An agent's span may say once more what the calls below it took:
 * spans with others below them that say so do not count.
 */
export function traceTokens(spans: readonly Pick<TimelineSpan, "attributes" | "descendant_count">[]): TraceTokens | null {
  const sum = { input: 0, output: 0, cached: 0, reasoning: 0, calls: 0 };
  const models = new Map<string, ModelUse>();
  const currencies = new Set<string | null>();
  let cost: number | null = null;
  let nearest = Number.POSITIVE_INFINITY;
  let nearestCost = Number.POSITIVE_INFINITY;
  for (let index = spans.length - 1; index >= 0; index -= 1) {
    const span = spans[index];
    if (!span) continue;
    const end = index + span.descendant_count;
    const model = text(first(span.attributes, "response.model", "request.model"));
    const use = models.get(model ?? "") ?? { model: model ?? "", calls: 0, input: 0, output: 0, cost: null };
    const costs = costsOf(span);
    const whole = wholeCost(costs);
    if (whole !== null && nearestCost > end) {
      cost = (cost ?? 0) + whole;
      use.cost = (use.cost ?? 0) + whole;
      for (const { currency } of costs) currencies.add(currency);
    }
    if (whole !== null) nearestCost = index;
    const tokens = tokensOf(span);
    if (tokens && nearest > end) {
      sum.input += tokens.input;
      sum.output += tokens.output;
      sum.cached += tokens.cached;
      sum.reasoning += tokens.reasoning;
      sum.calls += 1;
      use.calls += 1;
      use.input += tokens.input;
      use.output += tokens.output;
    }
    if (use.calls > 0 || use.cost !== null) models.set(use.model, use);
    if (tokens) nearest = index;
  }
  if (sum.calls === 0) return null;
  const byModel = [...models.values()].filter(({ model, calls }) => model !== "" && calls > 0).sort((a, b) => (b.cost ?? 0) - (a.cost ?? 0) || b.input + b.output - a.input - a.output);
  return { ...sum, models: byModel.map(({ model }) => model).sort(), byModel, cost, currency: currencies.size === 1 ? ([...currencies][0] ?? null) : null };
}
