import type { JSX } from "preact";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { getJson } from "../api/client";
import type { Status } from "../api/types";
import { useApi } from "../api/use";
import { plural } from "../lib/format";
import { isAbout, operationsOf, type ApiDocument, type Operation } from "../lib/openapi";
import { setParams, usePlace } from "../lib/router";
import { CopyButton } from "../ui/copy";
import { Icon } from "../ui/icons";
import { QUERY_INPUT_ID } from "../ui/querybar";
import { EmptyState, ErrorState, Progress, Skeleton } from "../ui/states";
import { OperationDetail } from "./operation";
import { Prose } from "./prose";
import "../styles/docs.css";

const PATH = "/api/v1/openapi.json";

/** Every request that the server answers, as its own document says; to read, to copy and to try. */
export function ApiView(): JSX.Element {
  const found = useApi<ApiDocument>("openapi", (signal) => getJson(PATH, {}, signal));
  const status = useApi<Status>("status", (signal) => getJson("/api/v1/status", {}, signal));
  const document = found.data;
  return (
    <main class="view page">
      <Progress active={found.loading} />
      {document ? <Document document={document} token={status.data?.auth.read ? "SPOOR_READ_TOKEN" : null} /> : found.error ? <ErrorState error={found.error} retry={found.reload} /> : <Skeleton rowHeight={36} rows={16} />}
    </main>
  );
}

function Document({ document, token }: { document: ApiDocument; token: string | null }): JSX.Element {
  const { params } = usePlace();
  const text = params.get("q") ?? "";
  const open = (params.get("op") ?? "").split(",").filter(Boolean);
  const all = useMemo(() => operationsOf(document), [document]);
  const shown = useMemo(() => all.filter((operation) => isAbout(operation, text)), [all, text]);
  const tags = [...new Set(shown.map((operation) => operation.tag))];
  const scroller = useRef<HTMLDivElement>(null);
  // A link leads to its request.
  useEffect(() => {
    if (open[0]) scroller.current?.querySelector(`[data-operation="${CSS.escape(open[0])}"]`)?.scrollIntoView({ block: "start" });
  }, []);
  const toggle = (id: string): void => setParams({ op: (open.includes(id) ? open.filter((other) => other !== id) : [...open, id]).join(",") }, "replace");
  return (
    <>
      <header class="api-head">
        <h1>
          API <span class="muted">{document.info.version}</span>
        </h1>
        <span class="query-box api-filter">
          <Icon name="search" />
          <input id={QUERY_INPUT_ID} class="query-input query-plain" placeholder="Find a request" aria-label="Find a request" value={text} onInput={(event) => setParams({ q: event.currentTarget.value }, "replace")} />
        </span>
        <a class="button" href={PATH} target="_blank" rel="noreferrer">
          OpenAPI
        </a>
      </header>
      <div class="api-layout">
        <nav class="api-nav hide-phone" aria-label="Requests">
          {tags.map((tag) => (
            <section key={tag}>
              <h2>{tag}</h2>
              <ul>
                {shown.filter((operation) => operation.tag === tag).map((operation) => (
                  <li key={operation.id}>
                    <button
                      type="button"
                      title={operation.summary}
                      onClick={() => {
                        if (!open.includes(operation.id)) toggle(operation.id);
                        scroller.current?.querySelector(`[data-operation="${CSS.escape(operation.id)}"]`)?.scrollIntoView({ block: "start" });
                      }}
                    >
                      <Method operation={operation} />
                      <span>{operation.path.replace(/^\/api\/v1/, "")}</span>
                    </button>
                  </li>
                ))}
              </ul>
            </section>
          ))}
        </nav>
        <div class="api-scroll" ref={scroller} tabIndex={0} role="group" aria-label={plural(shown.length, "request")}>
          {text === "" && (
            <div class="api-about">
              <Prose text={document.info.description ?? ""} />
            </div>
          )}
          {shown.length === 0 && (
            <EmptyState title="No such request">
              <p>No request says all of these words.</p>
              <div class="state-actions">
                <button type="button" class="button" onClick={() => setParams({ q: null }, "replace")}>
                  Show all
                </button>
              </div>
            </EmptyState>
          )}
          {tags.map((tag) => (
            <section key={tag} class="api-tag">
              <h2>{tag}</h2>
              <p class="muted">{document.tags?.find((each) => each.name === tag)?.description}</p>
              {shown.filter((operation) => operation.tag === tag).map((operation) => (
                <Folded key={operation.id} document={document} operation={operation} token={token} open={open.includes(operation.id)} onToggle={() => toggle(operation.id)} />
              ))}
            </section>
          ))}
        </div>
      </div>
    </>
  );
}

const Method = ({ operation }: { operation: Operation }): JSX.Element => <b class={`api-method api-${operation.method.toLowerCase()}`}>{operation.method}</b>;

interface FoldedProps {
  document: ApiDocument;
  operation: Operation;
  token: string | null;
  open: boolean;
  onToggle: () => void;
}

/** One request as a line, which opens. */
function Folded({ document, operation, token, open, onToggle }: FoldedProps): JSX.Element {
  return (
    <article class={open ? "api-operation api-open" : "api-operation"} data-operation={operation.id}>
      <h3>
        <button type="button" aria-expanded={open} onClick={onToggle}>
          <Method operation={operation} />
          <code class="api-path">{operation.path}</code>
          <span class="api-summary">{operation.summary}</span>
          {operation.admin && <span class="kind">admin</span>}
          <Icon name="chevron" size={12} />
        </button>
        <CopyButton text={() => `${window.location.origin}/docs/api?op=${encodeURIComponent(operation.id)}`} title="Copy a link to this request" icon="link" />
      </h3>
      {open && <OperationDetail document={document} operation={operation} token={token} />}
    </article>
  );
}
