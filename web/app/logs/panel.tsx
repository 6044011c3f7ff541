import type { JSX } from "preact";
import type { LogRecord } from "../api/types";
import { toOtlp } from "../lib/otlplog";
import { href } from "../lib/router";
import type { FilterAction } from "../ui/attributes";
import { CopyButton } from "../ui/copy";
import { Icon } from "../ui/icons";
import { LevelBadge } from "../ui/level";
import { Panel, PanelTool } from "../ui/panel";
import { ServiceName } from "../ui/service";
import { LogDetail } from "./detail";

interface Props {
  log: LogRecord;
  pattern: RegExp | null;
  filter: FilterAction | null;
  onClose: () => void;
  onStep: (by: 1 | -1) => void;
  /** Shows the lines around the record. */
  onContext?: () => void;
  /** Not shown where the trace is the page itself. */
  withTrace?: boolean;
}

/** Everything about one record, beside the list. */
export function LogPanel({ log, pattern, filter, onClose, onStep, onContext, withTrace = true }: Props): JSX.Element {
  return (
    <Panel
      label="Log record"
      head={
        <>
          <LevelBadge level={log.level} />
          <ServiceName name={log.service_name} />
        </>
      }
      tools={
        <>
          <PanelTool icon="up" label="Previous record" keys="k" onClick={() => onStep(-1)} />
          <PanelTool icon="down" label="Next record" keys="j" onClick={() => onStep(1)} />
          <LogCopies log={log} />
          <a class="icon-button" href={href(`/log/${log.id}`)} title="Its own page" aria-label="Open the record on its own page">
            <Icon name="expand" />
          </a>
        </>
      }
      onClose={onClose}
    >
      <LogDetail log={log} pattern={pattern} filter={filter} onContext={onContext} withTrace={withTrace} />
    </Panel>
  );
}

/** The record for elsewhere: as the API gives it, and as a collector takes it. */
export function LogCopies({ log }: { log: LogRecord }): JSX.Element {
  return (
    <>
      <CopyButton text={() => JSON.stringify(log, null, 2)} title="Copy the record as JSON" />
      <CopyButton icon="otlp" text={() => JSON.stringify(toOtlp(log), null, 2)} title="Copy the record as OTLP: an export request in JSON" />
    </>
  );
}
