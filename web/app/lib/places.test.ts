import { describe, expect, it } from "vitest";
import { spanOf } from "../testing/spans";
import { placesOf, timeAround } from "./places";

describe("where a span ran", () => {
  it("is its service, and what its resource names", () => {
    const span = spanOf({ service_name: "cart", resource: { "k8s.pod.name": "cart-1", "host.name": "node a", "container.id": "" } });
    expect(placesOf(span).map(({ label, query }) => [label, query])).toEqual([["Service", "service:cart"], ["Pod", "resource.k8s.pod.name:cart-1"], ["Host", 'resource.host.name:"node a"']]);
  });

  it("is the database that it asked too, which logs nothing", () => {
    expect(placesOf(spanOf({ attributes: { "db.system": "mysql", "server.address": "db-1", "db.name": "shop" } })).at(-1)).toEqual({ label: "Database", value: "mysql db-1 shop", query: "db.system:mysql server.address:db-1 db.name:shop", hasLogs: false });
    expect(placesOf(spanOf({ attributes: { "server.address": "api" } }))).toHaveLength(1);
  });

  it("is looked at from a second before to a second after, on the clock that it has", () => {
    const trace = { start_time_unix_nano: "1675000000000000000" };
    expect(timeAround(trace, spanOf({ start_offset_ns: 5e6, duration_ns: 2e9 }))).toEqual({ start: "2023-01-29T13:46:39.005Z", end: "2023-01-29T13:46:43.005Z" });
    expect(timeAround(trace, spanOf({ start_offset_ns: 5e6, clock_delta_ns: 5e6 })).start).toBe("2023-01-29T13:46:39.000Z");
  });
});
