// Two traces laid over each other: from the slow one to the median of its operation, to the span that made the
// difference; from the list, from the palette; by keyboard, on a phone.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { assertAccessible, assertFits, emptyServer, open, server, setUp, SIZES } from "./browser.js";

const MS = 1_000_000n;
const START = 1_675_000_000_000_000_000n;
const SLOW = "5107".padStart(32, "0");
const USUAL = [1, 2, 3].map((number) => String(number).padStart(32, "0"));

setUp(emptyServer, async () => {
  for (const [at, id] of USUAL.entries()) await server.post("/v1/traces", JSON.stringify(trace(id, usual(100 + at))));
  await server.post("/v1/traces", JSON.stringify(trace(SLOW, slow())));
});

const usual = (ms) => [
  [1, null, "web", "POST /orders", 0, ms, "eu"],
  [2, 1, "stock", "reserve", 10, 20, "eu"],
  [3, 2, "stock", "SELECT items", 12, 5, "eu"],
];

/** Twenty queries in the place of one, and a retry that the others do not have. */
const slow = () => [
  [1, null, "web", "POST /orders", 0, 900, "eu"],
  [2, 1, "stock", "reserve", 10, 700, "us"],
  ...Array.from({ length: 20 }, (_, at) => [10 + at, 2, "stock", "SELECT items", 12 + at * 30, 25, "us"]),
  [40, 1, "mail", "retry", 720, 100, "eu"],
];

function trace(traceId, rows) {
  const services = [...new Set(rows.map((row) => row[2]))];
  const span = ([id, parent, , name, from, ms, region]) => ({
    traceId,
    spanId: `${traceId.slice(-8)}${String(id).padStart(8, "0")}`,
    parentSpanId: parent === null ? "" : `${traceId.slice(-8)}${String(parent).padStart(8, "0")}`,
    name,
    kind: 2,
    startTimeUnixNano: String(START + BigInt(from) * MS),
    endTimeUnixNano: String(START + BigInt(from + ms) * MS),
    attributes: [{ key: "cloud.region", value: { stringValue: region } }],
  });
  return {
    resourceSpans: services.map((name) => ({
      resource: { attributes: [{ key: "service.name", value: { stringValue: name } }] },
      scopeSpans: [{ scope: { name: "test" }, spans: rows.filter((row) => row[2] === name).map(span) }],
    })),
  };
}

const rowsOf = (page) => page.getByRole("treegrid", { name: "Spans of both traces" }).getByRole("row");
const params = (page) => new URL(page.url()).searchParams;

describe("a comparison", () => {
  test("leads by keys from a slow trace to what made it slow", async () => {
    const { page, problems, close } = await open();
    await page.goto(`${server.http}/trace/${SLOW}`);
    await page.getByRole("treegrid").getByRole("row").first().waitFor();
    await page.keyboard.press("m");
    await page.waitForURL(`**/compare?left=median&right=${SLOW}`);
    await page.getByText("of 3 traces").waitFor();
    await page.getByText("8.9× as long as the median").waitFor();
    const queries = rowsOf(page).filter({ hasText: "SELECT items" });
    await queries.getByText("1 → 20").waitFor();
    await rowsOf(page).filter({ hasText: "retry" }).getByText("only in the trace").waitFor();
    await page.getByRole("tab", { name: "Largest first" }).click();
    await page.keyboard.press("j");
    const panel = page.getByRole("complementary", { name: "Compared spans" });
    await panel.getByRole("heading", { name: "SELECT items" }).waitFor();
    assert.deepEqual(await panel.locator(".compare-attributes dt").allTextContents(), ["cloud.region"]);
    assert.deepEqual(await panel.locator(".compare-attributes dd").allTextContents(), ["Median: eu", "Trace: us"]);
    await panel.getByRole("link", { name: "In the trace (the longest)" }).click();
    await page.waitForURL(`**/trace/${SLOW}?span=*`);
    await page.getByRole("complementary", { name: "Span" }).getByRole("heading", { name: "SELECT items" }).waitFor();
    assert.deepEqual(problems, []);
    await close();
  });

  test("a link shows another the same, and the sides can be swapped", async () => {
    const { page, problems, close } = await open();
    await page.goto(`${server.http}/compare?left=${USUAL[1]}&right=${SLOW}&show=all&group=1`);
    await page.getByRole("complementary", { name: "Compared spans" }).getByRole("heading", { name: "reserve" }).waitFor();
    assert.equal(await rowsOf(page).count(), 4);
    await page.keyboard.press("x");
    await page.waitForFunction((id) => new URL(location.href).searchParams.get("left") === id, SLOW);
    await rowsOf(page).filter({ hasText: "retry" }).getByText("only in A").waitFor();
    assert.equal(params(page).get("show"), "all");
    assert.deepEqual(problems, []);
    await close();
  });

  test("draws spans where they were in time, both traces over one another", async () => {
    const { page, problems, close } = await open();
    await page.goto(`${server.http}/compare?left=${USUAL[1]}&right=${SLOW}&show=all`);
    await rowsOf(page).first().waitFor();
    const bars = (row, side) => rowsOf(page).filter({ hasText: row }).first().locator(`.bar-${side}`).evaluateAll((found) => found.map((bar) => [bar.style.left, bar.style.width].map((text) => Math.round(parseFloat(text) * 10) / 10)));
    // 900 ms are the whole width: 101 ms of the usual one are a ninth of it.
    assert.deepEqual(await bars("POST /orders", "after"), [[0, 100]]);
    assert.deepEqual(await bars("POST /orders", "before"), [[0, 11.2]]);
    assert.deepEqual(await bars("retry", "after"), [[80, 11.1]]);
    assert.deepEqual(await bars("retry", "before"), []);
    const queries = await bars("SELECT items", "after");
    assert.equal(queries.length, 20);
    assert.deepEqual([queries[0], queries[19]], [[1.3, 2.8], [64.7, 2.8]]);
    assert.deepEqual(await page.locator(".compare-scale span").allTextContents(), ["0", "450 ms", "900 ms"]);
    // In the list without its tree it is own time that is drawn, which is of no moment.
    await page.getByRole("tab", { name: "Largest first" }).click();
    await page.locator(".compare-scale").waitFor({ state: "detached" });
    assert.equal((await bars("SELECT items", "after")).length, 1);
    assert.deepEqual(problems, []);
    await close();
  });

  test("begins in the list with two marks, and in the palette with two ids", async () => {
    const { page, problems, close } = await open();
    await page.goto(`${server.http}/traces?q=service:web`);
    const list = page.getByRole("group", { name: "Traces" });
    await list.getByRole("link").nth(3).waitFor();
    await page.keyboard.press("j");
    await page.keyboard.press("c");
    await page.getByRole("link", { name: "Compare with the median" }).waitFor();
    await page.keyboard.press("j");
    await page.keyboard.press("c");
    const [left, right] = params(page).get("marks").split(",");
    assert.notEqual(left, right);
    await page.getByRole("link", { name: "Compare them" }).click();
    await page.waitForURL(`**/compare?left=${left}&right=${right}`);
    await page.getByRole("treegrid").or(page.getByText("No difference worth a look")).waitFor();
    await page.keyboard.press("Control+k");
    await page.getByRole("combobox").fill(`${USUAL[0]} ${SLOW}`);
    await page.keyboard.press("Enter");
    await page.waitForURL(`**/compare?left=${USUAL[0]}&right=${SLOW}`);
    await rowsOf(page).first().waitFor();
    assert.deepEqual(problems, []);
    await close();
  });

  test("says what it lacks: an id, a trace, a second trace of the operation", async () => {
    const { page, problems, close } = await open();
    await page.goto(`${server.http}/compare?right=${SLOW}`);
    await page.getByRole("textbox", { name: "A" }).fill("xyz");
    await page.getByText("Not a trace id").waitFor();
    assert.equal(await page.getByRole("button", { name: "Compare", exact: true }).isDisabled(), true);
    await page.getByRole("textbox", { name: "A" }).fill("median");
    await page.keyboard.press("Enter");
    await rowsOf(page).first().waitFor();
    await page.goto(`${server.http}/compare?left=${"f".repeat(32)}&right=${SLOW}`);
    await page.getByRole("heading", { name: "There is nothing to compare with" }).waitFor();
    assert.deepEqual(problems.filter((problem) => !problem.includes("404")), []);
    await close();
  });

  for (const [size, colorScheme] of [["laptop", "dark"], ["phone", "light"]]) {
    test(`shuts nobody out: ${size}, ${colorScheme}`, async () => {
      const { page, problems, close } = await open({ viewport: SIZES[size], colorScheme, isMobile: size === "phone", hasTouch: size === "phone" });
      for (const path of [`/compare?left=median&right=${SLOW}`, "/compare", "/traces?q=service:web&marks=" + SLOW]) {
        await page.goto(server.http + path, { waitUntil: "networkidle" });
        await assertFits(page);
        await assertAccessible(page, `${path}, ${size}, ${colorScheme}`);
      }
      await page.goto(`${server.http}/compare?left=median&right=${SLOW}`);
      await rowsOf(page).filter({ hasText: "SELECT items" }).click();
      await page.getByRole("complementary", { name: "Compared spans" }).waitFor();
      await assertFits(page);
      await assertAccessible(page, `compared spans, ${size}, ${colorScheme}`);
      assert.deepEqual(problems, []);
      await close();
    });
  }
});
