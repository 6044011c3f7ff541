import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Answer } from "../api/types";
import { ago, duration, fullTime, useZone } from "../lib/format";

const TICK_MS = 15_000;
/** What is younger needs no word. */
const FRESH_MS = 60_000;

interface Props {
  answer: Answer;
  /** When it was asked for. */
  madeAt: number;
}

/** How old an answer is, and how long it took: all that had been acknowledged by then is in it. */
export function AsOf({ answer, madeAt }: Props): JSX.Element {
  const zone = useZone();
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), TICK_MS);
    return () => clearInterval(timer);
  }, [madeAt]);
  const at = fullTime(`${Math.round(madeAt)}000000`, zone);
  return (
    <span class="as-of muted hide-beside hide-phone" title={`As of ${at}${answer.snapshot === undefined ? "" : `, snapshot ${answer.snapshot}`}: all that had been acknowledged by then is in it`}>
      {[answer.elapsed_ms !== undefined && duration(answer.elapsed_ms * 1e6), now - madeAt > FRESH_MS && ago(madeAt, now)].filter(Boolean).join(", ")}
    </span>
  );
}
