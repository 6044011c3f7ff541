import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { currentPlace, hrefWith, navigate, usePlace } from "../lib/router";
import { forgetPast, forgetSearch, saveSearch, usePast, useSaved } from "../lib/saved";
import { Icon } from "./icons";
import { Popover } from "./popover";

const SHOWN_PAST = 12;

/** Searches with a name, and what was searched for of late on this page. Both are kept in this browser. */
export function SavedMenu({ onRun, align = "end" }: { onRun: (query: string) => void; align?: "start" | "end" }): JSX.Element {
  return (
    <Popover button={<Icon name="star" />} title="Saved and recent searches" label="Saved and recent searches" buttonClass="icon-button" align={align}>
      {(close) => <SavedPanel onRun={(query) => (close(), onRun(query))} close={close} />}
    </Popover>
  );
}

function SavedPanel({ onRun, close }: { onRun: (query: string) => void; close: () => void }): JSX.Element {
  const { path, params } = usePlace();
  const saved = useSaved();
  const past = usePast().filter((entry) => entry.page === path);
  const [name, setName] = useState("");
  // A form within the form of the query bar is not allowed; Enter in the field saves.
  const save = (): void => {
    if (name.trim() === "") return;
    saveSearch(name.trim(), hrefWith(currentPlace().path, params, { sel: null }));
    setName("");
  };
  return (
    <div class="saved">
      <div class="saved-new">
        <input
          class="field field-small"
          aria-label="Name for this search"
          placeholder={params.get("q") || "Name for this view"}
          value={name}
          onInput={(event) => setName(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key !== "Enter") return;
            event.preventDefault();
            save();
          }}
        />
        <button type="button" class="button button-small" disabled={name.trim() === ""} onClick={save}>
          Save
        </button>
      </div>
      {saved.length > 0 && <h3>Saved</h3>}
      <ul>
        {saved.map((entry) => (
          <li key={entry.name} class="saved-row">
            <button type="button" title={entry.href} onClick={() => (close(), navigate(entry.href))}>
              {entry.name}
            </button>
            <button type="button" class="icon-button" aria-label={`Forget ${entry.name}`} title="Forget" onClick={() => forgetSearch(entry.name)}>
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
      {saved.length === 0 && past.length === 0 && <p class="hint">Give this search a name to find it here and in the command palette.</p>}
    </div>
  );
}
