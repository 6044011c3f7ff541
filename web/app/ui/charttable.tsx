import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { plural, shortTime, useZone } from "../lib/format";
import { CopyButton } from "./copy";
import { Dialog } from "./dialog";
import { Icon } from "./icons";

interface Props {
  title: string;
  /** As in the chart; `null` where there is nothing to say. */
  series: readonly { name: string; values: readonly (number | null)[] }[];
  startMs: number;
  bucketMs: number;
  format: (value: number) => string;
}

/** A button that shows what a chart shows as a table: for who cannot see it, and for who wants the figures. */
export function ChartTable(props: Props): JSX.Element {
  const [open, setOpen] = useState(false);
  return (
    <>
      <button type="button" class="chart-table" title={`${props.title} as a table`} aria-label={`${props.title} as a table`} onClick={() => setOpen(true)}>
        <Icon name="list" size={12} />
      </button>
      {open && (
        <Dialog title={props.title} wide onClose={() => setOpen(false)}>
          <Table {...props} />
        </Dialog>
      )}
    </>
  );
}

function Table({ title, series, startMs, bucketMs, format }: Props): JSX.Element {
  const zone = useZone();
  const buckets = series[0]?.values.length ?? 0;
  const rows = Array.from({ length: buckets }, (_, bucket) => ({ ms: startMs + bucket * bucketMs, values: series.map((each) => each.values[bucket] ?? null) }));
  // Hours in which nothing was would push apart those in which something was.
  const shown = rows.filter(({ values }) => values.some((value) => value !== null && value !== 0));
  const lines = [["Time", ...series.map(({ name }) => name)], ...shown.map(({ ms, values }) => [new Date(ms).toISOString(), ...values.map((value) => value ?? "")])];
  return (
    <>
      <p class="hint chart-table-note">
        {rows.length === shown.length ? plural(rows.length, "step") : `${plural(shown.length, "step")} of ${rows.length}, those with something in them`}
        <CopyButton text={() => lines.map((line) => line.join("\t")).join("\n")} title="Copy the table" />
      </p>
      <div class="chart-table-scroll" tabIndex={0} role="group" aria-label={title}>
        <table class="services">
          <thead>
            <tr>
              <th scope="col">From</th>
              {series.map(({ name }) => (
                <th key={name} scope="col" class="number">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {shown.map(({ ms, values }) => (
              <tr key={ms}>
                <th scope="row">
                  <time>{shortTime(ms, zone)}</time>
                </th>
                {values.map((value, at) => (
                  <td key={series[at]?.name} class="number">
                    {value === null ? <span class="muted">–</span> : format(value)}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}
