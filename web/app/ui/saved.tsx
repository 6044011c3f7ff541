import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { ApiError } from "../api/client";
import { forgetSearch, moveKept, replaceSearch, saveSearch, useSearches } from "../api/searches";
import { plural } from "../lib/format";
import { hrefWith, navigate, usePlace } from "../lib/router";
import { addressOf, contentOf, forgetKept, forgetPast, useKept, usePast, type SavedSearch } from "../lib/saved";
import { Icon } from "./icons";
import { Popover } from "./popover";
import { withCode } from "./states";

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
      <KeptOffer saved={saved} />
      {ordered.length > 0 && <h3>Saved</h3>}
      <ul class="saved-list">
        {ordered.map((search) => (
          <li key={search.id} class="saved-row">
            <button type="button" title={search.query} onClick={() => (close(), navigate(addressOf(search)))}>
              {search.name}
              {`/${search.view}` !== here && <span class="muted"> in {search.view}</span>}
            </button>
            <button type="button" class="icon-button" aria-label={`Forget ${search.name}`} title="Forget, for everybody" onClick={() => act(forgetSearch(search.id))}>
              <Icon name="close" size={12} />
            </button>
          </li>
        ))}
      </ul>
      {past.length > 0 && (
        <h3>
          Recent
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
      {saved.length === 0 && past.length === 0 && !refused && <p class="hint">Give this search a name, and everybody finds it here and in the command palette.</p>}
    </div>
  );
}

type Problem = { text: string; existing: SavedSearch | null };

/** Gives what the page shows a name. What was typed stays when the server refuses. */
function SaveForm({ saved }: { saved: readonly SavedSearch[] }): JSX.Element | null {
  const { path, params } = usePlace();
  const [name, setName] = useState("");
  const [problem, setProblem] = useState<Problem | null>(null);
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
    if (content.name !== "") send(saveSearch(content));
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

/** Searches were kept in the browser once: whoever has some there is asked what to do with them. */
function KeptOffer({ saved }: { saved: readonly SavedSearch[] }): JSX.Element | null {
  const kept = useKept();
  const [failed, setFailed] = useState<string[]>([]);
  const [moving, setMoving] = useState(false);
  if (kept.length === 0) return null;
  const move = async (): Promise<void> => {
    setMoving(true);
    setFailed(await moveKept(kept, saved));
    setMoving(false);
  };
  return (
    <div class="saved-offer">
      <p>{plural(kept.length, "search is", "searches are")} kept in this browser only. On the server everybody has them, on every machine.</p>
      {failed.map((line) => (
        <p key={line} class="form-error">
          {withCode(line)}
        </p>
      ))}
      <button type="button" class="button button-small" disabled={moving} onClick={() => void move()}>
        Move to the server
      </button>{" "}
      <button type="button" class="text-button" title={kept.map((entry) => entry.name).join(", ")} onClick={() => forgetKept(kept.map((entry) => entry.name))}>
        Forget them
      </button>
    </div>
  );
}
