import type { ComponentChildren, JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { ApiError } from "../api/client";
import { asTraceId, tokenise } from "../lib/query";
import { navigate } from "../lib/router";
import { Icon } from "./icons";
import { Suggestions, useSuggestions } from "./suggest";

interface Props {
  table: "logs" | "spans";
  query: string;
  placeholder: string;
  error: ApiError | null;
  onRun: (query: string) => void;
  children?: ComponentChildren;
}

export const QUERY_INPUT_ID = "query";

/** Characters are code points for the server and UTF-16 units here. */
function unitOffset(text: string, codePoints: number): number {
  return [...text].slice(0, codePoints).join("").length;
}

/** The one search box: coloured while typed, wrong places underlined, a pasted trace id opens its trace. */
export function QueryBar({ table, query, placeholder, error, onRun, children }: Props): JSX.Element {
  const [text, setText] = useState(query);
  const input = useRef<HTMLInputElement>(null);
  const mirror = useRef<HTMLDivElement>(null);
  useEffect(() => setText(query), [query]);
  const suggest = useSuggestions(table, text, input);

  const run = (value: string): void => {
    suggest.close();
    const traceId = asTraceId(value);
    if (traceId) navigate(`/trace/${traceId}`);
    else onRun(value.trim());
  };
  const followScroll = (): void => {
    if (mirror.current && input.current) mirror.current.scrollLeft = input.current.scrollLeft;
  };
  const accept = (value: string, caret: number): void => {
    setText(value);
    requestAnimationFrame(() => input.current?.setSelectionRange(caret, caret));
  };
  const at = error?.position != null && text === query ? unitOffset(text, error.position) : null;

  return (
    <form
      class="querybar"
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        run(text);
      }}
    >
      <div class={error?.status === 400 ? "query-box query-box-error" : "query-box"}>
        <Icon name="search" />
        <div class="query-edit">
          <div class="query-mirror" ref={mirror} aria-hidden="true">
            <Coloured text={text} errorAt={at} />
          </div>
          <input
            id={QUERY_INPUT_ID}
            ref={input}
            class="query-input"
            value={text}
            placeholder={placeholder}
            aria-label="Query"
            aria-invalid={error?.status === 400}
            autocomplete="off"
            autocapitalize="off"
            spellcheck={false}
            enterkeyhint="search"
            onScroll={followScroll}
            onInput={(event) => {
              setText(event.currentTarget.value);
              suggest.open();
              requestAnimationFrame(followScroll);
            }}
            onBlur={() => suggest.close()}
            onKeyDown={(event) => {
              if (suggest.onKey(event, accept)) return;
              if (event.key !== "Escape") return;
              event.preventDefault();
              event.currentTarget.blur();
            }}
          />
          <Suggestions state={suggest} onAccept={accept} />
        </div>
        {text !== "" && (
          <button type="button" class="icon-button" aria-label="Clear the query" title="Clear" onClick={() => (setText(""), run(""))}>
            <Icon name="close" />
          </button>
        )}
        {text === "" && <kbd class="hide-phone">/</kbd>}
      </div>
      {children}
      <button type="submit" class="button button-primary" title="Run again (Enter)">
        Search
      </button>
    </form>
  );
}

function Coloured({ text, errorAt }: { text: string; errorAt: number | null }): JSX.Element {
  const tokens = tokenise(text);
  const atEnd = errorAt !== null && errorAt >= text.length;
  return (
    <>
      {tokens.map((token, index) => {
        const wrong = errorAt !== null && errorAt >= token.start && errorAt < token.start + token.text.length && token.kind !== "space";
        return (
          <span key={index} class={`token-${token.kind}${wrong ? " token-wrong" : ""}`}>
            {token.text}
          </span>
        );
      })}
      {atEnd && <span class="token-wrong">{"\u00a0\u00a0"}</span>}
    </>
  );
}
