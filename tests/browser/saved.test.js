// Searches with a name: on the server, for everybody; those of a browser are moved there once; and what is said when
// the server refuses.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { assertAccessible, assertFits, launch, openPage, SIZES } from "./browser.js";
import { Server } from "../node/server.js";

let server;
let browser;

before(async () => {
  server = await Server.start();
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

const open = (options) => openPage(browser, server, { viewport: SIZES.laptop, ...options });
const menu = (page) => page.locator(".saved");
const openMenu = (page) => page.getByRole("button", { name: "Saved and recent searches" }).click();
const nameField = (page) => page.getByRole("textbox", { name: "Name for this search" });

async function save(page, name) {
  await nameField(page).fill(name);
  await page.keyboard.press("Enter");
}

test("a search that was saved is there for everybody, after a restart too, in the menu and the palette, until it is forgotten", async () => {
  const first = await open();
  await first.page.goto(`${server.http}/traces?q=duration>1s&start=now-1h&sort=duration`);
  await openMenu(first.page);
  await save(first.page, "slow ones");
  await menu(first.page).getByRole("button", { name: "slow ones", exact: true }).waitFor();
  await assertAccessible(first.page, "saved searches");
  const [kept] = (await server.get("/api/v1/searches")).searches;
  assert.deepEqual([kept.view, kept.query, kept.parameters], ["traces", "duration>1s", { start: "now-1h", sort: "duration" }]);
  await server.restart();
  const second = await open();
  await second.page.goto(`${server.http}/logs`);
  await second.page.keyboard.press("Control+k");
  await second.page.getByRole("combobox", { name: /^Go to/ }).fill("slow ones");
  await second.page.getByRole("option", { name: /slow ones ?Saved in traces/ }).waitFor();
  await second.page.keyboard.press("Enter");
  await second.page.waitForURL("**/traces?q=duration%3E1s&**sort=duration**");
  await openMenu(second.page);
  await menu(second.page).getByRole("button", { name: "Forget slow ones" }).click();
  await menu(second.page).getByRole("button", { name: "slow ones", exact: true }).waitFor({ state: "detached" });
  assert.deepEqual((await server.get("/api/v1/searches")).searches, []);
  assert.deepEqual([...first.problems, ...second.problems], []);
  await first.close();
  await second.close();
});

test("a name that is taken can be taken over, and nothing that was typed is lost when the server refuses", async () => {
  const { page, problems, close } = await open({ viewport: SIZES.phone, hasTouch: true });
  await page.goto(`${server.http}/logs?q=level:error`);
  await openMenu(page);
  await save(page, "failures");
  await menu(page).getByRole("button", { name: "failures", exact: true }).waitFor();
  await page.goto(`${server.http}/logs?q=severity>=error`);
  await openMenu(page);
  await menu(page).getByRole("button", { name: "failures", exact: true }).waitFor();
  await save(page, "failures");
  await menu(page).getByRole("alert").filter({ hasText: "There is a search “failures” already" }).waitFor();
  await assertFits(page);
  await page.getByRole("button", { name: "Replace it" }).click();
  await page.getByRole("alert").waitFor({ state: "detached" });
  const { searches } = await server.get("/api/v1/searches", { view: "logs" });
  assert.deepEqual(searches.map((search) => [search.name, search.query]), [["failures", "severity>=error"]]);
  assert.equal(await nameField(page).inputValue(), "");
  const refuse = (route) => route.fulfill({ status: 503, contentType: "application/json", body: JSON.stringify({ error: { code: "unavailable", message: "the catalog cannot be written", hint: "free some space" } }) });
  await page.route("**/api/v1/searches", (route) => (route.request().method() === "POST" ? refuse(route) : route.continue()));
  await save(page, "another");
  await menu(page).getByRole("alert").filter({ hasText: "the catalog cannot be written: free some space" }).waitFor();
  assert.equal(await nameField(page).inputValue(), "another");
  await page.unroute("**/api/v1/searches");
  await page.route("**/api/v1/searches", refuse);
  await page.reload();
  await openMenu(page);
  await menu(page).getByRole("alert").waitFor();
  await page.unroute("**/api/v1/searches");
  await menu(page).getByRole("button", { name: "Retry" }).click();
  await menu(page).getByRole("button", { name: "failures", exact: true }).waitFor();
  // The browser notes the answers that were made to fail.
  assert.deepEqual(problems.filter((text) => !/status of (409|503)/.test(text)), []);
  await close();
});

test("searches that a browser kept are moved to the server once", async () => {
  const { page, problems, close } = await open();
  const kept = [
    { name: "mine", href: "/sql?q=SELECT+1" },
    { name: "failures", href: "/logs?q=status%3Aerror&start=now-1d" },
    { name: "the map", href: "/map?start=now-1d" },
  ];
  await page.addInitScript((list) => localStorage.getItem("spoor.saved") ?? localStorage.setItem("spoor.saved", JSON.stringify(list)), kept);
  await page.goto(`${server.http}/logs`);
  await openMenu(page);
  await menu(page).getByText(/3.searches are kept in this browser only/).waitFor();
  await assertAccessible(page, "searches to be moved");
  await menu(page).getByRole("button", { name: "Move to the server" }).click();
  await menu(page).getByText("the map: the server keeps no searches of that page").waitFor();
  await menu(page).getByRole("button", { name: "mine in sql" }).waitFor();
  await menu(page).getByText(/1.search is kept in this browser only/).waitFor();
  await menu(page).getByRole("button", { name: "Forget them" }).click();
  await menu(page).getByText("kept in this browser only").waitFor({ state: "detached" });
  const { searches } = await server.get("/api/v1/searches");
  // The test before saved another one under that name.
  assert.deepEqual(searches.map((search) => `${search.view} ${search.name}`).sort(), ["logs failures", "logs failures (2)", "sql mine"]);
  await page.reload();
  await openMenu(page);
  await menu(page).getByRole("button", { name: "failures (2)", exact: true }).click();
  await page.waitForURL("**/logs?q=status%3Aerror&start=now-1d");
  await openMenu(page);
  assert.equal(await menu(page).getByText("kept in this browser only").count(), 0);
  assert.deepEqual(problems, []);
  await close();
});
