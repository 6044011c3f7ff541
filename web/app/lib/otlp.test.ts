import { describe, expect, it } from "vitest";
import { assemble } from "./assemble";
import { FileError, fileSpans, readResourceSpans, traceJson } from "./otlp";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const text = (value: string) => ({ stringValue: value });
const span = (id: string, parent: string, name: string, from: number, to: number, more = {}) => ({
  traceId: TRACE, spanId: id.padStart(16, "0"), parentSpanId: parent && parent.padStart(16, "0"), name, kind: 2, startTimeUnixNano: String(1_700_000_000_000_000_000n + BigInt(from)), endTimeUnixNano: String(1_700_000_000_000_000_000n + BigInt(to)), ...more,
});
const document = (service: string, ...spans: unknown[]) => ({ resourceSpans: [{ resource: { attributes: [{ key: "service.name", value: text(service) }] }, scopeSpans: [{ scope: { name: "s" }, spans }] }] });
const tracesOf = (...documents: unknown[]) => assemble(fileSpans(readResourceSpans(documents.map((each) => JSON.stringify(each)).join("\n"))));

describe("a trace from a file", () => {
  it("is a tree, depth first, siblings by start, with own times and errors above", () => {
    const [trace] = tracesOf(
      document("web", span("1", "", "GET /", 0, 100), span("3", "1", "late", 60, 90), span("2", "1", "early", 10, 40)),
      document("db", span("4", "2", "SELECT", 20, 30, { kind: "SPAN_KIND_CLIENT", status: { code: 2, message: "gone" } })),
    );
    expect(trace?.spans.map((each) => [each.name, each.depth, each.parent_index, each.child_count, each.descendant_count, each.self_time_ns])).toEqual([
      ["GET /", 0, null, 2, 3, 40],
      ["early", 1, 0, 1, 1, 20],
      ["SELECT", 2, 1, 0, 0, 10],
      ["late", 1, 0, 0, 0, 30],
    ]);
    expect(trace).toMatchObject({ trace_id: TRACE, duration_ns: 100, depth: 3, error_count: 1, complete: true, warnings: [], start_time_unix_nano: "1700000000000000000" });
    expect(trace?.spans.map((each) => each.error_below)).toEqual([true, true, false, false]);
    expect(trace?.spans[2]).toMatchObject({ kind: "CLIENT", status_code: "ERROR", status_message: "gone", service_name: "db" });
    expect(trace?.services.map((each) => [each.service_name, each.self_time_ns])).toEqual([["web", 90], ["db", 10]]);
  });

  it("keeps values of every type, exactly", () => {
    const attributes = [
      { key: "big", value: { intValue: "9007199254740993" } },
      { key: "number", value: { intValue: "7" } },
      { key: "list", value: { arrayValue: { values: [{ boolValue: true }, { doubleValue: 0.5 }] } } },
      { key: "map", value: { kvlistValue: { values: [{ key: "a", value: text("b") }] } } },
    ];
    const events = [{ timeUnixNano: "1700000000000000005", name: "retry" }];
    const [trace] = tracesOf(document("web", span("1", "", "x", 0, 10, { attributes, events })));
    expect(trace?.spans[0]?.attributes).toEqual({ big: "9007199254740993", number: 7, list: [true, 0.5], map: { a: "b" } });
    expect(trace?.spans[0]?.events).toEqual([{ time_unix_nano: "1700000000000000005", offset_ns: 5, name: "retry", attributes: {} }]);
    expect(JSON.stringify(trace)).toContain("retry");
  });

  it("says which values are bytes, also within lists and maps, and has the first of a key that came twice", () => {
    const attributes = [
      { key: "key", value: { bytesValue: "AAE=" } },
      { key: "key", value: text("again") },
      { key: "text", value: text("AAE=") },
      { key: "parts", value: { arrayValue: { values: [{ intValue: "1" }, { kvlistValue: { values: [{ key: "in", value: { bytesValue: "AAE=" } }] } }] } } },
    ];
    const sent = document("web", span("1", "", "x", 0, 10, { attributes, events: [{ name: "e", attributes }] }));
    sent.resourceSpans[0]?.resource.attributes.push({ key: "id", value: { bytesValue: "/w==" } } as never);
    const marks = { key: true, parts: { "1": { in: true } } };
    expect(tracesOf(sent)[0]?.spans[0]).toMatchObject({
      attributes: { key: "AAE=", text: "AAE=", parts: [1, { in: "AAE=" }] }, bytes_in_attributes: marks, bytes_in_resource: { id: true }, events: [{ bytes_in_attributes: marks }],
    });
  });

  it("gives a span its whole time when what it started runs after it", () => {
    const [trace] = tracesOf(document("web", span("1", "", "send", 0, 10, { kind: 4 }), span("2", "1", "receive", 50, 80, { kind: 5 })));
    expect(trace?.spans.map((each) => each.self_time_ns)).toEqual([10, 30]);
  });

  it("counts a span that was sent twice once, and makes the server's half the child of the client's", () => {
    const client = span("1", "", "call", 0, 100, { kind: 3 });
    const [trace] = tracesOf(document("web", client, client), document("cart", span("1", "", "call", 10, 90), span("2", "1", "work", 20, 30, { kind: 1 })));
    expect(trace?.spans.map((each) => [each.service_name, each.kind, each.depth])).toEqual([["web", "CLIENT", 0], ["cart", "SERVER", 1], ["cart", "INTERNAL", 2]]);
  });

  it("says what is missing and what goes round in circles, and shows it all the same", () => {
    const [trace] = tracesOf(document("web", span("1", "9", "orphan", 0, 10), span("2", "3", "a", 0, 10), span("3", "2", "b", 0, 10)));
    expect(trace?.span_count).toBe(3);
    expect(trace?.warnings.map((each) => each.kind)).toEqual(["missing_parent", "parent_cycle"]);
  });

  it("reads ids in base64, and what Tempo wraps", () => {
    const base64 = { traceId: "CvdlGRbNQ92ESOshHIAxnA==", spanId: "AAAAAAAAAAE=" };
    const wrapped = { trace: { batches: document("web", span("1", "", "x", 0, 1, base64)).resourceSpans } };
    expect(tracesOf(wrapped)[0]).toMatchObject({ trace_id: TRACE, span_count: 1 });
  });

  it("can be saved as it came, without the others", () => {
    const other = { ...span("7", "", "other", 0, 1), traceId: "f".repeat(32) };
    const spans = readResourceSpans(JSON.stringify(document("web", span("1", "", "x", 0, 1), other)));
    expect(JSON.parse(traceJson(spans, TRACE))).toEqual({ resourceSpans: document("web", span("1", "", "x", 0, 1)).resourceSpans });
  });

  it("that is none is refused with the reason", () => {
    const failing = (content: string) => () => fileSpans(readResourceSpans(content));
    expect(failing("hello")).toThrow(FileError);
    expect(failing("hello")).toThrow(/not JSON/);
    expect(failing('{"a":1}\n{"a":')).toThrow("Line 2 is not JSON.");
    expect(failing('{"resourceLogs":[]}')).toThrow(/no spans/);
    expect(failing(JSON.stringify(document("web", { name: "x" })))).toThrow(/\(x\) has no trace id/);
    expect(failing(JSON.stringify(document("web", span("1", "", "x", 0, 1, { endTimeUnixNano: "soon" }))))).toThrow(/soon/);
  });
});
