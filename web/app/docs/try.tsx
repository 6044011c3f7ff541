import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { getRaw } from "../api/client";
import { bytes, count } from "../lib/format";
import { addressOf, choicesOf, hintOf, missingIn, type ApiDocument, type Operation, type Parameter } from "../lib/openapi";
import { prettyJson } from "../lib/json";
import { Json } from "../logs/body";
import { CopyButton } from "../ui/copy";

/** More of an answer is not read, and a stream ends here. */
const MOST_BYTES = 256 * 1024;
/** More of it is not coloured line by line. */
const MOST_SHOWN = 60_000;

interface Tried {
  status: number;
  statusText: string;
  ms: number;
  text: string;
  bytes: number;
  /** There was more. */
  cut: boolean;
}

interface Props {
  document: ApiDocument;
  operation: Operation;
  values: Record<string, string>;
  onValues: (values: Record<string, string>) => void;
}

/** Asks the server for real, with the token of this tab, and shows what comes. */
export function TryIt({ document, operation, values, onValues }: Props): JSX.Element {
  const [tried, setTried] = useState<Tried | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const running = useRef<AbortController | null>(null);
  const [isRunning, setRunning] = useState(false);
  useEffect(() => () => running.current?.abort(), []);
  const missing = missingIn(operation, values);
  const run = async (): Promise<void> => {
    const controller = new AbortController();
    running.current = controller;
    setRunning(true);
    setProblem(null);
    try {
      await read(addressOf(operation, values), controller, setTried);
    } catch (cause) {
      if (!controller.signal.aborted) setProblem(`The server does not answer: ${cause instanceof Error ? cause.message : String(cause)}`);
    }
    setRunning(false);
  };
  // A header is not part of the address, which is all that this form makes.
  const fields = operation.parameters.filter((parameter) => parameter.in === "query" || parameter.in === "path");
  return (
    <section>
      <h4>Try it</h4>
      <form
        class="api-form"
        onSubmit={(event) => {
          event.preventDefault();
          if (missing.length === 0 && !isRunning) void run();
        }}
      >
        {fields.map((parameter) => (
          <label key={parameter.name}>
            <span>
              {parameter.name}
              {parameter.required && <span class="muted"> required</span>}
            </span>
            <ValueField document={document} parameter={parameter} value={values[parameter.name] ?? ""} onValue={(value) => onValues({ ...values, [parameter.name]: value })} />
          </label>
        ))}
        <span class="api-send">
          <button type="submit" class="button button-primary button-small" disabled={isRunning || missing.length > 0}>
            Send
          </button>
          {isRunning && (
            <button type="button" class="button button-small" onClick={() => running.current?.abort()}>
              Stop
            </button>
          )}
          {missing.length > 0 && <span class="muted">{missing.join(", ")} must have a value</span>}
        </span>
      </form>
      {problem && (
        <p class="hint form-error" role="alert">
          {problem}
        </p>
      )}
      {tried && (
        <div class="api-tried">
          <p role="status">
            <b class={tried.status >= 400 ? "error-text" : "ok-text"}>
              {tried.status} {tried.statusText}
            </b>{" "}
            <span class="muted">
              {count(tried.ms)} ms, {bytes(tried.bytes)}
              {tried.cut && `, the first ${bytes(MOST_BYTES)} of more`}
            </span>
          </p>
          <Shown text={tried.text} />
        </div>
      )}
    </section>
  );
}

function Shown({ text }: { text: string }): JSX.Element {
  const json = prettyJson(text);
  const pretty = json ?? text;
  const shown = pretty.slice(0, MOST_SHOWN);
  return (
    <>
      <div class="body-block">
        <pre tabIndex={0} aria-label="Answer">
          {json === null ? shown : <Json text={shown} pattern={null} />}
        </pre>
        <span class="body-copy">
          <CopyButton text={text} title="Copy the answer" />
        </span>
      </div>
      {shown.length < pretty.length && <p class="hint">The first {count(MOST_SHOWN)} characters of {count(pretty.length)}.</p>}
    </>
  );
}

function ValueField({ document, parameter, value, onValue }: { document: ApiDocument; parameter: Parameter; value: string; onValue: (value: string) => void }): JSX.Element {
  const choices = choicesOf(document, parameter);
  if (choices) {
    return (
      <select class="field field-small" value={value} onChange={(event) => onValue(event.currentTarget.value)}>
        <option value="" />
        {choices.map((choice) => (
          <option key={choice} value={choice}>
            {choice}
          </option>
        ))}
      </select>
    );
  }
  return <input class="field field-small" value={value} placeholder={hintOf(document, parameter)} autocomplete="off" spellcheck={false} onInput={(event) => onValue(event.currentTarget.value)} />;
}

/** Reads as much as is shown, telling of it as it comes: a stream has no end to wait for. */
async function read(path: string, controller: AbortController, onTried: (tried: Tried) => void): Promise<void> {
  const started = performance.now();
  const response = await getRaw(path, controller.signal);
  const tried = (): Tried => ({ status: response.status, statusText: response.statusText, ms: Math.round(performance.now() - started), text, bytes: size, cut });
  let text = "";
  let size = 0;
  let cut = false;
  const decoder = new TextDecoder();
  const reader = response.body?.getReader();
  const isStream = /event-stream/.test(response.headers.get("content-type") ?? "");
  for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) {
    size += part.value.length;
    text += decoder.decode(part.value, { stream: true });
    cut = size > MOST_BYTES;
    if (isStream) onTried(tried());
    if (cut) break;
  }
  onTried(tried());
  if (cut) controller.abort();
}
