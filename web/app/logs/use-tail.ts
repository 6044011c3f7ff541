import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { authStore, openStream, type ApiError } from "../api/client";
import type { LogRecord } from "../api/types";
import { asApiError } from "../api/use";
import { EventReader, type ServerEvent } from "../lib/sse";
import { useStore } from "../lib/store";
import { arrived, EMPTY, leftOut, Rate, resumed, type Held } from "../lib/tail";

/** Records that come at once are drawn at once. */
const DRAW_MS = 100;
const RETRY_MS = [500, 1000, 2000, 5000];

export interface Tail extends Held {
  state: "connecting" | "open" | "lost" | "refused";
  error: ApiError | null;
  /** Records a second. */
  rate: number;
  clear: () => void;
}

/** Follows the records that match `query`. A lost connection is taken up again where it broke off. */
export function useTail(query: string, paused: boolean): Tail {
  const { generation } = useStore(authStore);
  const [held, setHeld] = useState<Held>(EMPTY);
  const [state, setState] = useState<Tail["state"]>("connecting");
  const [error, setError] = useState<ApiError | null>(null);
  const [rate, setRate] = useState(0);
  const isPaused = useRef(paused);
  isPaused.current = paused;

  useEffect(() => {
    if (!paused) setHeld(resumed);
  }, [paused]);

  useEffect(() => {
    const controller = new AbortController();
    const rates = new Rate();
    let queue: LogRecord[] = [];
    setHeld(EMPTY);
    setState("connecting");
    const draw = setInterval(() => {
      setRate(Math.round(rates.perSecond(performance.now()) * 10) / 10);
      if (queue.length === 0) return;
      const records = queue;
      queue = [];
      setHeld((last) => arrived(last, records, isPaused.current));
    }, DRAW_MS);
    const onEvent = ({ event, data }: ServerEvent): void => {
      if (event === "log") {
        queue.push(JSON.parse(data) as LogRecord);
        rates.add(performance.now(), 1);
      } else if (event === "dropped") {
        const { count } = JSON.parse(data) as { count: number | null };
        setHeld((last) => leftOut(last, count));
      }
    };
    void follow({ query, signal: controller.signal, onEvent, onState: setState, onError: setError });
    return () => {
      clearInterval(draw);
      controller.abort();
    };
  }, [query, generation]);

  const clear = useCallback(() => setHeld(EMPTY), []);
  return { ...held, state, error, rate, clear };
}

interface Followed {
  query: string;
  signal: AbortSignal;
  onEvent: (event: ServerEvent) => void;
  onState: (state: Tail["state"]) => void;
  onError: (error: ApiError | null) => void;
}

async function follow({ query, signal, onEvent, onState, onError }: Followed): Promise<void> {
  let last: string | null = null;
  let failures = 0;
  while (!signal.aborted) {
    try {
      const stream = await openStream("/api/v1/logs/tail", { query, after: last }, signal);
      const reader = new EventReader();
      for await (const piece of pieces(stream)) {
        for (const event of reader.feed(piece)) {
          last = event.id ?? last;
          if (event.event === "ready") {
            failures = 0;
            onState("open");
            onError(null);
          }
          onEvent(event);
        }
      }
    } catch (cause) {
      if (signal.aborted) return;
      const error = asApiError(cause);
      onError(error);
      // Asking again would change nothing: the query is wrong, or a token is missing.
      if (error.status >= 400 && error.status < 500 && error.status !== 429) {
        onState("refused");
        return;
      }
    }
    if (signal.aborted) return;
    onState("lost");
    await pause(RETRY_MS[Math.min(failures, RETRY_MS.length - 1)] ?? 1000, signal);
    failures += 1;
  }
}

async function* pieces(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    yield decoder.decode(value, { stream: true });
  }
}

/** Over as soon as the signal fires. */
const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
  });
