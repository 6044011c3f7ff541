// Charts over time: rate, errors and durations above the list of traces and on a service's page, the period before
// behind them and in figures.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { assertAccessible, assertFits, boxOf, emptyServer, open, server, setUp, SIZES } from "./browser.js";

const START = Date.parse("2026-03-01T10:00:00Z");
const MINUTE = 60_000;
/** Ten minutes of ten requests with two failures, then ten of twenty without any. */
const RANGE = "start=2026-03-01T10:10:00Z&end=2026-03-01T10:20:00Z";

setUp(emptyServer, async () => {
  const early = Array.from({ length: 10 }, (_, at) => request(at, START + at * MINUTE, 100, at < 2));
  const late = Array.from({ length: 20 }, (_, at) => request(100 + at, START + 10 * MINUTE + at * (MINUTE / 2), 200, false));
  const resource = { attributes: [{ key: "service.name", value: { stringValue: "shop" } }] };
  await server.post("/v1/traces", JSON.stringify({ resourceSpans: [{ resource, scopeSpans: [{ spans: [...early, ...late] }] }] }));
});

const request = (id, ms, length, failed) => ({
  traceId: String(id).padStart(32, "a"),
  spanId: String(id).padStart(16, "a"),
  name: "GET /",
  kind: 2,
  startTimeUnixNano: `${ms + 1}000000`,
  endTimeUnixNano: `${ms + 1 + length}000000`,
  status: failed ? { code: 2 } : {},
});

const chart = (page, name) => page.getByRole("figure", { name: new RegExp(`^${name}: `) });

describe("above the list of traces", () => {
  test("are rate, errors and durations of what matches; marking a part zooms the list", async () => {
    const { page, problems, close } = await open();
    await page.goto(`${server.http}/traces?${RANGE}`);
    await page.getByRole("figure", { name: "Rate: 2.00/min. Drag to zoom." }).waitFor();
    await page.getByRole("figure", { name: "Duration: p95 up to 200 ms. Drag to zoom." }).waitFor();
    // The list and its facets are there: what comes later would move the charts under the pointer.
    await page.locator(".summary").getByText("20", { exact: true }).waitFor();
    await page.locator(".facets").waitFor();
    const { x, y, width, height } = await boxOf(chart(page, "Rate").locator(".histogram-plot"));
    await page.mouse.move(x + width / 2, y + height / 2);
    await page.mouse.down();
    await page.mouse.move(x + width - 1, y + height / 2, { steps: 4 });
    await page.mouse.up();
    await page.waitForFunction(() => new URL(location.href).searchParams.get("start") !== "2026-03-01T10:10:00Z");
    const from = Date.parse(new URL(page.url()).searchParams.get("start"));
    const marked = Array.from({ length: 20 }, (_, at) => START + 10 * MINUTE + at * (MINUTE / 2) + 1).filter((ms) => ms >= from).length;
    assert.ok(marked >= 9 && marked <= 11, `half of the requests are marked, not ${marked}`);
    await page.locator(".summary").getByText(String(marked), { exact: true }).waitFor();
    await page.goto(`${server.http}/traces?${RANGE}&q=status:error`);
    await page.getByText("No traces match").waitFor();
    assert.equal(await chart(page, "Rate").count(), 0, "nothing matches: no charts");
    assert.deepEqual(problems, []);
    await close();
  });

  test("give way to the traces one by one, and a link keeps that", async () => {
    const { page, problems, close } = await open();
    await page.goto(`${server.http}/traces?${RANGE}`);
    await page.getByRole("button", { name: "Trace by trace" }).click();
    await page.getByRole("figure", { name: /^Durations of 20 traces/ }).waitFor();
    await page.reload();
    await page.getByRole("figure", { name: /^Durations of 20 traces/ }).waitFor();
    await assertAccessible(page, "trace by trace");
    assert.deepEqual(problems, []);
    await close();
  });
});

describe("the period before", () => {
  test("lies behind the charts, and every figure says how it differs", async () => {
    const { page, problems, close } = await open();
    await page.goto(`${server.http}/traces?${RANGE}`);
    await page.getByRole("button", { name: "Period before" }).click();
    await page.waitForURL("**before=1**");
    await chart(page, "Rate").getByText("+100 %").waitFor();
    await chart(page, "Errors").getByText("was 20 %").waitFor();
    await chart(page, "Duration").getByText("+100 %").waitFor();
    const ghost = await chart(page, "Duration").locator(".timechart-ghost").getAttribute("d");
    assert.equal(ghost.split("M").length - 1, 10, "a stroke for each of its requests");
    await assertAccessible(page, "the period before");
    await page.getByRole("button", { name: "Period before" }).click();
    await chart(page, "Rate").getByText("+100 %").waitFor({ state: "detached" });
    await page.goto(`${server.http}/traces`);
    await chart(page, "Rate").waitFor();
    assert.equal(await page.getByRole("button", { name: "Period before" }).count(), 0, "all time has none before it");
    assert.deepEqual(problems, []);
    await close();
  });

  test("is there on a service's page too, also on a phone", async () => {
    const { page, problems, close } = await open({ viewport: SIZES.phone, isMobile: true, hasTouch: true, colorScheme: "dark" });
    await page.goto(`${server.http}/services/shop?${RANGE}&before=1`);
    await chart(page, "Rate").getByText("+100 %").waitFor();
    const figures = page.locator(".page-facts");
    await figures.getByText("+100 %").waitFor();
    await figures.getByText("was 20 %").waitFor();
    await assertFits(page);
    await assertAccessible(page, "a service and the period before");
    await page.goto(`${server.http}/traces?${RANGE}&before=1`);
    await chart(page, "Rate").waitFor();
    await assertFits(page);
    assert.deepEqual(problems, []);
    await close();
  });
});
