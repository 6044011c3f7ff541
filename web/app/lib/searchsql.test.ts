import { expect, test } from "vitest";
import { binsStatement, boundsOf, columnOf, edgesOf, groupStatement, logsStatement, tracesStatement, whereOf } from "./searchsql";

const NOW = Date.UTC(2023, 0, 29, 9);
const ALL = { start: null, end: null };

test("quotes in a query stay within the text", () => {
  expect(whereOf("logs", "body:\"it's\"", ALL, NOW)).toBe("WHERE search('body:\"it''s\"')\n");
  expect(whereOf("logs", " ", ALL, NOW)).toBe("");
});

test("both ends of a range are absolute times of the table's column", () => {
  expect(whereOf("spans", "", { start: "now-1h", end: "1674982800" }, NOW)).toBe("WHERE start_time >= '2023-01-29T08:00:00.000Z'\n  AND start_time < '2023-01-29T09:00:00.000Z'\n");
});

test("a field is a column, a column in quotes, or what `attr` finds", () => {
  expect(columnOf("logs", "service")).toBe("service_name");
  expect(columnOf("spans", "duration")).toBe("duration_ns");
  expect(columnOf("logs", "resource.host.name")).toBe('"resource.host.name"');
  expect(columnOf("logs", "user's")).toBe("attr('user''s')");
});

test("the columns of a list are there once, between time and body", () => {
  expect(logsStatement({ query: "level:error", range: ALL, nowMs: NOW }, ["level", "service", "severity_text", "body"], "asc", 100)).toBe("SELECT time, severity_text, service_name, body\nFROM logs\nWHERE search('level:error')\nORDER BY time ASC\nLIMIT 100");
});

test("groups and traces", () => {
  expect(groupStatement("logs", { query: "", range: ALL, nowMs: NOW }, "http.route", 50)).toBe("SELECT attr('http.route') AS value, count(*) AS records\nFROM logs\nGROUP BY 1\nORDER BY 2 DESC\nLIMIT 50");
  expect(tracesStatement({ query: "status:error", range: ALL, nowMs: NOW }, 20)).toContain("FROM spans\nWHERE search('status:error')\nGROUP BY trace_id");
});

test("bins are equal, or grow by a factor where the numbers do", () => {
  expect(edgesOf(boundsOf(0, 24))).toEqual(Array.from({ length: 25 }, (_, at) => at));
  const grown = edgesOf(boundsOf(1, 1_000_000));
  expect(grown).toHaveLength(25);
  expect(grown[12]).toBeCloseTo(1000);
  expect(edgesOf(boundsOf(5, 5))).toEqual([5, 5]);
  expect(binsStatement("logs", { query: "", range: ALL, nowMs: NOW }, "x", boundsOf(5, 5))).toContain("floor(0 * 24)");
});
