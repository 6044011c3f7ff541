import type { JSX } from "preact";
import type { LoadedCost } from "../api/use-cost";
import { useProgress } from "../api/use-progress";
import { costOf, isCheapToPlan, stepsOf, type Cost } from "../lib/cost";
import { bytes, count, duration, plural } from "../lib/format";
import { progressText } from "../lib/progress";
import { Icon } from "./icons";
import { Popover } from "./popover";
import { Share } from "./progress";
import { numbers, TableHead } from "./tablehead";

interface Props {
  table: "logs" | "spans";
  /** What was run. */
  query: string;
  cost: LoadedCost;
  running: boolean;
}

/** How much the search would read at most; while it runs, how much it has read. */
export function CostPreview({ table, query, cost, running }: Props): JSX.Element | null {
  const progress = useProgress(table === "logs" ? "/api/v1/logs" : "/api/v1/traces", query, running);
  const known = cost.data && costOf(cost.data.scans);
  if (progress) {
    return (
      <span class="cost cost-running" role="status">
        {progress.share !== null && <Share share={progress.share} />}
        {progressText(progress)}
      </span>
    );
  }
  if (cost.error?.status === 400) {
    return (
      <span class="cost cost-wrong" role="status" title={[cost.error.message, cost.error.hint].filter(Boolean).join("\n")}>
        <Icon name="warn" size={12} />
        <span>not understood yet</span>
      </span>
    );
  }
  if (!known) return isCheapToPlan(cost.about) ? null : <span class="cost" title="It looks at other records of the traces first: what that takes is known when it runs">cost not known before</span>;
  return (
    <Popover button={<span class={cost.loading ? "stale" : ""}>{shortOf(known)}</span>} title="What this search would read at most, and what it may take" buttonClass="cost">
      {() => <CostPanel cost={cost} known={known} />}
    </Popover>
  );
}

/** In the search box: few words. */
function shortOf(cost: Cost): string {
  if (cost.files === 0) return cost.inMemory > 0 ? "reads memory only" : "reads nothing";
  return `reads ≤ ${bytes(cost.bytes)}`;
}

const STEPS: Record<string, string> = {
  snapshot: "all that is stored",
  time: "in the time range",
  services: "with these services",
  index: "as the index says",
  visible: "not deleted or expired",
};

function CostPanel({ cost, known }: { cost: LoadedCost; known: Cost }): JSX.Element {
  const limits = cost.data?.limits;
  return (
    <div class="cost-panel">
      <h3>What is read at most</h3>
      {cost.data?.scans.slice(-1).map((scan) => (
        <table key={scan.table}>
          <TableHead columns={[{ name: `Left of ${scan.table}` }, ...numbers("Files", "Rows", "Size")]} />
          <tbody>
            {stepsOf(scan).map((step) => (
              <tr key={step.step}>
                <th scope="row">{STEPS[step.step] ?? step.step}</th>
                <td class="number">{count(step.files)}</td>
                <td class="number">{count(step.rows)}</td>
                <td class="number">{step.files === 0 ? "0 B" : bytes(step.bytes)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      ))}
      <p class="hint">
        {known.inMemory > 0 && `${plural(known.inMemory, "row is", "rows are")} in memory besides. `}
        Of a file only the columns and pages that are needed are read, and a list stops when it has enough.
        {limits && ` A query may take ${duration(limits.timeout_ms * 1e6)} and ${bytes(limits.memory_bytes)} of memory.`}
      </p>
    </div>
  );
}
