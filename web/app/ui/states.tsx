import { createContext, type ComponentChildren, type JSX } from "preact";
import { useContext } from "preact/hooks";
import type { Answer } from "../api/types";
import type { ApiError } from "../api/client";
import { plural } from "../lib/format";
import { CopyButton } from "./copy";
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
      <h2>{error.status === 400 ? "The query was not understood" : error.code === "cancelled" && error.status === 0 ? "Cancelled" : "No answer"}</h2>
      <p class="state-message">{withCode(error.message)}</p>
      {error.hint && <p>{withCode(error.hint)}</p>}
      <div class="state-actions">
        {error.status !== 400 && (
          <button type="button" class="button" onClick={retry}>
            Retry
          </button>
        )}
        <CopyButton text={() => details(error)} title="Copy the details" />
        <code class="state-code">
          {error.status > 0 ? `${error.status} ` : ""}
          {error.code}
          {error.requestId ? ` · request ${error.requestId}` : ""}
        </code>
      </div>
    </section>
  );
}

/** What somebody else needs to find out. */
const details = (error: ApiError): string => [`${error.status} ${error.code}`, error.message, error.hint, error.requestId && `request ${error.requestId}`, window.location.href, new Date().toISOString()].filter(Boolean).join("\n");

/** The API writes values in backticks. */
export function withCode(text: string): ComponentChildren {
  return text.split(/`([^`]*)`/).map((part, index) => (index % 2 === 1 ? <code key={index}>{part}</code> : part));
}

interface EmptyProps {
  title: string;
  /** It is all that its page has to say, and so the heading of that. */
  isPage?: boolean;
  children?: ComponentChildren;
}

export function EmptyState({ title, isPage = false, children }: EmptyProps): JSX.Element {
  return (
    <section class="state">
      {isPage ? <h1 class="state-title">{title}</h1> : <h2>{title}</h2>}
      {children}
    </section>
  );
}

/** Reasons that a banner above has given already. */
const Said = createContext<readonly string[]>([]);
const NO_REASON = "the server gave no reason";

interface IncompleteProps {
  answers: (Partial<Answer> | null | undefined)[];
  /** What follows, in which the same reasons are not given again. */
  children?: ComponentChildren;
}

/** Shown over any answer that is not the whole truth, with the reasons the server gave. */
export function Incomplete({ answers, children }: IncompleteProps): JSX.Element {
  const above = useContext(Said);
  const all = answers.flatMap((answer) => (answer?.complete === false ? (answer.incomplete_reasons?.length ? answer.incomplete_reasons : [NO_REASON]) : []));
  const reasons = [...new Set(all)].filter((reason) => !above.includes(reason));
  return (
    <>
      {reasons.length > 0 && (
        <div class="banner" role="status">
          <Icon name="warn" />
          <span>
            <strong>This answer is incomplete:</strong> {reasons.slice(0, SHOWN_REASONS).map(withCode).map((reason, at) => (at === 0 ? reason : <>; {reason}</>))}
            {reasons.length > SHOWN_REASONS && (
              <details class="banner-more">
                <summary>and {plural(reasons.length - SHOWN_REASONS, "more reason")}</summary>
                <ul>
                  {reasons.slice(SHOWN_REASONS).map((reason) => (
                    <li key={reason}>{withCode(reason)}</li>
                  ))}
                </ul>
              </details>
            )}
          </span>
          <CopyButton text={() => [...reasons, window.location.href, new Date().toISOString()].join("\n")} title="Copy the reasons" />
        </div>
      )}
      {children !== undefined && <Said.Provider value={[...above, ...reasons]}>{children}</Said.Provider>}
    </>
  );
}

/** Each may be a sentence; more of them show when they are asked for. */
const SHOWN_REASONS = 3;

/** A thin line that moves at the top of a view while something newer is loading. */
export function Progress({ active }: { active: boolean }): JSX.Element {
  return <div class={active ? "progress progress-on" : "progress"} aria-hidden="true" />;
}
