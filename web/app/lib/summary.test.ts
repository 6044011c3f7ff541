import { expect, test } from "vitest";
import type { ServiceTime } from "../api/types";
import { traceSummary } from "./summary";

const service = (service_name: string, self_time_ns: number): ServiceTime => ({ service_name, self_time_ns, span_count: 1, error_count: 0 });

test("a trace is summed up: its root, time, spans, failures, and who took the time", () => {
  const root = { service_name: "shop", name: "POST /orders" };
  const services = [service("shop", 10e6), service("stock", 80e6), service("mail", 6e6), service("log", 4e6)];
  expect(traceSummary({ root, duration_ns: 100e6, span_count: 7, error_count: 1, origin: { service_name: "stock", name: "UPDATE" }, services })).toBe(
    "shop POST /orders took 100 ms: 7 spans of 4 services, 1 failed, first in stock UPDATE. Most own time: stock 80 %, shop 10 %, mail 6.0 %.",
  );
  expect(traceSummary({ root: undefined, duration_ns: 0, span_count: 1, error_count: 0, origin: null, services: [service("shop", 0)] })).toBe(
    "A trace without its root took 0: 1 span of 1 service, none failed.",
  );
});
