// Live logs: what comes in appears by itself; reading pauses the list and loses nothing; a lost connection, a
// server that stops, and more than can be shown are told.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { assertAccessible, assertFits, open, search, server, setUp, SIZES } from "./browser.js";

let sent = 0;

setUp();

/** `count` records in one request; each has a number of its own. */
async function send(count, { severity = 9, service = "shop" } = {}) {
  const now = BigInt(Date.now()) * 1_000_000n;
  const records = Array.from({ length: count }, () => {
    sent += 1;
    return { timeUnixNano: String(now + BigInt(sent)), severityNumber: severity, body: { stringValue: `line ${String(sent).padStart(5, "0")}` } };
  });
  const resource = { attributes: [{ key: "service.name", value: { stringValue: service } }] };
  await server.post("/v1/logs", JSON.stringify({ resourceLogs: [{ resource, scopeLogs: [{ logRecords: records }] }] }));
  return records.map((record) => record.body.stringValue);
}

const list = (page) => page.getByRole("listbox", { name: "Log records" });
const rowOf = (page, body) => list(page).getByRole("option").filter({ hasText: body });
const state = (page, text) => page.locator(".live-state").filter({ hasText: text }).waitFor();

describe("live logs", () => {
  test("begin with a key, show what comes and matches, and end with the same key", async () => {
    const { page, problems, close } = await open();
    await send(3);
    await page.goto(`${server.http}/logs`);
    await list(page).waitFor();
    await page.keyboard.press("l");
    await state(page, "Live");
    assert.equal(new URL(page.url()).searchParams.get("live"), "1");
    const [first] = await send(1);
    await rowOf(page, first).waitFor();
    await search(page, "severity>=error");
    await page.waitForURL("**severity**");
    await page.getByText("Nothing has come yet that matches").waitFor();
    await state(page, "Live");
    const [harmless] = await send(1);
    const [failed] = await send(1, { severity: 17 });
    await rowOf(page, failed).waitFor();
    assert.equal(await rowOf(page, harmless).count(), 0);
    await page.locator(".log-list").focus();
    await page.keyboard.press("l");
    await page.waitForFunction(() => !new URL(location.href).searchParams.has("live"));
    await rowOf(page, failed).waitFor();
    assert.deepEqual(problems, []);
    await close();
  });

  test("pause while somebody reads, count what waits, and lose nothing", async () => {
    const { page, problems, close } = await open();
    await page.goto(`${server.http}/logs?live=1`);
    await state(page, "Live");
    const before = await send(100);
    await rowOf(page, before.at(-1)).waitFor();
    const atEnd = () => page.locator(".log-list").evaluate((box) => box.scrollHeight - box.clientHeight - box.scrollTop);
    assert.ok((await atEnd()) < 40, "the newest is in sight");
    await page.locator(".log-list").evaluate((box) => {
      box.scrollTop = 0;
    });
    await state(page, "Paused");
    await rowOf(page, before[0]).waitFor();
    const waiting = await send(7);
    const more = page.getByRole("button", { name: "7 new records" });
    await more.waitFor();
    assert.equal(await rowOf(page, waiting[0]).count(), 0);
    await more.click();
    await state(page, "Live");
    await rowOf(page, waiting.at(-1)).waitFor();
    assert.ok((await atEnd()) < 40);
    // An open record pauses too; its panel is that of the search.
    await rowOf(page, waiting[0]).click();
    await page.getByRole("complementary", { name: "Log record" }).waitFor();
    await state(page, "Paused");
    const later = await send(1);
    await page.getByRole("button", { name: "1 new record" }).waitFor();
    await page.keyboard.press("p");
    await rowOf(page, later[0]).waitFor();
    await page.getByText("108 records").waitFor();
    assert.deepEqual(problems, []);
    await close();
  });

  test("say how many were left out", async () => {
    const { page, problems, close } = await open();
    await page.goto(`${server.http}/logs?live=1&q=service:flood`);
    await state(page, "Live");
    const lines = await send(1000, { service: "flood" });
    await page.getByText("875 records were left out").waitFor();
    await rowOf(page, lines.at(-1)).waitFor();
    assert.deepEqual(problems, []);
    await close();
  });

  test("go on where they were after a lost connection", async () => {
    const { page, close } = await open();
    await page.goto(`${server.http}/logs?live=1&q=service:lost`);
    await state(page, "Live");
    const [first] = await send(1, { service: "lost" });
    await rowOf(page, first).waitFor();
    // A server that stops ends its streams; what it takes in before the page is back is not missed.
    await server.restart();
    const [second] = await send(1, { service: "lost" });
    await state(page, "Live");
    await rowOf(page, second).waitFor();
    assert.equal(await rowOf(page, first).count(), 1);
    await page.getByText("2 records").waitFor();
    await close();
  });

  for (const [size, colorScheme] of [["laptop", "dark"], ["phone", "light"]]) {
    test(`shut nobody out: ${size}, ${colorScheme}`, async () => {
      const { page, problems, close } = await open({ viewport: SIZES[size], colorScheme, isMobile: size === "phone", hasTouch: size === "phone" });
      await page.goto(`${server.http}/logs?live=1&q=line`);
      await state(page, "Live");
      await assertFits(page);
      await assertAccessible(page, `empty, ${size}, ${colorScheme}`);
      const lines = await send(300);
      await rowOf(page, lines.at(-1)).waitFor();
      await page.getByRole("button", { name: "Pause" }).click();
      await send(5);
      await page.getByRole("button", { name: "5 new records" }).waitFor();
      await assertFits(page);
      await assertAccessible(page, `paused, ${size}, ${colorScheme}`);
      assert.deepEqual(problems, []);
      await close();
    });
  }
});
