import type { Scan } from "../api/types";

/** What a search would read at most, as far as that is known before it runs. */
export interface Cost {
  files: number;
  allFiles: number;
  /** Size of the files that are left, with all their rows and columns. */
  bytes: number;
  allBytes: number;
  /** Rows of these files that may match. */
  rows: number;
  /** Rows that are not in a file yet. */
  inMemory: number;
}

/** The steps of which planning knows the numbers, in order. */
const PLANNED = ["snapshot", "time", "services", "index", "visible"];

export interface CostStep {
  step: string;
  files: number;
  rows: number;
  bytes: number;
}

/** What is left after each step of one scan; what a step does not change stays. */
export function stepsOf({ steps }: Scan): CostStep[] {
  const left = { files: 0, rows: 0, bytes: 0 };
  return steps
    .filter((step) => PLANNED.includes(step.step))
    .map((step) => {
      left.files = step.files ?? left.files;
      left.rows = step.rows ?? left.rows;
      left.bytes = step.bytes ?? left.bytes;
      return { step: step.step, ...left };
    });
}

/** All scans together. */
export function costOf(scans: readonly Scan[]): Cost {
  const cost: Cost = { files: 0, allFiles: 0, bytes: 0, allBytes: 0, rows: 0, inMemory: 0 };
  for (const scan of scans) {
    const steps = stepsOf(scan);
    const [all, left] = [steps[0], steps.at(-1)];
    cost.files += left?.files ?? 0;
    cost.allFiles += all?.files ?? 0;
    cost.bytes += left?.files === 0 ? 0 : (left?.bytes ?? 0);
    cost.allBytes += all?.bytes ?? 0;
    cost.rows += left?.rows ?? 0;
    cost.inMemory += scan.steps.find((step) => step.step === "buffer")?.rows ?? 0;
  }
  return cost;
}

/** Whether planning reads little: to plan what is asked of other records of a trace is to search for them. */
export const isCheapToPlan = (query: string): boolean => !/\b(trace|logs):\(/.test(query);
