import { expect, test } from "vitest";
import { isAged } from "./aged";

const baseline = (start: number | null, data: number | null, since: number | null): Parameters<typeof isAged>[0] => {
  const text = (at: number | null): string | null => (at === null ? null : `${at}000000000`);
  return { baseline_start_unix_nano: text(start), baseline_data_start_unix_nano: text(data), since_unix_nano: text(since) };
};

test("without data before, or with that of its last moments alone, nothing is known to be new", () => {
  expect(isAged(baseline(1000, null, 4600))).toBe(false);
  expect(isAged(baseline(1000, 4590, 4600))).toBe(false);
  expect(isAged(baseline(null, null, null))).toBe(false);
});

test("a tenth of the time before is enough", () => {
  expect(isAged(baseline(1000, 4240, 4600))).toBe(true);
  expect(isAged(baseline(1000, 1000, 4600))).toBe(true);
  expect(isAged(baseline(null, 4599, 4600))).toBe(true);
});
