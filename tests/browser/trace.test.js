// The trace page's own tools: similar siblings as one row, colours, clocks that disagree, and a file in the
// place of the server; by keyboard, as counts, on a phone.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { assertAccessible, assertFits, emptyServer, open, server, setUp, SIZES } from "./browser.js";

const MS = 1_000_000n;
const START = 1_675_000_000_000_000_000n;
const MANY = "a11".padStart(32, "0");
const SKEWED = "c10c".padStart(32, "0");
const JOB = "10b".padStart(32, "0");
const QUERIES = 12;
/** How far the clock of the stock service is behind, in milliseconds. */
const BEHIND = 500;

setUp(emptyServer, async () => {
  await server.post("/v1/traces", JSON.stringify(trace(MANY, manyQueries())));
  await server.post("/v1/traces", JSON.stringify(trace(SKEWED, skewed())));
  await server.post("/v1/traces", JSON.stringify(linking()));
});

/** Rows are id, parent, service, name, kind, start, length, whether it failed. The seventh query fails. */
const manyQueries = () => [
  [1, null, "shop", "GET /cart", 2, 0, 400, false],
  [2, 1, "shop", "render", 1, 360, 30, false],
  ...Array.from({ length: QUERIES }, (_, at) => [10 + at, 1, "shop", "SELECT item", 3, 5 + at * 25, 10 + at, at === 6]),
];

const skewed = () => [
  [1, null, "shop", "GET /stock", 2, 0, 100, false],
  [2, 1, "shop", "GET", 3, 5, 90, false],
  [3, 2, "stock", "GET /stock", 2, 10 - BEHIND, 80, false],
  [4, 3, "stock", "SELECT stock", 3, 20 - BEHIND, 40, false],
];

function trace(traceId, rows) {
  const id = (number) => `${traceId.slice(-8)}${String(number).padStart(8, "0")}`;
  const span = ([number, parent, , name, kind, from, ms, failed]) => ({
    traceId,
    spanId: id(number),
    parentSpanId: parent === null ? "" : id(parent),
    name,
    kind,
    startTimeUnixNano: String(START + BigInt(from) * MS),
    endTimeUnixNano: String(START + BigInt(from + ms) * MS),
    attributes: name.startsWith("SELECT") ? [{ key: "db.system.name", value: { stringValue: "mysql" } }] : [],
    status: failed ? { code: 2, message: "gone" } : {},
  });
  return {
    resourceSpans: [...new Set(rows.map((row) => row[2]))].map((name) => ({
      resource: { attributes: [{ key: "service.name", value: { stringValue: name } }] },
      scopeSpans: [{ scope: { name: "test" }, spans: rows.filter((row) => row[2] === name).map(span) }],
    })),
  };
}

/** A job in a trace of its own, that links to the request that set it off. */
function linking() {
  const made = trace(JOB, [[1, null, "mailer", "send", 5, 500, 20, false]]);
  made.resourceSpans[0].scopeSpans[0].spans[0].links = [{ traceId: MANY, spanId: `${MANY.slice(-8)}00000002` }];
  return made;
}

const tree = (page) => page.getByRole("treegrid");
const rows = (page) => tree(page).getByRole("row");
const chosen = (page) => tree(page).locator('[role="row"][aria-selected="true"]');

describe("similar siblings", () => {
  test("are one row with its figures, which the keyboard opens, walks through and lays together again", async () => {
    const { page, problems, close } = await open();
    await page.goto(`${server.http}/trace/${MANY}`);
    await rows(page).first().waitFor();
    assert.equal(await rows(page).count(), 3, "the root, the queries as one, the other child");
    await page.keyboard.press("j");
    await page.keyboard.press("j");
    await chosen(page).filter({ hasText: "12 ×" }).waitFor();
    const panel = page.getByRole("complementary", { name: "Similar spans" });
    await panel.getByRole("heading", { name: "12 × SELECT item" }).waitFor();
    await panel.getByText("21.0 ms").first().waitFor();
    assert.equal(new URL(page.url()).searchParams.get("span"), `similar:${"a11".padStart(8, "0")}00000010`);
    assert.equal(await chosen(page).getAttribute("aria-expanded"), "false");
    await assertAccessible(page, "similar spans");
    await page.keyboard.press("ArrowRight");
    await rows(page).nth(14).waitFor();
    await page.keyboard.press("ArrowRight");
    await page.getByRole("complementary", { name: "Span" }).waitFor();
    assert.equal(await chosen(page).getAttribute("aria-level"), "3");
    await page.keyboard.press("ArrowLeft");
    await page.keyboard.press("ArrowLeft");
    await page.waitForFunction(() => document.querySelectorAll('[role="treegrid"] [role="row"]').length === 3);
    assert.deepEqual(problems, []);
    await close();
  });

  test("open for an error within them, and can be left apart", async () => {
    const { page, problems, close } = await open();
    await page.goto(`${server.http}/trace/${MANY}`);
    await rows(page).first().waitFor();
    await rows(page).nth(1).getByTitle("1 of them failed").waitFor();
    await page.keyboard.press("x");
    await page.getByRole("complementary", { name: "Span" }).getByText("gone").waitFor();
    await chosen(page).filter({ hasText: "SELECT item" }).waitFor();
    await page.keyboard.press("o");
    await page.waitForURL("**similar=0**");
    await page.waitForFunction(() => document.querySelectorAll('[role="treegrid"] [role="row"]').length === 14);
    // A link shows a colleague the same.
    await page.reload();
    await rows(page).nth(13).waitFor();
    assert.equal(await rows(page).count(), 14);
    assert.deepEqual(problems, []);
    await close();
  });
});

describe("other traces", () => {
  test("say how slow a span is for its operation, and which link to it; a look at the whole does not ask them", async () => {
    const { page, problems, close } = await open();
    const asked = [];
    page.on("request", (request) => request.url().includes("include=") && asked.push(request.url()));
    await page.goto(`${server.http}/trace/${MANY}?similar=0`);
    await rows(page).nth(13).waitFor();
    assert.deepEqual(asked, []);
    // The longest of twelve, which took 10 to 21 ms.
    await rows(page).nth(12).click();
    const panel = page.getByRole("complementary", { name: "Span" });
    await panel.locator("dl.timing div").filter({ hasText: "Slower than" }).filter({ hasText: "100 % of 12" }).waitFor();
    await page.keyboard.press("End");
    await panel.getByText("Linked from").waitFor();
    assert.equal(asked.length, 1, "once, whichever spans are looked at");
    await panel.getByRole("link", { name: "mailer" }).click();
    await page.waitForURL(`**/trace/${JOB}**`);
    assert.deepEqual(problems, []);
    await close();
  });
});

describe("colours", () => {
  test("tell the values of any attribute apart, and its legend finds them", async () => {
    const { page, problems, close } = await open();
    await page.goto(`${server.http}/trace/${MANY}`);
    await page.getByLabel("Colour of the bars").selectOption("db.system.name");
    await page.waitForURL("**colour=db.system.name**");
    const legend = page.getByRole("group", { name: "Colours by db.system.name" });
    await legend.getByRole("button", { name: "none 2" }).waitFor();
    await legend.getByRole("button", { name: "mysql 12" }).click();
    await page.getByRole("status").filter({ hasText: "/12" }).waitFor();
    await assertAccessible(page, "legend");
    await page.getByLabel("Colour of the bars").selectOption("self");
    await page.getByText("Own time, from little").waitFor();
    assert.deepEqual(problems, []);
    await close();
  });
});

describe("clocks that disagree", () => {
  test("are adjusted and said to be, and the times as they were sent are one click away", async () => {
    const { page, problems, close } = await open();
    await page.goto(`${server.http}/trace/${SKEWED}?span=${"c10c".padStart(8, "0")}00000003`);
    await page.getByText("Clocks disagree; adjusted: stock by +500 ms").waitFor();
    const panel = page.getByRole("complementary", { name: "Span" });
    const startsAt = () => panel.locator("dl.timing div").filter({ hasText: "Starts at" }).locator("dd").textContent();
    assert.equal(await startsAt(), "+10.0 ms");
    assert.match(await panel.locator("dl.timing").textContent(), /Clock moved by\+500 ms/);
    await assertAccessible(page, "adjusted clocks");
    await page.getByRole("group", { name: "Clock" }).getByRole("button", { name: "Raw" }).click();
    await page.waitForURL("**clock=raw**");
    await page.getByText("Times as recorded, though clocks are up to 500 ms apart").waitFor();
    assert.equal(await startsAt(), "+0");
    assert.doesNotMatch(await panel.locator("dl.timing").textContent(), /Clock moved/);
    await page.goto(`${server.http}/trace/${MANY}`);
    await rows(page).first().waitFor();
    assert.equal(await page.getByRole("group", { name: "Clock" }).count(), 0, "nothing to adjust, nothing said");
    assert.deepEqual(problems, []);
    await close();
  });
});

test("a span has a page of its own, with all its panel says, among those that called it and that it called", async () => {
  for (const size of ["laptop", "phone"]) {
    const { page, problems, close } = await open({ viewport: SIZES[size], hasTouch: size === "phone" });
    const id = `${SKEWED.slice(-8)}00000003`;
    await page.goto(`${server.http}/trace/${SKEWED}?span=${id}`);
    const said = await page.getByRole("complementary", { name: "Span" }).locator("dl.timing").textContent();
    await page.getByRole("link", { name: "Open the span on its own page" }).click();
    await page.waitForURL(`**/trace/${SKEWED}/span/${id}`);
    await page.getByRole("heading", { name: "GET /stock" }).waitFor();
    await page.getByText("Slower than").waitFor();
    const own = await page.getByRole("group", { name: "The span" }).locator("dl.timing").textContent();
    assert.ok(own.startsWith(said.split("Slower than")[0].split("Clock moved")[0]), `${own} | ${said}`);
    const kin = page.getByRole("region", { name: "Its place in the trace" }).getByRole("link");
    assert.deepEqual((await kin.locator(".kin-text").allTextContents()).map((text) => text.trim()), ["GET /stock shop", "GET shop", "GET /stock stock", "SELECT stock stock"]);
    assert.equal(await page.locator(".kin-row[aria-current]").count(), 1);
    await assertFits(page);
    await assertAccessible(page, `a span, ${size}`);
    await kin.last().click();
    await page.getByRole("heading", { name: "SELECT stock" }).waitFor();
    await page.getByText("mysql").first().waitFor();
    await page.reload();
    await page.getByRole("heading", { name: "SELECT stock" }).waitFor();
    await page.goBack();
    await page.getByRole("heading", { name: "GET /stock" }).waitFor();
    await page.keyboard.press("Escape");
    await page.waitForURL(`**/trace/${SKEWED}?span=${id}`);
    await page.getByRole("complementary", { name: "Span" }).waitFor();
    await page.goto(`${server.http}/trace/${SKEWED}/span/${"ab".repeat(8)}`);
    await page.getByRole("heading", { level: 1, name: "This span is not in its trace" }).waitFor();
    await assertAccessible(page, "no span");
    assert.deepEqual(problems, []);
    await page.goto(`${server.http}/trace/${"ab".repeat(16)}/span/${id}`);
    await page.getByRole("heading", { level: 1, name: "This trace is not here" }).waitFor();
    await close();
  }
});

describe("a file in the place of the server", () => {
  const textOf = async (page) => (await rows(page).allTextContents()).join("\n");
  /** What one trace is as a download. */
  const file = async (...ids) => {
    const documents = await Promise.all(ids.map((id) => server.get(`/api/v1/traces/${id}`)));
    return { name: "traces.jsonl", mimeType: "application/json", buffer: Buffer.from(documents.map((each) => JSON.stringify(each)).join("\n")) };
  };

  test("shows the same trace without asking the server for anything, and gives it back", async () => {
    const { page, problems, close } = await open();
    await page.goto(`${server.http}/trace/${MANY}?similar=0`);
    await rows(page).nth(13).waitFor();
    const fromServer = await textOf(page);
    await page.goto(`${server.http}/open?similar=0`);
    const requests = [];
    // The frame of every page asks which tenants there are.
    page.on("request", (request) => /\/(api\/(?!v1\/tenants$)|jaeger\/)/.test(request.url()) && requests.push(request.url()));
    await page.getByLabel("Trace file").setInputFiles(await file(MANY));
    await rows(page).nth(13).waitFor();
    assert.equal(await textOf(page), fromServer);
    await rows(page).nth(7).click();
    await page.getByRole("complementary", { name: "Span" }).getByText("gone").waitFor();
    await assertAccessible(page, "a trace from a file");
    const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Download as OTLP JSON" }).click()]);
    assert.equal(download.suggestedFilename(), `trace-${MANY}.json`);
    await page.getByRole("tab", { name: "Flame graph" }).click();
    await page.getByRole("img", { name: /^Flame graph/ }).waitFor();
    assert.deepEqual(requests, []);
    assert.deepEqual(problems, []);
    await close();
  });

  test("may hold several, and says what is wrong with one that is none, on a phone", async () => {
    const { page, problems, close } = await open({ viewport: SIZES.phone, isMobile: true, hasTouch: true });
    await page.goto(`${server.http}/open`);
    await assertAccessible(page, "choosing a file");
    await page.getByLabel("Trace file").setInputFiles({ name: "x.json", mimeType: "application/json", buffer: Buffer.from("{}") });
    await page.getByRole("alert").filter({ hasText: "There are no spans in it" }).waitFor();
    await page.getByLabel("Trace file").setInputFiles(await file(MANY, SKEWED));
    await page.getByText("2 traces, read in this browser").waitFor();
    await assertFits(page);
    await page.getByRole("link", { name: "shop GET /stock" }).click();
    await tree(page).waitFor();
    await page.getByText("Clocks disagree").waitFor();
    await assertFits(page);
    await page.getByRole("button", { name: "All its traces" }).click();
    await page.getByRole("link", { name: "shop GET /cart" }).waitFor();
    assert.deepEqual(problems, []);
    await close();
  });
});
