import { expect, test } from "vitest";
import type { Scan, ScanStep } from "../api/types";
import { costOf, isCheapToPlan, stepsOf } from "./cost";

const step = (name: string, files: number | null, rows: number | null, bytes: number | null): ScanStep => ({ step: name, files, rows, bytes, row_groups: null, pages: null, read_bytes: null, elapsed_ns: null, detail: "" });
const scan: Scan = {
  table: "logs",
  ran: false,
  steps: [step("snapshot", 40, 400, 4000), step("time", 8, 80, 800), step("services", null, null, null), step("index", 3, 5, 300), step("visible", 3, 4, 300), step("row_groups", null, null, null), step("buffer", null, 7, null)],
};

test("what is left after the last step that planning knows is what is read at most", () => {
  expect(costOf([scan])).toEqual({ files: 3, allFiles: 40, bytes: 300, allBytes: 4000, rows: 4, inMemory: 7 });
  expect(costOf([scan, scan]).bytes).toBe(600);
  expect(costOf([])).toEqual({ files: 0, allFiles: 0, bytes: 0, allBytes: 0, rows: 0, inMemory: 0 });
});

test("a step that changes nothing leaves what the one before left", () => {
  expect(stepsOf(scan).map((each) => [each.step, each.files])).toEqual([["snapshot", 40], ["time", 8], ["services", 8], ["index", 3], ["visible", 3]]);
});

test("no files are no bytes", () => {
  expect(costOf([{ ...scan, steps: [step("snapshot", 4, 40, 400), step("index", 0, 0, 0)] }]).bytes).toBe(0);
});

test("what is asked of other records of a trace is searched for when it is planned", () => {
  expect(isCheapToPlan("level:error timeout")).toBe(true);
  expect(isCheapToPlan("logs:(timeout) status:error")).toBe(false);
  expect(isCheapToPlan("-trace:(service:db)")).toBe(false);
});
