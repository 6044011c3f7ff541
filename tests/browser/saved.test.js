// Searches with a name: on the server, for everybody; those of a browser are moved there once; and what is said when
// the server refuses.

import assert from "node:assert/strict";
import { test } from "node:test";

import { assertAccessible, assertFits, open, server, setUp, SIZES } from "./browser.js";

setUp();

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
  await menu(first.page).getByRole("button", { name: /^slow ones/ }).waitFor();
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
  await menu(second.page).getByRole("button", { name: /^slow ones/ }).waitFor({ state: "detached" });
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
  await menu(page).getByRole("button", { name: /^failures level|^failures severity/ }).waitFor();
  await page.goto(`${server.http}/logs?q=severity>=error`);
  await openMenu(page);
  await menu(page).getByRole("button", { name: /^failures level|^failures severity/ }).waitFor();
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
  await menu(page).getByRole("button", { name: /^failures level|^failures severity/ }).waitFor();
  // The browser notes the answers that were made to fail.
  assert.deepEqual(problems.filter((text) => !/status of (409|503)/.test(text)), []);
  await close();
});

test("searches of a browser stay there, and are given to everybody one by one or all at once", async () => {
  const { page, problems, close } = await open();
  const kept = [
    { name: "mine", href: "/sql?q=SELECT+1" },
    { name: "failures", href: "/logs?q=status%3Aerror&start=now-1d" },
    { name: "the map", href: "/map?start=now-1d" },
  ];
  await page.addInitScript((list) => localStorage.getItem("spoor.saved") ?? localStorage.setItem("spoor.saved", JSON.stringify(list)), kept);
  await page.goto(`${server.http}/logs?q=level:warn`);
  await openMenu(page);
  await menu(page).getByRole("button", { name: "This browser" }).click();
  await save(page, "warnings");
  await menu(page).getByRole("button", { name: "Share warnings" }).waitFor();
  await assertAccessible(page, "searches of this browser");
  assert.ok((await server.get("/api/v1/searches")).searches.every((search) => search.name !== "warnings"));
  await page.reload();
  await openMenu(page);
  await menu(page).getByRole("button", { name: "Share mine" }).click();
  await menu(page).getByRole("button", { name: "Forget mine" }).waitFor();
  await menu(page).getByRole("button", { name: "Share mine" }).waitFor({ state: "detached" });
  await menu(page).getByRole("button", { name: "Share all" }).click();
  await menu(page).getByText("the map: the server keeps no searches of that page").waitFor();
  await menu(page).getByRole("button", { name: "Share warnings" }).waitFor({ state: "detached" });
  await menu(page).getByRole("button", { name: "Forget the map" }).click();
  await menu(page).getByText("Only in this browser").waitFor({ state: "detached" });
  const { searches } = await server.get("/api/v1/searches");
  // The test before saved another one under that name.
  assert.deepEqual(searches.map((search) => `${search.view} ${search.name}`).sort(), ["logs failures", "logs failures (2)", "logs warnings", "sql mine"]);
  await page.reload();
  await openMenu(page);
  await menu(page).getByRole("button", { name: /^failures \(2\)/ }).click();
  await page.waitForURL("**/logs?q=status%3Aerror&start=now-1d");
  assert.deepEqual(problems, []);
  await close();
});

test("a page begins with the search that was chosen for it, in this browser, until it is no longer", async () => {
  for (const [size, colorScheme] of [["laptop", "light"], ["phone", "dark"]]) {
    const { page, problems, close } = await open({ viewport: SIZES[size], hasTouch: size === "phone", colorScheme });
    await page.goto(`${server.http}/traces?q=duration>2s`);
    await openMenu(page);
    await menu(page).getByRole("button", { name: "This browser" }).click();
    await save(page, "very slow");
    const start = menu(page).getByRole("button", { name: "Begin traces with very slow" });
    await start.click();
    await assertFits(page);
    await assertAccessible(page, `a beginning, ${size}`);
    await page.goto(`${server.http}/logs`);
    await page.getByRole("link", { name: "Traces", exact: true }).click();
    await page.waitForURL("**/traces?q=duration%3E2s");
    await page.goto(`${server.http}/traces`);
    await page.waitForURL("**/traces?q=duration%3E2s");
    await openMenu(page);
    await start.click();
    await page.goto(`${server.http}/traces`);
    await page.getByRole("textbox", { name: "Query" }).waitFor();
    assert.equal(new URL(page.url()).search, "");
    assert.deepEqual(problems, []);
    await close();
  }
});
