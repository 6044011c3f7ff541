import type { ComponentChildren, JSX } from "preact";
import type { Answer } from "../api/types";
import type { ApiError } from "../api/client";
import { Icon } from "./icons";

/** Grey rows while the first answer is under way: the shape of what comes, so that nothing jumps. */
export function Skeleton({ rows = 24, rowHeight = 18 }: { rows?: number; rowHeight?: number }): JSX.Element {
  return (
    <div class="skeleton" role="status" aria-label="Loading">
      {Array.from({ length: rows }, (_, index) => (
        <div key={index} class="skeleton-row" style={{ height: `${rowHeight}px` }}>
          <i style={{ width: "9%" }} />
          <i style={{ width: "4%" }} />
          <i style={{ width: "10%" }} />
          <i style={{ width: `${28 + ((index * 37) % 40)}%` }} />
        </div>
      ))}
    </div>
  );
}

export function ErrorState({ error, retry }: { error: ApiError; retry: () => void }): JSX.Element {
  return (
    <section class="state state-error" role="alert">
      <h2>{error.status === 400 ? "The query was not understood" : "No answer"}</h2>
      <p class="state-message">{withCode(error.message)}</p>
      {error.hint && <p>{withCode(error.hint)}</p>}
      <div class="state-actions">
        {error.status !== 400 && (
          <button type="button" class="button" onClick={retry}>
            Retry
          </button>
        )}
        <code class="state-code">
          {error.status > 0 ? `${error.status} ` : ""}
          {error.code}
          {error.requestId ? ` · request ${error.requestId}` : ""}
        </code>
      </div>
    </section>
  );
}

/** The API writes values in backticks. */
export function withCode(text: string): ComponentChildren {
  return text.split(/`([^`]*)`/).map((part, index) => (index % 2 === 1 ? <code key={index}>{part}</code> : part));
}

export function EmptyState({ title, children }: { title: string; children?: ComponentChildren }): JSX.Element {
  return (
    <section class="state">
      <h2>{title}</h2>
      {children}
    </section>
  );
}

/** Shown over any answer that is not the whole truth, with the reasons the server gave. */
export function Incomplete({ answers }: { answers: (Answer | null | undefined)[] }): JSX.Element | null {
  const partial = answers.filter((answer): answer is Answer => answer?.complete === false);
  if (partial.length === 0) return null;
  const reasons = [...new Set(partial.flatMap((answer) => answer.incomplete_reasons ?? []))];
  return (
    <div class="banner" role="status">
      <Icon name="warn" />
      <span>
        <strong>This answer is incomplete.</strong> {reasons.length > 0 ? reasons.join("; ") : "The server gave no reason."}
      </span>
    </div>
  );
}

/** A thin line that moves at the top of a view while something newer is loading. */
export function Progress({ active }: { active: boolean }): JSX.Element {
  return <div class={active ? "progress progress-on" : "progress"} aria-hidden="true" />;
}
