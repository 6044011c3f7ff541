// A million log records on the real server: counted, charted, scrolled, narrowed down to one; as counts of what the
// page holds and asks for.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";

import { emptyServer, open, search, server, setUp } from "./browser.js";

const ROWS = 1_000_000;
const PIECE = 20_000;
const SCROLLED = 30_000;
const PAGE_NODES = 1500;
/** Of a log record. */
const ROW_PX = 17;
const START = 1_769_000_000_000_000_000n;
/** Between two records. */
const STEP = 3_600_000n;
const SERVICES = 5;
const RARE = 777_777;
const RANGE = "start=2026-01-21T12:00:00Z&end=2026-01-21T15:00:00Z";

setUp(emptyServer, async () => {
  for (let from = 0; from < ROWS; from += PIECE) await send(request(from));
});

/** As a sender does that is told to come back: this is faster than a build for tests writes files. */
async function send(body) {
  for (;;) {
    const answer = await fetch(`${server.otlpHttp}/v1/logs`, { method: "POST", headers: { "content-type": "application/json" }, body });
    if (answer.status === 200) return;
    assert.equal(answer.status, 429, await answer.text());
    await delay(1000 * Number(answer.headers.get("retry-after") ?? 1));
  }
}

/** Every tenth record of a service is a warning, and one of all says something that no other does. */
function request(from) {
  const records = Array.from({ length: SERVICES }, () => []);
  for (let row = from; row < from + PIECE; row += 1) {
    const text = row === RARE ? "the only needle among all of them" : `request ${row % 1000} was answered`;
    const warns = row % 50 < SERVICES;
    records[row % SERVICES].push(`{"timeUnixNano":"${START + BigInt(row) * STEP}","severityNumber":${warns ? 13 : 9},"body":{"stringValue":"${text}"}}`);
  }
  const resources = records.map((lines, service) => `{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"service-${service}"}}]},"scopeLogs":[{"logRecords":[${lines.join(",")}]}]}`);
  return `{"resourceLogs":[${resources.join(",")}]}`;
}

test("a million records are counted, charted, scrolled through and searched, in a page of few elements", async (context) => {
  const { page, problems, close } = await open();
  let requests = 0;
  page.on("request", (request) => (requests += request.url().includes("/api/v1/logs?") ? 1 : 0));
  const nodes = () => page.evaluate(() => document.querySelectorAll("*").length);
  const began = performance.now();
  await page.goto(`${server.http}/logs?${RANGE}`);
  const list = page.getByRole("listbox", { name: "Log records" });
  await list.getByRole("option").first().waitFor();
  context.diagnostic(`the first rows of ${ROWS}: ${Math.round(performance.now() - began)} ms`);
  await page.getByRole("figure", { name: /^1.000.000 records over time/ }).waitFor();
  context.diagnostic(`all of them over time: ${Math.round(performance.now() - began)} ms`);
  assert.ok((await nodes()) < PAGE_NODES, `${await nodes()} elements`);

  let loaded = 0;
  const frames = [];
  while (loaded < SCROLLED) {
    const step = await list.evaluate(async (element) => {
      const before = performance.now();
      element.scrollTop = element.scrollHeight;
      await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
      return { took: performance.now() - before, height: element.querySelector(".virtual-space").clientHeight, shown: element.querySelectorAll('[role="option"]').length };
    });
    assert.ok(step.shown < 120, `${step.shown} rows in the page`);
    frames.push(step.took);
    loaded = Math.round(step.height / ROW_PX);
  }
  frames.sort((a, b) => a - b);
  context.diagnostic(`a frame while scrolling: ${Math.round(frames[Math.floor(frames.length / 2)])} ms in the middle, ${Math.round(frames.at(-1))} ms at most; ${requests} requests for ${loaded} rows`);
  assert.ok(requests <= loaded / 1000 + 5, `${requests} requests for ${loaded} rows`);
  assert.ok((await nodes()) < PAGE_NODES, `${await nodes()} elements after ${loaded} rows`);

  await search(page, "severity:warn");
  await page.getByRole("figure", { name: /^100.000 records over time/ }).waitFor();
  await search(page, "needle");
  await page.getByRole("figure", { name: /^1 records? over time/ }).waitFor();
  await list.getByRole("option").filter({ hasText: "the only needle among all of them" }).waitFor();
  assert.equal(await list.getByRole("option").count(), 1);
  assert.deepEqual(problems, []);
  await close();
});
