import { expect, test } from "vitest";
import { spanOf } from "../testing/spans";
import { flameGraph, openNodes } from "./flame";

const span = (parent_index: number | null, name: string, self_time_ns: number, status_code = "UNSET"): ReturnType<typeof spanOf> => spanOf({ parent_index, name, self_time_ns, status_code });

test("calls are told path by path, the widest first, and closed ones keep what is below them to themselves", () => {
  const top = flameGraph([span(null, "GET /", 1), span(0, "render", 2), span(0, "query", 3, "ERROR"), span(2, "read", 4), span(0, "query", 5)]);
  const rows = openNodes(top, new Set());
  expect(rows.map(({ name, depth, count, errors, self_ns, value_ns }) => [name, depth, count, errors, self_ns, value_ns])).toEqual([
    ["GET /", 1, 1, 0, 1, 15],
    ["query", 2, 2, 1, 8, 12],
    ["read", 3, 1, 0, 4, 4],
    ["render", 2, 1, 0, 2, 2],
  ]);
  expect(openNodes(top, new Set(rows.slice(1, 2))).map(({ name }) => name)).toEqual(["GET /", "query", "render"]);
});

test("by service, what a service does by itself is one row, which counts how often it was called", () => {
  const at = (parent_index: number | null, service_name: string, self_time_ns: number): ReturnType<typeof spanOf> => spanOf({ parent_index, service_name, self_time_ns });
  const top = flameGraph([at(null, "web", 1), at(0, "web", 2), at(1, "cart", 3), at(2, "cart", 4), at(0, "cart", 5), at(4, "web", 6)], "service");
  expect(openNodes(top, new Set()).map(({ service, depth, count, self_ns, value_ns }) => [service, depth, count, self_ns, value_ns])).toEqual([
    ["web", 1, 1, 3, 21],
    ["cart", 2, 2, 12, 18],
    ["web", 3, 1, 6, 6],
  ]);
});
