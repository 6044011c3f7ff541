import { expect, it } from "vitest";
import { ownOf, progressText, type RunningPage } from "./progress";

const entry = (kind: string, query: string, rows_read = 0, rows_planned = 0, bytes_read = 0): RunningPage["queries"][number] => ({ kind, query, state: "running", rows_read, rows_planned, bytes_read });

it("a page finds its own query among those that run, also one without a text or with one that was cut", () => {
  const long = "SELECT " + "ä".repeat(2000);
  const page: RunningPage = {
    queries: [entry("/api/v1/logs", "timeout", 1, 4, 10), entry("/api/v1/logs", "/api/v1/logs?limit=100", 1, 2, 20), entry("/api/v1/services", "/api/v1/services", 0, 0, 30), entry("/api/v1/sql", long.slice(0, 1024), 4, 4, 40)],
  };
  expect(ownOf(page, "/api/v1/logs", "timeout")?.bytes).toBe(10);
  expect(ownOf(page, "/api/v1/logs", "")?.bytes).toBe(20);
  expect(ownOf(page, "/api/v1/services", "")?.bytes).toBe(30);
  expect(ownOf(page, "/api/v1/sql", long)?.bytes).toBe(40);
  expect(ownOf(page, "/api/v1/sql", "SELECT 1")).toBeNull();
  expect(ownOf(page, "/api/v1/logs", "time")).toBeNull();
});

it("how far it is stands in few words", () => {
  expect(progressText({ waiting: true, bytes: 0, share: null })).toBe("waits for its turn");
  expect(progressText({ waiting: false, bytes: 0, share: null })).toBe("running…");
  expect(progressText({ waiting: false, bytes: 1_500_000, share: null })).toBe("1.5 MB read");
  expect(progressText({ waiting: false, bytes: 1_500_000, share: 0.25 })).toBe("25 %, 1.5 MB read");
});
