import type { JSX } from "preact";
import { setParams, usePlace } from "../lib/router";
import { Icon } from "../ui/icons";

/** Whether long lines of a list are broken, which stands in the address. */
export const useWrap = (): boolean => usePlace().params.get("wrap") === "1";

export const setWrap = (wrap: boolean): void => setParams({ wrap: wrap ? "1" : null }, "replace");

export function WrapButton({ wrap }: { wrap: boolean }): JSX.Element {
  return (
    <button type="button" class="text-button" aria-pressed={wrap} title="Wrap lines (w)" onClick={() => setWrap(!wrap)}>
      <Icon name="wrap" />
      <span class="hide-narrow">Wrap</span>
    </button>
  );
}
