import type { JSX } from "preact";
import type { Scan, ScanStep, SqlAnswer } from "../api/types";
import { bytes, count, duration, plural } from "../lib/format";
import { withCode } from "../ui/states";
import { numbers, TableHead, type TableColumn } from "../ui/tablehead";
import "../styles/explain.css";

const PREFIX = /^\s*EXPLAIN\s+(ANALYZE\s+)?/i;

/** The statement itself. */
const plain = (statement: string): string => statement.replace(PREFIX, "");

/** The statement that says how another is answered; one that measures runs it. */
export const explained = (statement: string, measured: boolean): string => `EXPLAIN ${measured ? "ANALYZE " : ""}${plain(statement)}`;

const STEPS: Record<string, [name: string, what: string]> = {
  snapshot: ["All files", "of the table"],
  time: ["Time range", "files that overlap it"],
  services: ["Services", "files that have rows of them"],
  index: ["Index", "rows that the indexes leave"],
  visible: ["Visible", "rows that are not deleted or expired"],
  row_groups: ["Row groups", "that statistics of Parquet leave"],
  pages: ["Pages", "that the page index leaves"],
  read: ["Read", "rows that came out of the files"],
  buffer: ["In memory", "rows that are not in a file yet"],
};

/** The kind of plan that a statement has once it has run. */
const MEASURED = "Plan with Metrics";

const PLANS: Record<string, string> = {
  logical_plan: "Logical plan",
  physical_plan: "Physical plan",
  [MEASURED]: "Plan with measures",
};

const COLUMNS: TableColumn[] = [{ name: "Step" }, ...numbers("Files", "Rows"), { name: "Share of the rows", class: "funnel-bar-cell", unseen: true }, ...numbers("Size", "Read", "Time"), { name: "Why" }];

interface ExplainProps {
  answer: SqlAnswer;
  scans: Scan[];
  statement: string;
  onRun: (statement: string) => void;
}

/** What a statement reads, table by table as a funnel, and the plan below. */
export function ExplainView({ answer, scans, statement, onRun }: ExplainProps): JSX.Element {
  // As the answer says: the statement may be ahead of it.
  const measured = answer.rows.some(([kind]) => kind === MEASURED);
  const plans = answer.rows.map(([kind, plan]) => [String(kind), String(plan)] as const).filter(([kind]) => kind !== "pruning");
  return (
    <div class="explain" role="region" aria-label="What is read, and why" tabIndex={0}>
      <div class="explain-head">
        <h2>{measured ? "What was read" : "What would be read"}</h2>
        <button type="button" class="button button-small" title={measured ? "Without running it" : "Runs the statement and measures"} onClick={() => onRun(explained(statement, !measured))}>
          {measured ? "Only plan" : "Measure"}
        </button>
        <button type="button" class="button button-small" onClick={() => onRun(plain(statement))}>
          Run the statement
        </button>
        <span class="muted explain-total">
          {answer.scanned_bytes !== undefined && `${bytes(answer.scanned_bytes)} read`}
          {answer.elapsed_ms !== undefined && `, ${count(answer.elapsed_ms)} ms`}
        </span>
      </div>
      {scans.length === 0 && <p class="muted explain-none">No table is read.</p>}
      {scans.map((scan, at) => (
        <Funnel key={at} scan={scan} first={!measured && scan.ran && readsFiles(scan)} />
      ))}
      {plans.map(([kind, plan]) => (
        <Plan key={kind} name={PLANS[kind] ?? kind} plan={plan} open={plans.length === 1} />
      ))}
    </div>
  );
}

const readsFiles = (scan: Scan): boolean => (scan.steps.find((step) => step.step === "visible")?.files ?? 0) > 0;

/** One scan: how much is left after each step. */
function Funnel({ scan, first }: { scan: Scan; first: boolean }): JSX.Element {
  const all = scan.steps[0]?.rows ?? 0;
  const name = `${scan.table}${first ? ", read first to narrow what follows" : ""}`;
  return (
    <section class="funnel" aria-label={name}>
      <h3>
        <code>{scan.table}</code>
        {first && <span class="muted"> read first, to narrow what follows</span>}
      </h3>
      <table>
        <TableHead columns={COLUMNS} />
        <tbody>
          {scan.steps.map((step) => (
            <StepRow key={step.step} step={step} all={all} />
          ))}
        </tbody>
      </table>
    </section>
  );
}

function StepRow({ step, all }: { step: ScanStep; all: number }): JSX.Element {
  const [name, what] = STEPS[step.step] ?? [step.step, ""];
  const known = [step.files, step.rows, step.row_groups, step.pages].some((number) => number !== null);
  // Row groups and pages have no files of their own to tell; what they count stands in the place of rows.
  const left = step.row_groups !== null ? plural(step.row_groups, "row group") : step.pages !== null ? plural(step.pages, "page") : step.rows === null ? "" : count(step.rows);
  const share = step.rows === null || step.step === "buffer" || all === 0 ? null : step.rows / all;
  return (
    <tr class={known ? "" : "funnel-unknown"}>
      <th scope="row" title={what}>
        {name}
      </th>
      <td class="number" data-of="files">
        {step.files !== null && count(step.files)}
      </td>
      <td class="number" data-of={step.row_groups === null && step.pages === null ? "rows" : "parts"}>
        {left}
      </td>
      <td class="funnel-bar-cell" aria-hidden="true">
        {share !== null && <i class="funnel-bar" style={{ width: `${share === 0 ? 0 : Math.max(1, share * 100)}%` }} />}
      </td>
      <td class="number" data-of="size">
        {step.bytes !== null && bytes(step.bytes)}
      </td>
      <td class="number" data-of="read">
        {step.read_bytes !== null && bytes(step.read_bytes)}
      </td>
      <td class="number" data-of="time">
        {step.elapsed_ns !== null && duration(step.elapsed_ns)}
      </td>
      <td class="funnel-why">{withCode(step.detail)}</td>
    </tr>
  );
}

/** A plan is indented text: each line is a step that reads from those below it. */
function Plan({ name, plan, open }: { name: string; plan: string; open: boolean }): JSX.Element {
  return (
    <details class="plan" open={open}>
      <summary>{name}</summary>
      <div class="plan-text" role="region" aria-label={name} tabIndex={0}>
        <PlanNodes nodes={tree(plan)} />
      </div>
    </details>
  );
}

interface Node {
  text: string;
  below: Node[];
}

/** The lines of a plan as they stand below each other. */
export function tree(plan: string): Node[] {
  const roots: Node[] = [];
  const path: { depth: number; node: Node }[] = [];
  for (const line of plan.split("\n").filter((each) => each.trim() !== "")) {
    const depth = line.search(/\S/);
    const node = { text: line.trim(), below: [] };
    while (path.length > 0 && (path[path.length - 1]?.depth ?? 0) >= depth) path.pop();
    (path[path.length - 1]?.node.below ?? roots).push(node);
    path.push({ depth, node });
  }
  return roots;
}

function PlanNodes({ nodes }: { nodes: Node[] }): JSX.Element {
  return (
    <ul>
      {nodes.map((node, at) => (
        <li key={at}>
          {node.below.length === 0 ? (
            <PlanLine text={node.text} />
          ) : (
            <details open>
              <summary>
                <PlanLine text={node.text} />
              </summary>
              <PlanNodes nodes={node.below} />
            </details>
          )}
        </li>
      ))}
    </ul>
  );
}

/** The operator stands out from what it is given. */
function PlanLine({ text }: { text: string }): JSX.Element {
  const end = text.search(/[: ]/);
  const operator = end < 0 ? text : text.slice(0, end);
  return (
    <code>
      <b>{operator}</b>
      {text.slice(operator.length)}
    </code>
  );
}
