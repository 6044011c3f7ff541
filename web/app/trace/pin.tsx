import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { getJson, postJson, remove } from "../api/client";
import { asApiError, useApi } from "../api/use";
import { fullTime, useZone } from "../lib/format";
import { Icon } from "../ui/icons";
import { Popover } from "../ui/popover";

interface Pin {
  trace_id: string;
  pinned_time: string;
  pinned_by: string | null;
  note: string;
}

/** Keeps the trace when others of its age expire or are deleted, with a word why. */
export function PinMenu({ id }: { id: string }): JSX.Element {
  const found = useApi<{ pins: Pin[] }>("pins", (signal) => getJson("/api/v1/pins", {}, signal));
  const pin = found.data?.pins.find((each) => each.trace_id === id) ?? null;
  return (
    <Popover button={<Icon name="pin" />} title={pin ? `Pinned${pin.note ? `: ${pin.note}` : ""}` : "Pin: keep it when others expire"} label={pin ? "Pinned" : "Pin"} buttonClass={pin ? "icon-button trace-pinned" : "icon-button"}>
      {(close) => <Choices id={id} pin={pin} onDone={() => (close(), found.reload())} />}
    </Popover>
  );
}

function Choices({ id, pin, onDone }: { id: string; pin: Pin | null; onDone: () => void }): JSX.Element {
  const zone = useZone();
  const [note, setNote] = useState("");
  const [failed, setFailed] = useState<string | null>(null);
  const act = (done: Promise<unknown>): void => {
    done.then(onDone, (cause: unknown) => {
      const error = asApiError(cause);
      setFailed(error.status === 403 || error.status === 401 ? "This takes an admin token: reload the page and give it when you are asked." : error.message);
    });
  };
  const path = `/api/v1/pins/${encodeURIComponent(id)}`;
  return (
    <form
      class="compare-menu"
      onSubmit={(event) => {
        event.preventDefault();
        act(pin ? remove(path) : postJson(path, { note: note.trim() }));
      }}
    >
      {pin ? (
        <p>
          Pinned{pin.pinned_by ? ` by ${pin.pinned_by}` : ""}, {fullTime(String(BigInt(Date.parse(pin.pinned_time)) * 1_000_000n), zone).replace(/\.\d+/, "")}
          {pin.note && <b class="pin-note">{pin.note}</b>}
        </p>
      ) : (
        <>
          <p>A pinned trace and its logs stay when others of their age expire or are deleted.</p>
          <input class="field" autofocus aria-label="Why" placeholder="Why? (may be left empty)" maxLength={500} value={note} onInput={(event) => setNote(event.currentTarget.value)} />
        </>
      )}
      {failed && (
        <p class="form-error" role="alert">
          {failed}
        </p>
      )}
      <button type="submit" class={pin ? "button" : "button button-primary"}>
        {pin ? "Unpin" : "Pin this trace"}
      </button>
    </form>
  );
}
