import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { authStore, setToken } from "../api/client";
import { useStore } from "../lib/store";
import { Dialog } from "./dialog";

/** Appears when the API answered 401. */
export function TokenDialog(): JSX.Element | null {
  const auth = useStore(authStore);
  const [text, setText] = useState("");
  if (!auth.asked) return null;
  const submit = (event: Event): void => {
    event.preventDefault();
    if (text.trim()) setToken(text.trim());
  };
  return (
    <Dialog title="This server wants a read token">
      <form class="token-form" onSubmit={submit}>
        <label for="token">Token, as given to <code>spoor serve --read-token</code></label>
        <input id="token" class="field" type="password" autocomplete="off" autofocus value={text} onInput={(event) => setText(event.currentTarget.value)} />
        {auth.rejected && (
          <p class="form-error" role="alert">
            The server did not take that token.
          </p>
        )}
        <p class="hint">It is kept until this tab is closed.</p>
        <div class="form-actions">
          <button class="button button-primary" type="submit" disabled={text.trim() === ""}>
            Continue
          </button>
        </div>
      </form>
    </Dialog>
  );
}
