import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { asTraceId } from "../lib/query";
import { href, navigate } from "../lib/router";

const asSide = (text: string): string | null => (text.trim().toLowerCase() === "median" ? "median" : asTraceId(text));

/** Which two traces, for who comes here without them. */
export function CompareForm(given: { left: string; right: string }): JSX.Element {
  const [left, setLeft] = useState(given.left);
  const [right, setRight] = useState(given.right);
  const sides = [asSide(left), asSide(right)];
  const ready = sides.every((side) => side !== null) && !sides.every((side) => side === "median");
  return (
    <form
      class="compare-form"
      onSubmit={(event) => {
        event.preventDefault();
        if (ready) navigate(href("/compare", { left: sides[0], right: sides[1] }));
      }}
    >
      <h1>Compare two traces</h1>
      <p class="hint">
        Two trace ids, or one and the word <code>median</code>: then the other is the trace in the middle of its operation's. Also from a trace's page, and from the list of traces with <kbd>c</kbd>.
      </p>
      <Side label="A" value={left} onChange={setLeft} />
      <Side label="B" value={right} onChange={setRight} />
      <button type="submit" class="button button-primary" disabled={!ready}>
        Compare
      </button>
    </form>
  );
}

function Side({ label, value, onChange }: { label: string; value: string; onChange: (text: string) => void }): JSX.Element {
  const wrong = value.trim() !== "" && asSide(value) === null;
  return (
    <label class="compare-field">
      <span>{label}</span>
      <input class="field" value={value} spellcheck={false} autocomplete="off" placeholder="Trace id, or median" aria-invalid={wrong} onInput={(event) => onChange(event.currentTarget.value)} />
      {wrong && <span class="form-error">Not a trace id: it has 32 hexadecimal digits</span>}
    </label>
  );
}
