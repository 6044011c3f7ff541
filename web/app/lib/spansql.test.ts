import { describe, expect, it } from "vitest";
import { detailOf, findStatement, unknownField } from "./spansql";

const where = (find: string): string => /AND (.*) ORDER BY/.exec(findStatement("t", find, 10) ?? "")?.[1] ?? "";

describe("a search within a large trace", () => {
  it("asks for nothing without words", () => {
    expect(findStatement("t", "  ", 10)).toBeNull();
  });

  it("looks for fields as they are called here, with times in nanoseconds", () => {
    expect(where("duration>10ms")).toBe("TRY_CAST(duration_ns AS DOUBLE) > 10000000");
    expect(where("service:Cart")).toBe("coalesce(lower(CAST(service_name AS VARCHAR)), '') = 'cart'");
    expect(where("http.route:/api/*")).toBe("coalesce(lower(CAST(attr('http.route') AS VARCHAR)), '') LIKE '/api/%'");
    expect(where("-duration:[1ms TO 2ms}")).toBe("NOT (TRY_CAST(duration_ns AS DOUBLE) >= 1000000 AND TRY_CAST(duration_ns AS DOUBLE) < 2000000)");
    expect(where("resource.host.name:a")).toContain('CAST("resource.host.name" AS VARCHAR)');
    expect(where("-status:error name!=x")).toBe("NOT coalesce(lower(CAST(status_code AS VARCHAR)), '') = 'error' AND NOT coalesce(lower(CAST(name AS VARCHAR)), '') = 'x'");
  });

  it("lets no text out of its quotes, nor be a wildcard", () => {
    expect(where("\"it's 100%_\"")).toContain("LIKE '%it''s 100\\%\\_%'");
    expect(where("`a'b`:c")).toContain("attr('`a''b`')");
    expect(where("duration>soon")).toBe("false");
  });

  it("knows what a server cannot tell of so large a trace", () => {
    expect(unknownField("x self>1ms")).toBe("self");
    expect(unknownField("x duration>1ms")).toBeNull();
  });
});

describe("the details of a span", () => {
  it("are read from a row, with all digits of times", () => {
    const detail = detailOf(["CLIENT", "1795790276961200000", "ERROR", "gone", { "db.system.name": "mysql" }, { "host.name": "a" }, "gen", null, [{ time: "2026-11-27T14:37:56.961290001Z", name: "exception", attributes: { "exception.type": "x.Gone" } }], [{ trace_id: "ab", span_id: "cd", attributes: {} }], null]);
    expect(detail).toMatchObject({ kind: "CLIENT", status_message: "gone", scope: { name: "gen" }, links: [{ trace_id: "ab", span_id: "cd" }] });
    expect(detail.events).toEqual([{ time_unix_nano: "1795790276961290001", offset_ns: 90001, name: "exception", attributes: { "exception.type": "x.Gone" } }]);
  });
});
