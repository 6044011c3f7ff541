// What each view shows while it waits, when the server fails, and when an answer is not the whole truth. The server and
// its data are real; answers are held back, replaced or marked on their way to the page.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { assertAccessible, assertFits, open, server, setUp, SIZES, startServer } from "./browser.js";

const TRACE = "fe6bf62f357743299319d640878ea4f0";
const RANGE = "start=2023-01-29T08:40:00.000Z&end=2023-01-29T15:45:00.000Z";
const REASON = "2 files could not be read and were set aside";
const MESSAGE = "the disk is away";

/** `main`: the beginning of the request without which the view has nothing to show. */
const VIEWS = [
  { name: "logs", path: `/logs?${RANGE}`, main: "/api/v1/logs?" },
  { name: "patterns", path: `/logs?view=patterns&${RANGE}`, main: "/api/v1/logs/patterns" },
  { name: "traces", path: `/traces?${RANGE}`, main: "/api/v1/traces?" },
  { name: "heatmap", path: `/traces?chart=heat&${RANGE}`, main: "/api/v1/traces?" },
  { name: "trace", path: `/trace/${TRACE}?whole=1`, main: `/api/v1/traces/${TRACE}` },
  { name: "compare", path: `/compare?left=median&right=${TRACE}`, main: "/api/v1/traces/compare" },
  { name: "services", path: `/services?${RANGE}`, main: "/api/v1/services?" },
  { name: "service", path: `/services/ts-order-service?${RANGE}`, main: "/api/v1/services?" },
  { name: "map", path: `/map?${RANGE}`, main: "/api/v1/services/graph" },
  { name: "failures", path: `/errors?${RANGE}`, main: "/api/v1/failures" },
  { name: "exceptions", path: `/errors?tab=exceptions&${RANGE}`, main: "/api/v1/exceptions" },
];

setUp(startServer);

/** Requests of the API that a view asks, each as `change` wants it. */
const onApi = (page, change) => page.route((url) => url.pathname.startsWith("/api/v1/"), change);
const isMain = (route, view) => {
  const { pathname, search } = new URL(route.request().url());
  return (pathname + search).startsWith(view.main);
};

async function incomplete(route) {
  const answer = await route.fetch();
  if (answer.status() !== 200 || !/^application\/json/.test(answer.headers()["content-type"] ?? "")) return route.fulfill({ response: answer });
  const body = await answer.json();
  return route.fulfill({ response: answer, json: "complete" in body ? { ...body, complete: false, incomplete_reasons: [REASON] } : body });
}

const failed = (route) => route.fulfill({ status: 503, json: { error: { code: "unavailable", message: MESSAGE, hint: "come back later", position: null } } });

describe("an answer that is not complete", () => {
  for (const view of VIEWS) {
    for (const [size, colorScheme] of [["laptop", "light"], ["phone", "dark"]]) {
      test(`is said to be, once and with its reason: ${view.name}, ${size}`, async () => {
        const { page, problems, close } = await open({ viewport: SIZES[size], colorScheme, hasTouch: size === "phone" });
        await onApi(page, incomplete);
        await page.goto(server.http + view.path);
        const banner = page.getByRole("status").filter({ hasText: "This answer is incomplete" });
        await banner.first().waitFor();
        await page.waitForLoadState("networkidle");
        assert.equal(await banner.count(), 1);
        assert.match(await banner.textContent(), new RegExp(REASON));
        assert.ok(await banner.isVisible());
        await assertFits(page);
        await assertAccessible(page, `${view.name}, incomplete`);
        assert.deepEqual(problems, []);
        await close();
      });
    }
  }
});

describe("a view", () => {
  for (const view of VIEWS) {
    test(`shows its shape while it waits, and what comes then: ${view.name}`, async () => {
      const { page, problems, close } = await open();
      let release;
      const held = new Promise((resolve) => (release = resolve));
      await onApi(page, async (route) => {
        if (isMain(route, view)) await held;
        return route.continue();
      });
      await page.goto(server.http + view.path);
      const waiting = page.getByRole("status", { name: "Loading" });
      await waiting.waitFor();
      await assertAccessible(page, `${view.name}, loading`);
      release();
      await waiting.waitFor({ state: "detached" });
      assert.equal(await page.getByRole("alert").count(), 0);
      assert.deepEqual(problems, []);
      await close();
    });

    test(`says what the server said when that fails, and asks again when told to: ${view.name}`, async () => {
      const { page, close } = await open({ colorScheme: "dark" });
      let isAway = true;
      await onApi(page, (route) => (isAway && isMain(route, view) ? failed(route) : route.continue()));
      await page.goto(server.http + view.path);
      const alert = page.getByRole("alert");
      await alert.getByText(MESSAGE).waitFor();
      await alert.getByText("come back later").waitFor();
      await alert.getByText("503 unavailable").waitFor();
      await alert.getByRole("button", { name: "Copy the details" }).waitFor();
      await assertAccessible(page, `${view.name}, failed`);
      isAway = false;
      await alert.getByRole("button", { name: "Retry" }).click();
      await alert.waitFor({ state: "detached" });
      await close();
    });
  }
});

test("an error says under which id the server's log has it", async () => {
  const { page, close } = await open();
  const answered = page.waitForResponse((response) => response.url().includes("/api/v1/logs?") && response.status() === 400);
  await page.goto(`${server.http}/logs?q=${encodeURIComponent("duration>(")}`);
  const id = (await answered).headers()["x-request-id"];
  assert.match(id, /^[0-9a-f]{16}$/);
  await page.getByRole("alert").getByText(`400 invalid · request ${id}`).waitFor();
  await close();
});

describe("a list that takes a while", () => {
  for (const { name, path, row } of [
    { name: "logs", path: "/api/v1/logs", row: ".log-row[id]" },
    { name: "traces", path: "/api/v1/traces", row: ".trace-row" },
  ]) {
    test(`shows its first rows while the others are looked for, and each once: ${name}`, async () => {
      const { page, problems, close } = await open({ viewport: SIZES.phone, colorScheme: "dark", hasTouch: true });
      const asked = [];
      let release;
      const held = new Promise((resolve) => (release = resolve));
      // The server would have all at once: it is asked for the first rows of that, and for the others later.
      await page.route((url) => url.pathname === path && url.searchParams.has("patience_ms"), async (route) => {
        const url = new URL(route.request().url());
        asked.push(new URLSearchParams(url.search));
        if (asked.length > 1) {
          await held;
          return route.continue();
        }
        url.searchParams.set("limit", "3");
        const answer = await route.fetch({ url: url.href });
        return route.fulfill({ response: answer, json: { ...(await answer.json()), partial: true } });
      });
      await page.goto(`${server.http}/${name}?${RANGE}`);
      const note = page.getByRole("status").filter({ hasText: "are still looked for" });
      await note.waitFor();
      assert.match(await note.textContent(), /^The first 3 (records|traces); older ones/);
      assert.equal(await page.locator(row).count(), 3);
      await page.getByRole("button", { name: "Cancel" }).waitFor();
      await assertFits(page);
      await assertAccessible(page, `${name}, the first rows`);
      release();
      await note.waitFor({ state: "detached" });
      assert.ok((await page.locator(row).count()) > 3);
      assert.equal(asked.length, 2);
      assert.equal(Number(asked[1].get("limit")), Number(asked[0].get("limit")) - 3);
      assert.ok(Number(asked[1].get("patience_ms")) > Number(asked[0].get("patience_ms")));
      assert.ok(asked[1].get("cursor"));
      const heads = await page.locator(row).evaluateAll((rows) => rows.map((each) => each.id || each.querySelector("a")?.href));
      assert.equal(new Set(heads).size, heads.length);
      assert.deepEqual(problems, []);
      await close();
    });

    test(`keeps its first rows when it is cancelled: ${name}`, async () => {
      const { page, close } = await open();
      let first = true;
      await page.route((url) => url.pathname === path && url.searchParams.has("patience_ms"), async (route) => {
        if (!first) return undefined;
        first = false;
        const url = new URL(route.request().url());
        url.searchParams.set("limit", "3");
        const answer = await route.fetch({ url: url.href });
        return route.fulfill({ response: answer, json: { ...(await answer.json()), partial: true } });
      });
      await page.goto(`${server.http}/${name}?${RANGE}`);
      // Who cancels before the first rows are there keeps none.
      await page.getByText("are still looked for").waitFor();
      await page.getByRole("button", { name: "Cancel" }).click();
      await page.getByText("The next page did not come").waitFor();
      assert.equal(await page.locator(row).count(), 3);
      await close();
    });
  }
});
