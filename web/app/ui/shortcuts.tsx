import type { JSX } from "preact";
import { Dialog } from "./dialog";

const GROUPS: { title: string; keys: [string, string][] }[] = [
  {
    title: "Everywhere",
    keys: [
      ["/", "Go to the query"],
      ["Ctrl+K", "Command palette: any view, service, trace id, saved search"],
      ["g l · g t · g s · g e", "Logs, traces, services, errors"],
      ["g m · g q · g i · g h", "Map, SQL, ingest, status"],
      ["y", "Copy a link with absolute times"],
      ["?", "These shortcuts"],
      ["Esc", "Close panel or dialog"],
    ],
  },
  {
    title: "Time",
    keys: [
      ["t", "Choose or type a range"],
      [", .", "Step back, forward"],
      ["-", "Zoom out"],
    ],
  },
  {
    title: "Lists",
    keys: [
      ["j  ↓", "Next row"],
      ["k  ↑", "Previous row"],
      ["Enter  o", "Open row, then its trace"],
      ["→  ←", "Of traces: show, hide the spans that match"],
      ["c", "Log lines around the chosen one; mark a trace to compare"],
      ["f", "Facets"],
      ["w", "Wrap lines"],
      ["l", "Live logs, and back"],
      ["v", "Patterns of logs, and back"],
      ["p", "Pause the live logs, and go on"],
    ],
  },
  {
    title: "Trace",
    keys: [
      ["j k  ↓ ↑", "Next, previous span"],
      ["← →", "Collapse, expand; then parent, child"],
      ["Enter", "Span detail"],
      ["[  ]", "Collapse all, expand all"],
      ["o", "Similar spans together, apart"],
      ["e", "Next error"],
      ["x", "Where the error began"],
      ["p", "Critical path"],
      ["n  N", "Next, previous match"],
      ["h", "Hide what was not found"],
      ["m", "Compare with the median of its operation"],
      ["z  0", "Zoom to span, whole trace"],
      ["w s · a d", "Zoom in, out; earlier, later"],
    ],
  },
];

export function Shortcuts({ onClose }: { onClose: () => void }): JSX.Element {
  return (
    <Dialog title="Keyboard" wide onClose={onClose}>
      <div class="shortcuts">
        {GROUPS.map((group) => (
          <section key={group.title}>
            <h3>{group.title}</h3>
            <dl>
              {group.keys.map(([key, what]) => (
                <div key={key}>
                  <dt>{key.split(/\s+/).map((part) => (part === "·" ? " · " : <kbd key={part}>{part}</kbd>))}</dt>
                  <dd>{what}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </Dialog>
  );
}
