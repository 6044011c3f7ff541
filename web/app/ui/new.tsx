import type { JSX } from "preact";

/** Marks what the time before did not have; without such a time (null) nothing is known to be new. */
export function NewBadge({ isNew }: { isNew: boolean | null }): JSX.Element | null {
  return isNew === true ? (
    <span class="new-badge" title="Not seen in the period before">
      new
    </span>
  ) : null;
}
