import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { asTraceId } from "../lib/query";
import { href, navigate } from "../lib/router";
import { Icon } from "../ui/icons";
import { Popover } from "../ui/popover";

/** With what the trace on the page is to be compared. */
export function CompareMenu({ id }: { id: string }): JSX.Element {
  return (
    <Popover button={<><Icon name="compare" /><span class="hide-phone">Compare</span></>} title="Compare with another trace" label="Compare" buttonClass="text-button">
      {() => <Choices id={id} />}
    </Popover>
  );
}

function Choices({ id }: { id: string }): JSX.Element {
  const [text, setText] = useState("");
  const other = asTraceId(text);
  return (
    <form
      class="compare-menu"
      onSubmit={(event) => {
        event.preventDefault();
        if (other) navigate(href("/compare", { left: other, right: id }));
      }}
    >
      <a class="button" href={href("/compare", { left: "median", right: id })}>
        With the median of its operation
        <kbd class="hide-phone">m</kbd>
      </a>
      <input class="field" autofocus aria-label="Id of the other trace" placeholder="Or paste the id of another trace" value={text} onInput={(event) => setText(event.currentTarget.value)} />
      <button type="submit" class="button button-primary" disabled={!other}>
        Compare
      </button>
    </form>
  );
}
