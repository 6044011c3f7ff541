import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { hasToken, type Params } from "../api/client";
import { cliOf, curlOf, sqlCurlOf } from "../lib/curl";
import { href } from "../lib/router";
import { CopyButton } from "./copy";
import { Icon } from "./icons";
import { Popover } from "./popover";
import { Choice } from "./topbar";

type Form = "curl" | "cli" | "sql";

interface Props {
  /** The request that the page made; without one it is the statement. */
  request?: { path: string; params: Params };
  /** The same in SQL, where that can say it. */
  statement?: () => string;
  /** With our own command, where there is one that asks just that; otherwise it runs the statement. */
  command?: () => string;
  /** What the statement does not say. */
  note?: string | null;
  /** Whether the page is the one for SQL itself. */
  isSql?: boolean;
}

const FORMS: [Form, string][] = [
  ["curl", "curl"],
  ["cli", "CLI"],
  ["sql", "SQL"],
];

/** What the page shows, to be asked again from a shell, a script or in SQL. */
export function RunAs(props: Props): JSX.Element {
  return (
    <Popover button={<><Icon name="terminal" /><span class="hide-narrow">Run as</span></>} title={props.statement ? "The same as curl, command line or SQL" : props.command ? "The same as curl or command line" : "The same as curl"} buttonClass="text-button">
      {(close) => <RunAsPanel {...props} close={close} />}
    </Popover>
  );
}

const NO_STATEMENT = () => "";

function RunAsPanel({ request, statement = NO_STATEMENT, command, note = null, isSql = false, close }: Props & { close: () => void }): JSX.Element {
  const [form, setForm] = useState<Form>("curl");
  const sql = statement();
  const { origin } = window.location;
  const texts: Record<Form, () => string> = {
    curl: () => (request ? curlOf(origin + request.path, request.params, hasToken()) : sqlCurlOf(`${origin}/api/v1/sql`, sql, hasToken())),
    cli: command ?? (() => cliOf(origin, sql)),
    sql: () => sql,
  };
  const says: Record<Form, string> = {
    curl: "What this page asks of the API",
    cli: command ? "The same from the command line" : "The same in SQL, from the command line",
    sql: "The same as a statement",
  };
  const forms = FORMS.filter(([each]) => each === "curl" || sql !== "" || (each === "cli" && command));
  const text = texts[form]();
  return (
    <div class="runas">
      {forms.length > 1 && <Choice<Form> label="Run as" value={form} options={forms} onChange={setForm} />}
      <pre tabIndex={0} aria-label={says[form]}>
        {text}
      </pre>
      <div class="runas-foot">
        <span class="hint">
          {says[form]}
          {note !== null && (form === "sql" || (form === "cli" && !command)) && `: ${note}`}
        </span>
        {form === "sql" && !isSql && (
          <a class="text-button" href={href("/sql", { q: sql })} onClick={close}>
            Open in SQL
          </a>
        )}
        <CopyButton class="text-button" label="Copy" title="Copy the command" text={text} />
      </div>
    </div>
  );
}
