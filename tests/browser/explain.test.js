// SQL's EXPLAIN: what a statement reads as a funnel, measured if asked, with the plan below, on a laptop and on a phone.

import assert from "node:assert/strict";
import { test } from "node:test";

import { assertAccessible, assertFits, open, server, setUp, SIZES, startServer } from "./browser.js";

const STATEMENT = "SELECT count(*) FROM logs WHERE service_name = 'ts-order-service' AND matches(body, 'order')";

setUp(startServer);

/** What the server says of a statement. */
async function scansOf(query) {
  const answer = await fetch(`${server.http}/api/v1/sql`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ query }) });
  return (await answer.json()).scans;
}

const address = (query) => `${server.http}/sql?q=${encodeURIComponent(query)}`;
const cell = (page, step, of) => page.getByRole("row", { name: new RegExp(`^${step}`) }).locator(`[data-of="${of}"]`);
const number = (value) => String(value).replace(/\B(?=(\d{3})+(?!\d))/g, "\u2009");

test("Explain shows what is left after each step, Measure what was read", async () => {
  const { page, problems, close } = await open();
  await page.goto(address(STATEMENT));
  await page.locator(".result").waitFor();
  await page.getByRole("button", { name: "Explain", exact: true }).click();
  await page.getByRole("heading", { name: "What would be read" }).waitFor();
  assert.match(decodeURIComponent(page.url()), /EXPLAIN/);
  const [scan] = await scansOf(`EXPLAIN ${STATEMENT}`);
  const told = Object.fromEntries(scan.steps.map((step) => [step.step, step]));
  for (const [step, name] of [
    ["snapshot", "All files"],
    ["time", "Time range"],
    ["services", "Services"],
    ["index", "Index"],
  ]) {
    assert.equal(await cell(page, name, "files").textContent(), number(told[step].files), name);
    assert.equal(await cell(page, name, "rows").textContent(), number(told[step].rows), name);
  }
  assert.ok(told.index.rows < told.snapshot.rows);
  await page.getByText('asked for body:"order"').waitFor();
  assert.equal(await cell(page, "Read", "rows").textContent(), "");
  await page.getByText("Physical plan", { exact: true }).click();
  await page.getByText("DataSourceExec").first().waitFor();
  await assertAccessible(page, "a plan");

  // Until it was measured there stands what was planned, under its name.
  let release;
  const measured = new Promise((done) => (release = done));
  await page.route("**/api/v1/sql", async (route) => {
    if (route.request().postData().includes("EXPLAIN ANALYZE")) await measured;
    await route.continue();
  });
  await page.getByRole("button", { name: "Measure" }).click();
  await page.waitForURL(/ANALYZE/);
  await page.locator(".progress-on").waitFor();
  assert.equal(await page.getByRole("heading", { name: "What would be read" }).count(), 1);
  release();
  await page.getByRole("heading", { name: "What was read" }).waitFor();
  const [ran] = await scansOf(`EXPLAIN ANALYZE ${STATEMENT}`);
  const read = ran.steps.find((step) => step.step === "read");
  assert.equal(await cell(page, "Read", "rows").textContent(), number(read.rows));
  assert.notEqual(await cell(page, "Read", "time").textContent(), "");
  assert.match(await cell(page, "Row groups", "parts").textContent(), /row group/);
  await page.getByText("Plan with measures", { exact: true }).waitFor();

  await page.getByRole("button", { name: "Run the statement" }).click();
  await page.locator(".result").waitFor();
  assert.equal(new URL(page.url()).searchParams.get("q"), STATEMENT);
  assert.deepEqual(problems, []);
  await close();
});

test("a side that is read first is told apart, in both themes and on a phone", async () => {
  const few = "SELECT count(*) FROM spans WHERE trace_id IN (SELECT trace_id FROM spans WHERE name = 'no such operation')";
  const join = `EXPLAIN ${few.replace("no such operation", "queryForStationId")}`;
  for (const colorScheme of ["light", "dark"]) {
    const { page, problems, close } = await open({ viewport: SIZES.phone, colorScheme });
    await page.goto(address(join));
    await page.getByRole("heading", { name: "What would be read" }).waitFor();
    const scans = await scansOf(join);
    assert.equal(await page.locator(".funnel").count(), scans.length);
    assert.equal(await page.getByText("read first, to narrow what follows").count(), scans.filter(({ ran }) => ran).length);
    assert.ok(await page.getByText("All files", { exact: true }).first().isVisible());
    await assertFits(page);
    await assertAccessible(page, `a plan in ${colorScheme}`);
    assert.deepEqual(problems, []);
    await close();
  }
});
