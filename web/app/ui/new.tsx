import type { JSX } from "preact";

/** Marks what the time before did not have. */
export function NewBadge({ isNew }: { isNew: boolean | null }): JSX.Element | null {
  return isNew ? (
    <span class="new-badge" title="Not seen in the period before">
      new
    </span>
  ) : null;
}
