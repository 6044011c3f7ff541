import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { setParams, usePlace } from "../lib/router";
import { Choice } from "./topbar";

const OFF = "off";
const EVERY: [string, string][] = [[OFF, "Off"], ["10s", "10 s"], ["1m", "1 min"], ["5m", "5 min"]];
const MS: Record<string, number> = { "10s": 10_000, "1m": 60_000, "5m": 300_000 };

export const everyMs = (every: string): number => MS[every] ?? 60_000;

/** How often the page searches again by itself; it stands in the address. */
export function useEvery(): string | null {
  const every = usePlace().params.get("every");
  return every !== null && MS[every] !== undefined ? every : null;
}

/** Somebody reads: rows that move under the eyes are worse than old ones. */
function isReading(): boolean {
  const { searchParams } = new URL(window.location.href);
  const scrolled = [...document.querySelectorAll(".split-main .virtual, .page-scroll, .group-scroll")].some((element) => element.scrollTop > 0);
  return document.hidden || scrolled || searchParams.has("sel") || document.querySelector(".popover, dialog[open]") !== null;
}

/** Searches again while nobody reads. */
export function useRefresh(onAgain: () => void): void {
  const every = useEvery();
  useEffect(() => {
    if (every === null) return;
    const timer = setInterval(() => {
      if (!isReading()) onAgain();
    }, MS[every]);
    return () => clearInterval(timer);
  }, [every, onAgain]);
}

export function RefreshChoice(): JSX.Element {
  const every = useEvery();
  return <Choice<string> label="Search again" value={every ?? OFF} options={EVERY} onChange={(next) => setParams({ every: next === OFF ? null : next }, "replace")} />;
}
