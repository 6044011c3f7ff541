import { describe, expect, it } from "vitest";
import { spanOf } from "../testing/spans";
import { serverFind, spanFinder, unknownField } from "./find";
import { errorOrigins } from "./origin";

const SPANS = [
  spanOf({ name: "GET /cart", duration_ns: 50e6, attributes: { "http.route": "/cart/{id}", "http.response.status_code": 500 }, status_code: "ERROR", error_below: true }),
  spanOf({ service_name: "cart", name: "SELECT", kind: "CLIENT", duration_ns: 2e6, self_time_ns: 2e6, status_code: "ERROR", start_offset_ns: 10 }),
  spanOf({ service_name: "cart", name: "cache get", duration_ns: 9e3, events: [{ name: "exception", time_unix_nano: "0", offset_ns: 0, attributes: { "exception.type": "Timeout" } }] }),
];
const found = (text: string): number[] => {
  const test = spanFinder(text);
  return SPANS.flatMap((span, index) => (test?.(span) ? [index] : []));
};

describe("the search in a trace", () => {
  it("finds words anywhere, also in events", () => {
    expect(found("cart")).toEqual([0, 1, 2]);
    expect(found("timeout")).toEqual([2]);
    expect(found("cart select")).toEqual([1]);
  });

  it("knows fields, comparisons with units, and their opposites", () => {
    expect(found("service:cart")).toEqual([1, 2]);
    expect(found("status:error -service:cart")).toEqual([0]);
    expect(found("duration>1ms")).toEqual([0, 1]);
    expect(found("duration<=9us")).toEqual([2]);
    expect(found("http.response.status_code>=500")).toEqual([0]);
    expect(found("http.route:/cart/*")).toEqual([0]);
    expect(found("kind!=server")).toEqual([1]);
    expect(found("duration:[9us TO 2ms]")).toEqual([1, 2]);
    expect(found("-duration:{9us TO 2ms]")).toEqual([0, 2]);
    expect(found("http.response.status_code:[* TO *]")).toEqual([0]);
    expect(found("*:timeout")).toEqual([2]);
  });

  it("is none for an empty text", () => expect(spanFinder("  ")).toBeNull());
});

describe("the same search for the server", () => {
  it("is nothing without words", () => expect(serverFind("  ")).toBeNull());

  it("looks for words anywhere, in part of a word too, and for several as they stand", () => {
    expect(serverFind("sele *cart*")).toBe("*:*sele* *:*cart*");
    expect(serverFind("100% it's")).toBe('*:"100%" *:"it\'s"');
    expect(serverFind('"say \\"hi\\""')).toBe('*:"say \\"hi\\""');
  });

  it("keeps fields, comparisons, ranges and what must not be", () => {
    expect(serverFind("operation:SELECT* -service:cart duration>10ms")).toBe("name:SELECT* -service:cart duration>10ms");
    expect(serverFind('name:"GET /x" NOT duration:[9us TO 2ms]')).toBe('name:"GET /x" -duration:[9us TO 2ms]');
  });

  it("knows what only the page can tell", () => {
    expect(unknownField("x self>1ms")).toBe("self");
    expect(unknownField("x duration>1ms")).toBeNull();
  });
});

describe("where an error began", () => {
  it("is the span in error that has none below, the first to fail at the front", () => expect(errorOrigins(SPANS)).toEqual([1]));
});
