import type { Json } from "../api/types";

/** The part of OpenAPI 3.1 that the server's document uses. */
export interface Schema {
  $ref?: string;
  type?: string | string[];
  format?: string;
  description?: string;
  enum?: Json[];
  default?: Json;
  examples?: Json[];
  minimum?: number;
  maximum?: number;
  pattern?: string;
  required?: string[];
  properties?: Record<string, Schema>;
  additionalProperties?: Schema | boolean;
  items?: Schema;
  oneOf?: Schema[];
  anyOf?: Schema[];
  allOf?: Schema[];
}

export interface Content {
  schema?: Schema;
  example?: Json;
  examples?: Record<string, { summary?: string; value: Json }>;
}

export interface Parameter {
  name: string;
  in: "query" | "path" | "header" | "cookie";
  description?: string;
  required?: boolean;
  schema?: Schema;
}

export interface Answer {
  $ref?: string;
  description?: string;
  content?: Record<string, Content>;
}

interface RawOperation {
  tags?: string[];
  operationId?: string;
  summary?: string;
  description?: string;
  parameters?: Parameter[];
  requestBody?: { content?: Record<string, Content> };
  responses?: Record<string, Answer>;
  security?: Record<string, Json>[];
}

export interface ApiDocument {
  openapi: string;
  info: { title: string; version: string; description?: string };
  tags?: { name: string; description?: string }[];
  paths: Record<string, Record<string, RawOperation>>;
  components?: { schemas?: Record<string, Schema>; responses?: Record<string, Answer> };
}

export interface Operation {
  /** Stands in the address. */
  id: string;
  method: string;
  path: string;
  tag: string;
  summary: string;
  description: string;
  parameters: Parameter[];
  body: Content | null;
  /** By status, in order. */
  answers: [string, Answer][];
  /** It changes something, and asks for the token of administrators. */
  admin: boolean;
}

const METHODS = ["get", "post", "put", "patch", "delete"];
const OTHER = "Other";
const lastOf = (ref: string): string => ref.split("/").at(-1) ?? ref;

/** All requests of the document, in the order of its tags. */
export function operationsOf(document: ApiDocument): Operation[] {
  const all = Object.entries(document.paths).flatMap(([path, item]) =>
    METHODS.flatMap((method): Operation[] => {
      const raw = item[method];
      if (!raw) return [];
      return [
        {
          id: raw.operationId ?? `${method} ${path}`,
          method: method.toUpperCase(),
          path,
          tag: raw.tags?.[0] ?? OTHER,
          summary: raw.summary ?? "",
          description: raw.description ?? "",
          parameters: raw.parameters ?? [],
          body: raw.requestBody?.content?.["application/json"] ?? null,
          answers: Object.entries(raw.responses ?? {}).map(([status, answer]) => [status, answer.$ref ? (document.components?.responses?.[lastOf(answer.$ref)] ?? answer) : answer]),
          admin: (raw.security ?? []).some((each) => "admin_token" in each),
        },
      ];
    }),
  );
  const order = [...(document.tags ?? []).map((tag) => tag.name)];
  const rank = (operation: Operation): number => (order.includes(operation.tag) ? order.indexOf(operation.tag) : order.length);
  return all.map((operation, at) => ({ operation, at })).sort((a, b) => rank(a.operation) - rank(b.operation) || a.at - b.at).map(({ operation }) => operation);
}

/** Whether all words are somewhere in what is said of a request. */
export function isAbout(operation: Operation, text: string): boolean {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const said = [operation.method, operation.path, operation.tag, operation.summary, operation.description, ...operation.parameters.map((parameter) => `${parameter.name} ${parameter.description ?? ""}`)].join("\n").toLowerCase();
  return words.every((word) => said.includes(word));
}

/** What a schema says where it stands: references followed, parts that all hold laid together. */
export function resolved(document: ApiDocument, schema: Schema): Schema {
  let found = schema;
  for (let turn = 0; turn < 20 && found.$ref; turn += 1) {
    const { $ref, ...beside } = found;
    found = { ...document.components?.schemas?.[lastOf($ref)], ...beside };
  }
  if (!found.allOf) return found;
  const { allOf, ...beside } = found;
  return allOf.map((part) => resolved(document, part)).reduce<Schema>(
    (sum, part) => ({ ...part, ...sum, properties: { ...sum.properties, ...part.properties }, required: [...(sum.required ?? []), ...(part.required ?? [])] }),
    beside,
  );
}

export interface Shape {
  /** As a person would say it: `string or null`, `list of LogRecord`. */
  type: string;
  description: string;
  /** Limits, defaults, examples. */
  notes: string[];
  /** What is within, if anything is. */
  fields: [string, Schema, boolean][];
  /** Where one of several is there: each by its name. */
  variants: [string, Schema][];
}

/** One level of a schema; what is within is read when somebody looks. */
export function shapeOf(document: ApiDocument, schema: Schema): Shape {
  const own = resolved(document, schema);
  const inner = innermost(document, own);
  return {
    type: typeText(document, schema),
    description: own.description ?? inner.description ?? "",
    notes: notesOf(own),
    variants: variantsOf(inner).filter((each) => each.type !== "null" && shapeOf(document, each).fields.length > 0).map((each) => [typeText(document, each), each]),
    fields: Object.entries(inner.properties ?? {}).map(([name, field]) => [name, field, inner.required?.includes(name) ?? false]),
  };
}

/** The object that a list, or what may be null, is about. */
function innermost(document: ApiDocument, schema: Schema): Schema {
  let found = schema;
  for (let turn = 0; turn < 20; turn += 1) {
    const other = variantsOf(found).filter((each) => each.type !== "null");
    const next = found.items ?? (other.length === 1 ? other[0] : undefined) ?? (typeof found.additionalProperties === "object" && !found.properties ? found.additionalProperties : undefined);
    if (!next || found.properties) return found;
    found = resolved(document, next);
  }
  return found;
}

const variantsOf = (schema: Schema): Schema[] => schema.oneOf ?? schema.anyOf ?? [];

function typeText(document: ApiDocument, schema: Schema, depth = 0): string {
  const own = resolved(document, schema);
  const variants = variantsOf(own);
  if (variants.length > 0) return [...new Set(variants.map((each) => typeText(document, each, depth + 1)))].join(" or ");
  if (own.items) return `list of ${depth > 4 ? "…" : typeText(document, own.items, depth + 1)}`;
  if (own.enum) return own.enum.map((value) => JSON.stringify(value)).join(" | ");
  if (typeof own.additionalProperties === "object" && !own.properties) {
    const values = typeText(document, own.additionalProperties, depth + 1);
    return values === "any" ? "object" : `object of ${values}`;
  }
  if (own.properties) return schema.$ref ? lastOf(schema.$ref) : "object";
  const types = Array.isArray(own.type) ? own.type : own.type ? [own.type] : ["any"];
  return types.join(" or ");
}

function notesOf(schema: Schema): string[] {
  const notes: string[] = [];
  if (schema.minimum !== undefined && schema.maximum !== undefined) notes.push(`${schema.minimum} to ${schema.maximum}`);
  else if (schema.maximum !== undefined) notes.push(`at most ${schema.maximum}`);
  else if (schema.minimum !== undefined && schema.minimum !== 0) notes.push(`at least ${schema.minimum}`);
  if (schema.pattern) notes.push(`as ${schema.pattern}`);
  if (schema.default !== undefined) notes.push(`default ${JSON.stringify(schema.default)}`);
  const example = schema.examples?.[0];
  if (example !== undefined) notes.push(`for example ${typeof example === "string" ? example : JSON.stringify(example)}`);
  return notes;
}

/** What a form may offer for a parameter; null for any text. */
export function choicesOf(document: ApiDocument, parameter: Parameter): string[] | null {
  const schema = resolved(document, parameter.schema ?? {});
  const inner = schema.enum ? schema : innermost(document, schema);
  if (inner.enum) return inner.enum.filter((value) => value !== null).map(String);
  return inner.type === "boolean" ? ["true", "false"] : null;
}

/** A value to begin with, as a hint in a field. */
export function hintOf(document: ApiDocument, parameter: Parameter): string {
  const schema = resolved(document, parameter.schema ?? {});
  const value = schema.default ?? schema.examples?.[0] ?? (parameter.required ? "required" : "");
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** The address of a request with these values. */
export function addressOf(operation: Operation, values: Readonly<Record<string, string>>): string {
  const path = operation.path.replace(/\{([^}]+)\}/g, (whole, name: string) => (values[name] ? encodeURIComponent(values[name]) : whole));
  const search = new URLSearchParams();
  for (const { name, in: where } of operation.parameters) {
    const value = values[name];
    if (where === "query" && value) search.set(name, value);
  }
  const text = search.toString();
  return text ? `${path}?${text}` : path;
}

/** Values that must be there and are not. */
export const missingIn = (operation: Operation, values: Readonly<Record<string, string>>): string[] => operation.parameters.filter(({ name, required, in: where }) => (required || where === "path") && !values[name]).map(({ name }) => name);

/** The same by curl; `token` names a variable that has one. */
export function curlOf(operation: Operation, url: string, token: string | null): string {
  const quote = (text: string): string => `'${text.replace(/'/g, "'\\''")}'`;
  const parts = ["curl -s", ...(operation.method === "GET" ? [] : [`-X ${operation.method}`]), ...(token ? [`-H "Authorization: Bearer $${token}"`] : [])];
  if (operation.body) parts.push(`-H ${quote("Content-Type: application/json")}`, `-d ${quote(JSON.stringify(operation.body.example ?? {}))}`);
  return [...parts, quote(url)].join(" ");
}
