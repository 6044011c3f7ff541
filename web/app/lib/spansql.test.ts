import { describe, expect, it } from "vitest";
import { detailOf } from "./spansql";

describe("the details of a span", () => {
  it("are read from a row, with all digits of times", () => {
    const detail = detailOf(["CLIENT", "1795790276961200000", "ERROR", "gone", { "db.system.name": "mysql" }, { "host.name": "a" }, "gen", null, [{ time: "2026-11-27T14:37:56.961290001Z", name: "exception", attributes: { "exception.type": "x.Gone" } }], [{ trace_id: "ab", span_id: "cd", attributes: {} }], null]);
    expect(detail).toMatchObject({ kind: "CLIENT", status_message: "gone", scope: { name: "gen" }, links: [{ trace_id: "ab", span_id: "cd" }] });
    expect(detail.events).toEqual([{ time_unix_nano: "1795790276961290001", offset_ns: 90001, name: "exception", attributes: { "exception.type": "x.Gone" } }]);
  });
});
