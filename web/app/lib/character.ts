import { useMemo } from "preact/hooks";

const FALLBACK_PX = 7.25;

/** The width of one character of the monospaced face at the size of a log row, as this browser draws it. */
export function useCharacterWidth(): number {
  return useMemo(() => {
    const context = document.createElement("canvas").getContext("2d");
    if (!context) return FALLBACK_PX;
    const style = getComputedStyle(document.documentElement);
    context.font = `${style.getPropertyValue("--text-s").trim()} ${style.getPropertyValue("--mono").trim()}`;
    return context.measureText("0".repeat(100)).width / 100 || FALLBACK_PX;
  }, []);
}
