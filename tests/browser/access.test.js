// For who sees little, moves little, or uses no pointer: charts as tables, pages at 200 and 400 %, without motion,
// buttons that can be hit; and for who sees well: forty lines on a laptop.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { assertAccessible, assertFits, open, server, setUp, startServer } from "./browser.js";

const DAY = "start=2023-01-29T08:40:00.000Z&end=2023-01-29T15:45:00.000Z";
const TRACE = "fe6bf62f357743299319d640878ea4f0";
const WORD = "dispatcherServlet";

setUp(startServer);

const VIEWS = {
  logs: `/logs?q=${WORD}&${DAY}`,
  patterns: `/logs?view=patterns&${DAY}`,
  traces: `/traces?${DAY}`,
  trace: `/trace/${TRACE}`,
  flame: `/trace/${TRACE}?tab=flame`,
  calls: `/trace/${TRACE}?tab=calls`,
  graph: `/trace/${TRACE}?tab=graph`,
  statistics: `/trace/${TRACE}?tab=stats`,
  "logs of a trace": `/trace/${TRACE}?tab=logs`,
  compare: `/compare?left=median&right=${TRACE}`,
  services: "/services",
  changes: `/services?tab=changes&${DAY}`,
  service: `/services/ts-order-service?${DAY}`,
  errors: `/errors?${DAY}`,
  map: "/map",
  sql: "/sql?q=SELECT+service_name,+count(*)+FROM+spans+GROUP+BY+1",
  ingest: "/ingest",
  status: "/status",
  api: "/docs/api",
};

describe("a chart as a table", () => {
  test("has what the chart has, by keyboard: records over time", async () => {
    const { page, problems, close } = await open();
    await page.goto(`${server.http}/logs?q=${WORD}&${DAY}`);
    const figure = page.getByRole("figure", { name: /^196 records over time/ });
    await figure.waitFor();
    const button = page.getByRole("button", { name: "Records over time as a table" });
    // Wherever the last time of the axis falls, the button does not lie over it.
    for (let width = 390; width < 510; width += 10) {
      await page.setViewportSize({ width, height: 844 });
      await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
      const { x } = await button.boundingBox();
      const ends = await figure.locator(".histogram-axis span").evaluateAll((labels) => labels.map((label) => label.getBoundingClientRect().right));
      assert.ok(ends.length > 0 && ends.every((end) => end <= x), `at ${width} px the button at ${x} is over times that end at ${ends}`);
    }
    await page.setViewportSize({ width: 1440, height: 900 });
    await button.focus();
    await page.keyboard.press("Enter");
    const table = page.getByRole("dialog", { name: "Records over time" }).getByRole("table");
    await table.waitFor();
    await assertAccessible(page, "records over time as a table");
    const cells = await table.locator("tbody td").allTextContents();
    assert.equal(cells.reduce((sum, text) => sum + (Number(text) || 0), 0), 196);
    await page.keyboard.press("Escape");
    await table.waitFor({ state: "detached" });
    assert.deepEqual(problems, []);
    await close();
  });

  test("has what the chart has: rate, errors and duration", async () => {
    const { page, problems, close } = await open();
    await page.goto(`${server.http}/services/ts-order-service?${DAY}`);
    await page.getByRole("button", { name: "Duration as a table" }).click();
    const table = page.getByRole("dialog", { name: "Duration" }).getByRole("table");
    assert.deepEqual(await table.locator("thead th").allTextContents(), ["From", "p50", "p95", "p99"]);
    assert.match(await table.locator("tbody td").first().textContent(), /^[\d.]+ (µs|ms|s)$/);
    assert.deepEqual(problems, []);
    await close();
  });
});

// A laptop of 1440 × 900 at 200 %, and the narrowest that WCAG 2.2 asks for: 1280 at 400 %.
for (const [zoom, viewport] of [["200 %", { width: 720, height: 450 }], ["400 %", { width: 320, height: 256 }]]) {
  test(`nothing is wider than the page at ${zoom}, and all of it can be reached`, async () => {
    const { page, problems, close } = await open({ viewport, deviceScaleFactor: 1 });
    const found = [];
    for (const [name, path] of Object.entries(VIEWS)) {
      await page.goto(server.http + path, { waitUntil: "networkidle" });
      await assertFits(page).catch((error) => found.push(`${name}: ${error.message}`));
      // A list of which nothing is left to see can be scrolled by nobody.
      const least = await page.evaluate(() => Math.min(...[...document.querySelectorAll(".virtual, .page-scroll, .table-scroll, .map, .flame, .group-scroll")].map((each) => each.clientHeight)));
      if (least < 60) found.push(`${name}: ${least} px high`);
    }
    assert.deepEqual(found, []);
    assert.deepEqual(problems, []);
    await close();
  });
}

test("nothing moves for who does not want that", async () => {
  const moving = async (reducedMotion, path) => {
    const { page, problems, close } = await open({ reducedMotion });
    await page.route("**/api/v1/**", () => undefined);
    await page.goto(server.http + path);
    await page.locator(".skeleton, .progress-on").first().waitFor();
    const found = await page.evaluate(() => document.getAnimations().filter((each) => each.effect.getComputedTiming().duration > 0).map((each) => each.effect.target.className));
    assert.deepEqual(problems, []);
    await close();
    return found;
  };
  assert.ok((await moving("no-preference", VIEWS.logs)).length > 0, "something moves while it is waited for");
  for (const path of [VIEWS.logs, VIEWS.trace, VIEWS.services]) assert.deepEqual(await moving("reduce", path), [], path);
});

test("a trace is summed up in a sentence for who does not see its bars", async () => {
  const { page, close } = await open();
  await page.goto(`${server.http}/trace/${TRACE}`);
  const timeline = await server.get(`/api/v1/traces/${TRACE}`, { view: "timeline" });
  const tree = page.getByRole("treegrid");
  await tree.getByRole("row").first().waitFor();
  const summary = await page.locator(`#${await tree.getAttribute("aria-describedby")}`).textContent();
  for (const part of [timeline.spans[0].service_name, timeline.spans[0].name, `${timeline.span_count} spans`, `${timeline.services.length} services`]) assert.ok(summary.includes(part), `${part} in ${summary}`);
  await close();
});

test("forty lines stand on a laptop's screen", async () => {
  const { page, close } = await open();
  await page.goto(`${server.http}/logs?${DAY}`);
  const rows = page.getByRole("listbox", { name: "Log records" }).getByRole("option");
  await rows.nth(45).waitFor();
  await page.waitForLoadState("networkidle");
  const shown = await rows.evaluateAll((all) => {
    const list = document.querySelector(".log-list").getBoundingClientRect();
    return all.filter((row) => row.getBoundingClientRect().top >= list.top && row.getBoundingClientRect().bottom <= Math.min(list.bottom, innerHeight)).length;
  });
  assert.ok(shown >= 40, `${shown} lines`);
  await close();
});
