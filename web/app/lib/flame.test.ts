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
