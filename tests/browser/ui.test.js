// What a person does in the first minute, in a real browser, light and dark, on a laptop and on a
// phone: search a word, see bars and rows, open a row's trace, see the waterfall. Pictures of each
// step are kept in target/screenshots, to be looked at.

import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";

import { SCREENSHOTS } from "../node/server.js";
import { assertFits, open, search, server, setUp, SIZES, startServer } from "./browser.js";

/** Set by the data: log records with the word, of which all belong to a trace. */
const WORD = "dispatcherServlet";
const HITS = 196;

mkdirSync(SCREENSHOTS, { recursive: true });
setUp(startServer);

for (const colorScheme of ["light", "dark"]) {
  for (const [size, viewport] of Object.entries(SIZES)) {
    describe(`${size}, ${colorScheme}`, () => {
      test("from a word to its trace", async () => {
        const { page, problems, close } = await open({
          viewport,
          colorScheme,
          isMobile: size === "phone",
          hasTouch: size === "phone",
        });
        const picture = (name) =>
          page.screenshot({ path: join(SCREENSHOTS, `${name}-${size}-${colorScheme}.png`) });

        await page.goto(server.http);
        await page.waitForURL("**/logs**");
        const rows = page.getByRole("listbox", { name: "Log records" }).getByRole("option");
        await rows.first().waitFor();

        await search(page, WORD);
        await page.waitForURL(`**q=${WORD}**`);
        const bars = page.getByRole("figure", { name: `${HITS} records over time` });
        await bars.waitFor();
        await page.waitForFunction(
          (word) => {
            const shown = [...document.querySelectorAll('[role="option"]')];
            return shown.length > 5 && shown.every((row) => row.textContent.includes(word));
          },
          WORD,
        );
        assert.ok((await bars.locator("svg path").count()) > 0, "the histogram has bars");
        await assertFits(page);
        await picture("logs");

        await rows.nth(2).click();
        const record = page.getByRole("complementary", { name: "Log record" });
        await record.waitFor();
        assert.match(await record.textContent(), new RegExp(WORD));
        await assertFits(page);
        await picture("log-record");

        await record.getByRole("link", { name: /trace/i }).click();
        await page.waitForURL("**/trace/*");
        const traceId = /trace\/([0-9a-f]{32})/.exec(page.url())[1];
        const timeline = await server.get(`/api/v1/traces/${traceId}`, { view: "timeline" });
        const spans = page.getByRole("treegrid", { name: `Spans of the trace, ${timeline.span_count} in all` });
        await spans.waitFor();
        // The record's span is chosen; on a phone its details cover the page.
        const details = page.getByRole("complementary", { name: "Span" });
        await details.waitFor();
        await assertFits(page);
        await picture("trace-span");
        await details.getByRole("button", { name: "Close" }).click();
        await details.waitFor({ state: "detached" });

        const shown = spans.getByRole("row");
        await shown.nth(5).waitFor();
        assert.ok((await shown.count()) >= 10, "the waterfall has rows");
        assert.ok((await spans.textContent()).includes(timeline.spans[0].name), "the root is among them");
        const painted = await spans.locator("canvas.bars").evaluate((canvas) => {
          const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
          return data.filter((value, at) => at % 4 === 3 && value > 0).length;
        });
        assert.ok(painted > 500, `the bars are drawn: ${painted} pixels`);
        await assertFits(page);
        await picture("trace");

        await shown.nth(3).click();
        await details.waitFor();
        await page.goBack();
        await page.waitForURL("**/logs**");
        await rows.first().waitFor();
        assert.deepEqual(problems, []);
        await close();
      });

      test("traces and services", async () => {
        const { page, problems, close } = await open({ viewport, colorScheme });
        await page.goto(`${server.http}/traces?q=status:error`);
        await page.locator('a[href^="/trace/"]').first().waitFor();
        await assertFits(page);
        await page.screenshot({ path: join(SCREENSHOTS, `traces-${size}-${colorScheme}.png`) });
        await page.goto(`${server.http}/services`);
        await page.getByText("ts-order-service").first().waitFor();
        await assertFits(page);
        await page.screenshot({ path: join(SCREENSHOTS, `services-${size}-${colorScheme}.png`) });
        assert.deepEqual(problems, []);
        await close();
      });
    });
  }
}

test("the theme follows the system", async () => {
  const background = async (colorScheme) => {
    const { page, close } = await open({ colorScheme });
    await page.goto(`${server.http}/logs`);
    const colour = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    await close();
    const [red, green, blue] = colour.match(/\d+/g).map(Number);
    return red + green + blue;
  };
  assert.ok((await background("light")) > 3 * 200, "light is light");
  assert.ok((await background("dark")) < 3 * 80, "dark is dark");
});

test("a wrong query is explained where it is wrong", async () => {
  const { page, close } = await open();
  await page.goto(`${server.http}/logs?q=${encodeURIComponent("service:x (timeout OR")}`);
  await page.getByRole("textbox", { name: "Query" }).and(page.locator('[aria-invalid="true"]')).waitFor();
  await page.screenshot({ path: join(SCREENSHOTS, "logs-error-laptop-light.png") });
  await close();
});

test("a pasted trace id opens its trace", async () => {
  const { page, problems, close } = await open();
  await page.goto(`${server.http}/logs`);
  await search(page, "FE6BF62F357743299319D640878EA4F0");
  await page.waitForURL("**/trace/fe6bf62f357743299319d640878ea4f0**");
  await page.getByRole("treegrid").waitFor();
  assert.deepEqual(problems, []);
  await close();
});

test("the way back from a trace leads to the same rows at the same place, without asking for them again", async () => {
  const { page, problems, close } = await open();
  await page.goto(`${server.http}/traces`);
  const list = page.locator(".trace-list");
  await list.locator(".trace-row").nth(20).waitFor();
  await page.waitForLoadState("networkidle");
  await list.evaluate((element) => (element.scrollTop = 900));
  await page.waitForFunction(() => document.querySelector(".trace-list").scrollTop === 900);
  let asked = 0;
  page.on("request", (request) => {
    const { pathname, searchParams } = new URL(request.url());
    // The next page may come as always.
    asked += pathname === "/api/v1/traces" && !searchParams.has("cursor") ? 1 : 0;
  });
  const { x, y } = await list.boundingBox();
  await page.mouse.click(x + 300, y + 100);
  await page.waitForURL("**/trace/*");
  await page.goBack();
  await list.locator(".trace-row").first().waitFor();
  assert.equal(await list.evaluate((element) => element.scrollTop), 900);
  assert.equal(asked, 0);
  assert.deepEqual(problems, []);
  await close();
});

test("the page and its assets come with a strict content security policy", async () => {
  const answer = await fetch(`${server.http}/`);
  const policy = answer.headers.get("content-security-policy");
  assert.match(policy, /default-src 'self'/);
  assert.doesNotMatch(policy, /script-src[^;]*unsafe/);
  const html = await answer.text();
  const assets = [...html.matchAll(/(?:src|href)="(\/[^"]+)"/g)].map((match) => match[1]);
  assert.ok(assets.length > 0);
  for (const asset of assets) {
    const got = await fetch(server.http + asset);
    assert.equal(got.status, 200, asset);
    assert.ok(!(got.headers.get("content-type") ?? "").startsWith("text/html"), asset);
  }
});

describe("between a phone and a laptop", () => {
  const RANGE = "start=2023-01-29T08:40:00.000Z&end=2023-01-29T15:45:00.000Z";
  for (const [name, path, ready] of [
    ["logs", `/logs?${RANGE}`, ".log-row[id]"],
    ["traces", `/traces?${RANGE}`, ".timechart"],
    ["traces and the period before", `/traces?before=1&${RANGE}`, ".timechart"],
    ["a service", `/services/ts-order-service?${RANGE}`, ".timechart"],
    ["trace", "/trace/fe6bf62f357743299319d640878ea4f0", ".tabs"],
    ["two traces", "/compare?left=median&right=fe6bf62f357743299319d640878ea4f0&show=all", ".compare-row"],
    ["two traces and a panel", "/compare?left=median&right=fe6bf62f357743299319d640878ea4f0&show=all&group=0", ".panel"],
  ]) {
    test(`nothing is wider than the page, and the search box and tabs are one line high: ${name}`, async () => {
      const { page, problems, close } = await open({ viewport: { width: 1100, height: 900 } });
      await page.goto(server.http + path);
      await page.locator(ready).first().waitFor();
      await page.waitForLoadState("networkidle");
      for (const width of [1100, 1000, 900, 800, 730]) {
        await page.setViewportSize({ width, height: 900 });
        // What is drawn follows a frame later.
        await page.waitForFunction(() => document.documentElement.scrollWidth <= window.innerWidth, null, { timeout: 5000 }).catch(() => {});
        await assertFits(page);
        const cut = await page.evaluate(() => {
          const edge = (each) => Math.min(window.innerWidth, each.closest(".compare-list, .timechart")?.getBoundingClientRect().right ?? Infinity);
          const beyond = (each) => each.getBoundingClientRect().right > edge(each) + 1;
          return [...document.querySelectorAll(".summary button, .summary a, .toolbar button, .toolbar select, .toolbar input, .compare-list .number, .timechart figcaption > *")].filter(beyond).map((each) => each.outerHTML.slice(0, 120));
        });
        assert.deepEqual(cut, [], `${width} px`);
        for (const line of await page.locator(".query-box, .toolbar .tabs button").all()) {
          const { height } = await line.boundingBox();
          assert.ok(height <= 40, `${width} px: ${height} px high`);
        }
      }
      assert.deepEqual(problems, []);
      await close();
    });
  }
});
