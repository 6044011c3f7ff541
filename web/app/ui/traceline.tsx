import type { JSX } from "preact";
import type { TraceSummary } from "../api/types";
import { duration, type Zone } from "../lib/format";
import { Icon } from "./icons";
import { RowTime } from "./time";

interface Props {
  trace: TraceSummary;
  zone: Zone;
  withYear: boolean;
  /** Whether one with errors says so: not where all of them have some. */
  marksErrors?: boolean;
}

/** A trace in one line of a panel: when, what, how long. */
export function TraceLine({ trace, zone, withYear, marksErrors = false }: Props): JSX.Element {
  return (
    <>
      <RowTime class="muted" nanos={trace.start_time_unix_nano} zone={zone} withYear={withYear} />
      <span class="trace-name">
        {marksErrors && trace.error_count > 0 && (
          <span class="error-text">
            <Icon name="warn" size={12} />{" "}
          </span>
        )}
        {trace.root ? `${trace.root.service_name} ${trace.root.name}` : trace.trace_id}
      </span>
      <span class="number">{duration(trace.duration_ns)}</span>
    </>
  );
}
