import { expect, test } from "vitest";
import { sizeOf, type Tenant, tenantsOf } from "./tenant";

const usage = (rows: number, bytes: number) => ({ rows, bytes, files: 1, oldest_time: "", newest_time: "" });
const tenant = (name: string): Tenant => ({ name, spans: null, logs: usage(1, 0) });

test("there is something to choose as soon as there are two, or one is named", () => {
  expect(tenantsOf([], null)).toBeNull();
  expect(tenantsOf([tenant("default")], null)).toBeNull();
  expect(tenantsOf([tenant("team-a")], null)?.all.map(({ name }) => name)).toEqual(["default", "team-a"]);
  expect(tenantsOf([tenant("default"), tenant("team-a")], null)?.current).toBe("default");
  const empty = tenantsOf([], "team-b");
  expect([empty?.current, empty?.all.map(sizeOf)]).toEqual(["team-b", ["no rows"]]);
});

test("a tenant is as large as both tables", () => {
  expect(sizeOf({ name: "a", spans: usage(1200, 2048), logs: usage(34, 1024) })).toMatch(/^1.234 rows · 3\.1.kB/);
  expect(sizeOf({ name: "a", spans: null, logs: usage(1, 0) })).toBe("1 row");
});
