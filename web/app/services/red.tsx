import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { Search } from "../lib/search";
import { rangeAround } from "../lib/time";
import { BeforeButton } from "../ui/before";
import { Incomplete } from "../ui/states";
import type { ChartMark } from "../ui/timechart";
import { RedFigures } from "./red-figures";
import { useHistogram } from "./use-histogram";

/** Spans in which the service was asked for something; those in which it asks others would count its callees. */
const ENTRY = "kind:(SERVER OR CONSUMER)";

type Which = "entry" | "all";

const WHICH: [Which, string][] = [
  ["entry", "Requests"],
  ["all", "All spans"],
];

/** Rate, errors and duration of a service over time. */
export function RedCharts({ query, search, marks }: { query: string; search: Search; marks: readonly ChartMark[] }): JSX.Element | null {
  const [chosen, setChosen] = useState<Which | null>(null);
  const entry = useHistogram(`${query} ${ENTRY}`, search);
  // A service that is never asked, such as a job, has only others.
  const which: Which = chosen ?? (entry.data?.total === 0 ? "all" : "entry");
  const all = useHistogram(which === "all" ? query : null, search);
  const { data, error, before } = which === "entry" ? entry : all;
  if (error) return <p class="hint form-error">{error.message}</p>;
  if (!data) return <div class="red-charts red-waiting" aria-hidden="true" />;
  if (data.total === 0) return null;
  return (
    <section class="page-part">
      <h2>
        Over time
        <span class="segmented" role="group" aria-label="Which spans">
          {WHICH.map(([name, label]) => (
            <button key={name} type="button" aria-pressed={name === which} onClick={() => setChosen(name)}>
              {label}
            </button>
          ))}
        </span>
        <BeforeButton search={search} />
      </h2>
      <Incomplete answers={[data, before?.data]} />
      <RedFigures data={data} before={before} marks={marks} onZoom={(from, to) => search.setRange(rangeAround(from, to))} />
    </section>
  );
}
