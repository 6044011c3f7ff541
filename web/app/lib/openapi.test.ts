import { describe, expect, it } from "vitest";
import { addressOf, choicesOf, curlOf, isAbout, missingIn, operationsOf, shapeOf, type ApiDocument, type Operation } from "./openapi";

const DOCUMENT: ApiDocument = {
  openapi: "3.1.0",
  info: { title: "T", version: "1" },
  tags: [{ name: "Logs" }, { name: "Health" }],
  paths: {
    "/healthz": { get: { tags: ["Health"], summary: "Whether it is up.", responses: { 200: {} } } },
    "/logs/{id}": {
      get: {
        tags: ["Logs"],
        operationId: "logs",
        parameters: [{ name: "id", in: "path", required: true }, { name: "order", in: "query", schema: { $ref: "#/components/schemas/Order" } }, { name: "q", in: "query", description: "words" }],
        responses: { 200: { content: { "application/json": { schema: { $ref: "#/components/schemas/Page" } } } }, 429: { $ref: "#/components/responses/Busy" } },
      },
      delete: { tags: ["Logs"], security: [{ admin_token: [] }], requestBody: { content: { "application/json": { example: { note: "it's" } } } } },
    },
  },
  components: {
    schemas: {
      Order: { type: "string", enum: ["asc", "desc"], description: "By time." },
      Page: { allOf: [{ type: "object", required: ["rows"], properties: { rows: { type: "array", items: { $ref: "#/components/schemas/Row" } }, next: { oneOf: [{ type: "string", description: "Where to go on." }, { type: "null" }] } } }, { $ref: "#/components/schemas/Outcome" }] },
      Row: { type: "object", properties: { order: { $ref: "#/components/schemas/Order", description: "Its own words." }, tags: { type: "object", additionalProperties: {} }, below: { type: "array", items: { $ref: "#/components/schemas/Row" } } } },
      Outcome: { type: "object", required: ["complete"], properties: { complete: { type: "boolean", default: true } } },
    },
    responses: { Busy: { description: "Too much at once." } },
  },
};
const operations = operationsOf(DOCUMENT);
const logs = operations.find(({ id }) => id === "logs") as Operation;

describe("requests of a document", () => {
  it("stand in the order of the tags, with the answers that they refer to", () => {
    expect(operations.map(({ method, path }) => `${method} ${path}`)).toEqual(["GET /logs/{id}", "DELETE /logs/{id}", "GET /healthz"]);
    expect(logs.answers.map(([status, answer]) => [status, answer.description])).toEqual([["200", undefined], ["429", "Too much at once."]]);
    expect(operations.map(({ admin }) => admin)).toEqual([false, true, false]);
  });

  it("are found by all words of what is said of them", () => {
    expect(isAbout(logs, "get WORDS")).toBe(true);
    expect(isAbout(logs, "get nothing")).toBe(false);
  });

  it("have an address, and curl asks for the same", () => {
    expect(missingIn(logs, { q: "x" })).toEqual(["id"]);
    expect(addressOf(logs, { id: "a/b", q: "x y", order: "" })).toBe("/logs/a%2Fb?q=x+y");
    expect(curlOf(logs, "http://h/logs/1", null)).toBe("curl -s 'http://h/logs/1'");
    const [, remove] = operations;
    expect(remove && curlOf(remove, "http://h/logs/1", "TOKEN")).toBe(`curl -s -X DELETE -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' -d '{"note":"it'\\''s"}' 'http://h/logs/1'`);
  });

  it("offer the values of a parameter that has few", () => {
    expect(logs.parameters.map((parameter) => choicesOf(DOCUMENT, parameter))).toEqual([null, ["asc", "desc"], null]);
  });
});

describe("a schema", () => {
  it("lays together what all holds, and says what may be null", () => {
    const page = shapeOf(DOCUMENT, { $ref: "#/components/schemas/Page" });
    expect(page.fields.map(([name, , required]) => [name, required])).toEqual([["rows", true], ["next", false], ["complete", true]]);
    expect(page.fields.map(([, schema]) => shapeOf(DOCUMENT, schema).type)).toEqual(["list of Row", "string or null", "boolean"]);
    expect(page.fields.map(([, schema]) => shapeOf(DOCUMENT, schema).description)).toEqual(["", "Where to go on.", ""]);
    expect(shapeOf(DOCUMENT, page.fields[2]?.[1] ?? {}).notes).toEqual(["default true"]);
  });

  it("is read level by level, also one that has itself within", () => {
    const row = shapeOf(DOCUMENT, { type: "array", items: { $ref: "#/components/schemas/Row" } });
    expect(row.fields.map(([name]) => name)).toEqual(["order", "tags", "below"]);
    expect(row.fields.map(([, schema]) => shapeOf(DOCUMENT, schema).type)).toEqual(['"asc" | "desc"', "object", "list of Row"]);
    expect(shapeOf(DOCUMENT, row.fields[0]?.[1] ?? {}).description).toBe("Its own words.");
  });
});
