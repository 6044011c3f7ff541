import type { ComponentChildren, JSX } from "preact";
import { useState } from "preact/hooks";
import { ApiError } from "../api/client";
import { forgetSearch, moveKept, replaceSearch, saveSearch, useSearches } from "../api/searches";
import { hrefWith, navigate, usePlace } from "../lib/router";
import { addressOf, contentOf, forgetKept, forgetPast, keepHere, toggleStart, useKept, usePast, useStarts, type Kept, type SavedSearch } from "../lib/saved";
import { Icon } from "./icons";
import { Popover } from "./popover";
import { withCode } from "./states";
import { Choice } from "./topbar";

const SHOWN_PAST = 12;

/** Searches with a name, which the server keeps for all, and what was searched for of late on this page, which this browser does. */
export function SavedMenu({ onRun, align = "end" }: { onRun: (query: string) => void; align?: "start" | "end" }): JSX.Element {
  return (
    <Popover button={<Icon name="star" />} title="Saved and recent searches" label="Saved and recent searches" buttonClass="icon-button" align={align}>
      {(close) => <SavedPanel onRun={(query) => (close(), onRun(query))} close={close} />}
    </Popover>
  );
}

const messageOf = (cause: unknown): string => (cause instanceof ApiError ? [cause.message, cause.hint].filter(Boolean).join(": ") : String(cause));

function SavedPanel({ onRun, close }: { onRun: (query: string) => void; close: () => void }): JSX.Element {
  const { path } = usePlace();
  const searches = useSearches();
  const past = usePast().filter((entry) => entry.page === path);
  const [problem, setProblem] = useState<string | null>(null);
  const saved = searches.data ?? [];
  const here = `/${path.split("/")[1] ?? ""}`;
  // Those of this page first.
  const ordered = [...saved].sort((a, b) => Number(`/${b.view}` === here) - Number(`/${a.view}` === here));
  const act = (done: Promise<unknown>): void => {
    done.then(
      () => setProblem(null),
      (cause: unknown) => setProblem(messageOf(cause)),
    );
  };
  const refused = searches.error ? messageOf(searches.error) : problem;
  return (
    <div class="saved">
      <SaveForm saved={saved} />
      {refused && (
        <p class="hint form-error" role="alert">
          {withCode(refused)}{" "}
          {searches.error && (
            <button type="button" class="text-button" onClick={searches.reload}>
              Retry
            </button>
          )}
        </p>
      )}
      <OwnSearches saved={saved} here={here} close={close} />
      {ordered.length > 0 && <h3>For everybody</h3>}
      <ul class="saved-list">
        {ordered.map((search) => (
          <SavedRow key={search.id} name={search.name} address={addressOf(search)} query={search.query} here={here} close={close}>
            <button type="button" class="icon-button" aria-label={`Forget ${search.name}`} title="Forget, for everybody" onClick={() => act(forgetSearch(search.id))}>
              <Icon name="close" size={12} />
            </button>
          </SavedRow>
        ))}
      </ul>
      {past.length > 0 && (
        <h3>
          Recent here
          <button type="button" class="text-button" onClick={forgetPast}>
            Clear
          </button>
        </h3>
      )}
      <ul>
        {past.slice(0, SHOWN_PAST).map((entry) => (
          <li key={entry.query} class="saved-row">
            <button type="button" class="saved-query" onClick={() => onRun(entry.query)}>
              {entry.query}
            </button>
          </li>
        ))}
      </ul>
      {saved.length === 0 && past.length === 0 && !refused && <p class="hint">Give this search a name, and it is found here and in the command palette.</p>}
    </div>
  );
}

type Problem = { text: string; existing: SavedSearch | null };

/** Gives what the page shows a name. What was typed stays when the server refuses. */
function SaveForm({ saved }: { saved: readonly SavedSearch[] }): JSX.Element | null {
  const { path, params } = usePlace();
  const [name, setName] = useState("");
  const [problem, setProblem] = useState<Problem | null>(null);
  const [shared, setShared] = useState(true);
  const content = contentOf(name.trim(), hrefWith(path, params, {}));
  if (!content) return null;
  const send = (sent: Promise<unknown>): void => {
    sent.then(
      () => {
        setName("");
        setProblem(null);
      },
      (cause: unknown) => {
        const existing = cause instanceof ApiError && cause.status === 409 ? saved.find((search) => search.view === content.view && search.name === content.name) : undefined;
        setProblem({ text: messageOf(cause), existing: existing ?? null });
      },
    );
  };
  const save = (): void => {
    if (content.name === "") return;
    if (shared) return send(saveSearch(content));
    keepHere(content.name, addressOf(content));
    setName("");
  };
  const existing = problem?.existing;
  return (
    <>
      <div class="saved-new">
        <input
          class="field field-small"
          aria-label="Name for this search"
          placeholder={content.query || "Name for this view"}
          maxLength={200}
          value={name}
          onInput={(event) => (setName(event.currentTarget.value), setProblem(null))}
          onKeyDown={(event) => {
            // A form within the form of the query bar is not allowed; Enter in the field saves.
            if (event.key !== "Enter") return;
            event.preventDefault();
            save();
          }}
        />
        <button type="button" class="button button-small" disabled={content.name === ""} onClick={save}>
          Save
        </button>
      </div>
      <Choice<"all" | "own"> label="For" value={shared ? "all" : "own"} options={[["all", "Everybody"], ["own", "This browser"]]} onChange={(next) => setShared(next === "all")} />
      {problem && (
        <p class="hint form-error" role="alert">
          {existing ? `There is a search “${existing.name}” already. ` : withCode(problem.text)}
          {existing && (
            <button type="button" class="text-button" onClick={() => send(replaceSearch(existing.id, content))}>
              Replace it
            </button>
          )}
        </p>
      )}
    </>
  );
}

interface RowProps {
  name: string;
  address: string;
  query: string;
  here: string;
  close: () => void;
  children: ComponentChildren;
}

/** One search with a name: opened by a click, and made the beginning of its page. */
function SavedRow({ name, address, query, here, close, children }: RowProps): JSX.Element {
  const starts = useStarts();
  const page = address.split("?")[0] ?? "";
  const isStart = starts[page] === address;
  const view = page.slice(1);
  return (
    <li class="saved-row">
      <button type="button" title={query} onClick={() => (close(), navigate(address))}>
        <span class="saved-name">
          {name}
          {page !== here && <span class="muted"> in {view}</span>}
        </span>
        {query !== "" && query !== name && <code class="saved-what">{query}</code>}
      </button>
      {address.includes("?") && (
        <button type="button" class="icon-button" aria-pressed={isStart} aria-label={`Begin ${view} with ${name}`} title={isStart ? `${view} begins with this, in this browser; click to undo` : `Begin ${view} with this, in this browser`} onClick={() => toggleStart(address)}>
          <Icon name="home" size={12} />
        </button>
      )}
      {children}
    </li>
  );
}

/** Those of this browser, which can be given to everybody. */
function OwnSearches({ saved, here, close }: { saved: readonly SavedSearch[]; here: string; close: () => void }): JSX.Element | null {
  const kept = useKept();
  const [failed, setFailed] = useState<string[]>([]);
  const [moving, setMoving] = useState(false);
  if (kept.length === 0) return null;
  const share = async (some: readonly Kept[]): Promise<void> => {
    setMoving(true);
    setFailed(await moveKept(some, saved));
    setMoving(false);
  };
  return (
    <>
      <h3>
        Only in this browser
        {kept.length > 1 && (
          <button type="button" class="text-button" disabled={moving} onClick={() => void share(kept)}>
            Share all
          </button>
        )}
      </h3>
      {failed.map((line) => (
        <p key={line} class="hint form-error" role="alert">
          {withCode(line)}
        </p>
      ))}
      <ul class="saved-list">
        {kept.map((entry) => (
          <SavedRow key={`${entry.href} ${entry.name}`} name={entry.name} address={entry.href} query={new URLSearchParams(entry.href.split("?")[1] ?? "").get("q") ?? ""} here={here} close={close}>
            <button type="button" class="icon-button" disabled={moving} aria-label={`Share ${entry.name}`} title="Give it to everybody: it is kept on the server then" onClick={() => void share([entry])}>
              <Icon name="share" size={12} />
            </button>
            <button type="button" class="icon-button" aria-label={`Forget ${entry.name}`} title="Forget" onClick={() => forgetKept([entry.name])}>
              <Icon name="close" size={12} />
            </button>
          </SavedRow>
        ))}
      </ul>
    </>
  );
}
