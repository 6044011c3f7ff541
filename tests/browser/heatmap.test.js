// Durations over time as a heatmap: marked by pointer and by keyboard, and what is marked goes into the query without loss.

import assert from "node:assert/strict";
import { test } from "node:test";

import { assertAccessible, assertFits, boxOf, emptyServer, open, server, setUp, SIZES } from "./browser.js";

const HOUR = 3_600_000;
const START = Date.parse("2026-01-20T10:00:00Z");
const PATH = "/traces?start=2026-01-20T10:00:00Z&end=2026-01-20T11:00:00Z&chart=heat";
const QUICK = 120;
const SLOW = 24;

setUp(emptyServer, async () => {
  const spans = [
    ...Array.from({ length: QUICK }, (_, at) => span(START + (at * HOUR) / QUICK, 12, false, at % 2 ? "a" : "b")),
    // Within ten minutes, on one node, all failing, more than a hundred times as slow.
    ...Array.from({ length: SLOW }, (_, at) => span(START + HOUR / 2 + at * 24_000, 3_000, true, "c")),
  ];
  await server.post("/v1/traces", JSON.stringify({ resourceSpans: [{ resource: { attributes: [{ key: "service.name", value: { stringValue: "shop" } }] }, scopeSpans: [{ spans }] }] }));
});

let number = 0;
function span(ms, length, failed, node) {
  number += 1;
  const id = number.toString(16);
  const start = Math.floor(ms);
  return { traceId: id.padStart(32, "0"), spanId: id.padStart(16, "0"), name: "GET /", kind: 2, startTimeUnixNano: `${start}000000`, endTimeUnixNano: `${start + length}000000`, attributes: [{ key: "node", value: { stringValue: node } }], status: failed ? { code: 2 } : {} };
}

const plot = (page) => page.getByRole("application", { name: `${QUICK + SLOW} spans by time and duration` });
const loaded = (page) => page.getByText("Drag a box to ask").waitFor();

test("a box drawn on it asks what is special about those within, and can be made the query", async () => {
  const { page, problems, close } = await open();
  await page.goto(server.http + PATH.replace("&chart=heat", ""));
  await page.getByRole("button", { name: "Heatmap" }).click();
  await page.waitForURL("**chart=heat**");
  await plot(page).waitFor();
  await loaded(page);
  await assertAccessible(page, "heatmap");
  const box = await boxOf(plot(page));
  const chart = { left: box.x + 58, width: box.width - 58 };
  await page.mouse.move(chart.left + chart.width * 0.45, box.y + 2);
  await page.mouse.down();
  await page.mouse.move(chart.left + chart.width * 0.75, box.y + box.height * 0.3, { steps: 5 });
  await page.getByText(`${SLOW} spans, ${SLOW} failed`).first().waitFor();
  await page.mouse.up();
  const panel = page.getByRole("complementary", { name: "What they have in common" });
  await panel.getByRole("button", { name: /node.*c/ }).waitFor();
  const clause = new URL(page.url()).searchParams.get("diff");
  assert.match(clause, /^duration>=\d+(ms|s)( duration<\d+s)?$/);
  await panel.getByRole("button", { name: "Show only these" }).click();
  await page.waitForURL((url) => url.searchParams.get("q") === clause);
  await page.getByText(`${SLOW} traces`).waitFor();
  assert.ok(Date.parse(new URL(page.url()).searchParams.get("start")) > START, "the time was taken over");
  assert.deepEqual(problems, []);
  await close();
});

test("is gone through and marked with the keyboard, and is the same on a phone", async () => {
  const { page, problems, close } = await open({ viewport: SIZES.phone, hasTouch: true });
  await page.goto(server.http + PATH);
  await plot(page).waitFor();
  await page.waitForFunction(() => document.querySelectorAll(".heatmap-bands span").length > 1);
  await assertFits(page);
  await assertAccessible(page, "heatmap on a phone");
  await plot(page).focus();
  await page.keyboard.press("ArrowLeft");
  await page.getByRole("status").filter({ hasText: /: \d+.spans?/ }).waitFor();
  for (let turn = 0; turn < 40; turn += 1) await page.keyboard.press("Shift+ArrowLeft");
  for (let turn = 0; turn < 3; turn += 1) await page.keyboard.press("Shift+ArrowDown");
  await page.keyboard.press("Enter");
  await page.getByRole("complementary", { name: "What they have in common" }).waitFor();
  assert.match(new URL(page.url()).searchParams.get("diff"), /^duration/);
  assert.deepEqual(problems, []);
  await close();
});

test("finds every span with one question, and says when the durations did not come", async () => {
  const { page, problems, close } = await open();
  let asked = 0;
  let refused = true;
  await page.route("**/api/v1/spans/h**", (route) => {
    asked += 1;
    return refused ? route.fulfill({ status: 503, contentType: "application/json", body: JSON.stringify({ error: { code: "unavailable", message: "a file cannot be read", hint: null } }) }) : route.continue();
  });
  await page.goto(server.http + PATH);
  await page.getByRole("alert").filter({ hasText: "Durations did not come: a file cannot be read" }).waitFor();
  refused = false;
  asked = 0;
  await page.getByRole("button", { name: "Ask again" }).click();
  await loaded(page);
  await page.getByRole("alert").waitFor({ state: "detached" });
  await plot(page).focus();
  for (let turn = 0; turn < 12; turn += 1) await page.keyboard.press("ArrowUp");
  for (let turn = 0; turn < 62; turn += 1) await page.keyboard.press("ArrowLeft");
  for (let turn = 0; turn < 62; turn += 1) await page.keyboard.press("Shift+ArrowRight");
  for (let turn = 0; turn < 12; turn += 1) await page.keyboard.press("Shift+ArrowDown");
  await page.getByRole("status").filter({ hasText: `${QUICK + SLOW} spans, ${SLOW} failed` }).waitFor();
  assert.equal(asked, 1);
  assert.deepEqual(problems.filter((text) => !/status of 503/.test(text)), []);
  await close();
});
