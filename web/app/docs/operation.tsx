import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { addressOf, curlOf, shapeOf, type Answer, type ApiDocument, type Content, type Operation } from "../lib/openapi";
import { BodyBlock } from "../logs/body";
import { inline, Prose } from "./prose";
import { SchemaTree } from "./schema";
import { TryIt } from "./try";

interface Props {
  document: ApiDocument;
  operation: Operation;
  /** The variable that has the token, in examples, if the server asks for one. */
  token: string | null;
}

/** Everything that is said of one request. */
export function OperationDetail({ document, operation, token }: Props): JSX.Element {
  const [values, setValues] = useState<Record<string, string>>({});
  const url = window.location.origin + addressOf(operation, values);
  return (
    <div class="api-detail">
      <Prose text={operation.description} />
      {operation.admin && <p class="hint">It changes what is stored: a server with tokens asks for that of administrators.</p>}
      {operation.parameters.length > 0 && <Parameters document={document} operation={operation} />}
      {operation.body && (
        <section>
          <h4>Body</h4>
          {operation.body.schema && <SchemaTree document={document} schema={operation.body.schema} isAnswer={false} />}
          <Examples content={operation.body} label="Example of a body" />
        </section>
      )}
      {operation.method === "GET" && <TryIt document={document} operation={operation} values={values} onValues={setValues} />}
      <section>
        <h4>By curl</h4>
        <BodyBlock text={curlOf(operation, url, operation.admin ? "SPOOR_ADMIN_TOKEN" : token)} pattern={null} title="Copy the command" />
      </section>
      <section>
        <h4>Answers</h4>
        <Answers document={document} answers={operation.answers} />
      </section>
    </div>
  );
}

function Parameters({ document, operation }: Omit<Props, "token">): JSX.Element {
  return (
    <section>
      <h4>Parameters</h4>
      <ul class="api-fields">
        {operation.parameters.map((parameter) => {
          const shape = shapeOf(document, parameter.schema ?? {});
          const more = shape.description !== parameter.description ? shape.description : "";
          return (
            <li key={parameter.name} class="api-field">
              <div class="api-field-head">
                <code class="api-leaf">{parameter.name}</code>
                <span class="api-type">{shape.type}</span>
                <span class="muted">
                  {parameter.in === "query" ? "" : `in the ${parameter.in}`} {parameter.required ? "required" : ""}
                </span>
              </div>
              <p class="api-field-text">
                {inline([parameter.description, more].filter(Boolean).join(" "))} {shape.notes.length > 0 && <span class="muted">{inline(`(${shape.notes.join(", ")})`)}</span>}
              </p>
            </li>
          );
        })}
      </ul>
    </section>
  );
}

const isGood = (status: string): boolean => status.startsWith("2");

/** What is answered when all is well in full, errors in a line each. */
function Answers({ document, answers }: { document: ApiDocument; answers: [string, Answer][] }): JSX.Element {
  return (
    <>
      {answers.filter(([status]) => isGood(status)).map(([status, answer]) => (
        <div key={status} class="api-answer">
          <p>
            <b class="number">{status}</b> {inline(answer.description ?? "")}
          </p>
          {Object.entries(answer.content ?? {}).map(([type, content]) => (
            <div key={type}>
              <p class="muted">
                <code>{type}</code>
              </p>
              {content.schema && type === "application/json" && <SchemaTree document={document} schema={content.schema} isAnswer />}
              <Examples content={content} label={`Example of ${type}`} />
            </div>
          ))}
        </div>
      ))}
      <ul class="api-errors">
        {answers.filter(([status]) => !isGood(status)).map(([status, answer]) => (
          <li key={status}>
            <details>
              <summary>
                <b class="number">{status}</b> <span>{inline(answer.description ?? "")}</span>
              </summary>
              {Object.entries(answer.content ?? {}).map(([type, content]) => (
                <Examples key={type} content={content} label={`Example of ${status}`} open />
              ))}
            </details>
          </li>
        ))}
      </ul>
    </>
  );
}

const textOf = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value, null, 2));

function Examples({ content, label, open = false }: { content: Content; label: string; open?: boolean }): JSX.Element | null {
  const all = [...(content.example === undefined ? [] : [{ summary: "", value: content.example }]), ...Object.values(content.examples ?? {})];
  if (all.length === 0) return null;
  return (
    <>
      {all.map((example, at) => (
        <details key={at} class="api-example" open={open}>
          <summary>{example.summary ? `${label}: ${example.summary}` : label}</summary>
          <BodyBlock text={textOf(example.value)} pattern={null} title="Copy the example" />
        </details>
      ))}
    </>
  );
}
