/** Stack traces in text: which lines are frames, which of them somebody else's code, and what to fold away. */

export type StackPart = { kind: "text"; lines: string[] } | { kind: "frames"; hidden: string[] };

const FRAME = [
  /^\s+at\s+\S+/, // Java, JavaScript, .NET
  /^\s+\.\.\. \d+ (more|common frames omitted)/, // Java
  /^\s*File ".+", line \d+/, // Python
  /^\s+\S+\.go:\d+( \+0x[0-9a-f]+)?$/, // Go
  /^\s+from .+:\d+:in /, // Ruby
  /^#\d+ .+\(\d+\): /, // PHP
  /^\s+\d+: .+::.+$/, // Rust
  /^\s+at \/.+:\d+:\d+$/, // Rust
];
const LIBRARY =
  /\b(java|javax|jdk|sun|jakarta|kotlin|scala|org\.(springframework|apache|hibernate|eclipse|jboss)|io\.(netty|grpc|opentelemetry)|com\.(sun|zaxxer|fasterxml|mysql)|reactor)\.|node_modules|node:internal|site-packages|dist-packages|\/lib\/python|System\.|Microsoft\.|\/usr\/local\/go\/|\/rustc\/|\.cargo\/registry|core::|std::|tokio::/;
const KEPT_FRAMES = 3;
const MIN_HIDDEN = 2;

export const isFrame = (line: string): boolean => FRAME.some((pattern) => pattern.test(line));

/**
 * Splits text into what is shown and what may be folded: of each run of frames the first few stay, and of the
 * others those that are not from a well-known library. Joined, the parts are the text again.
 */
export function foldStack(text: string): StackPart[] {
  const parts: StackPart[] = [];
  const lines = text.split("\n");
  for (let at = 0; at < lines.length; ) {
    const run = frameRun(lines, at);
    if (run === 0) {
      const last = parts.at(-1);
      const line = lines[at] ?? "";
      if (last?.kind === "text") last.lines.push(line);
      else parts.push({ kind: "text", lines: [line] });
      at += 1;
      continue;
    }
    parts.push(...foldRun(lines.slice(at, at + run)));
    at += run;
  }
  return parts;
}

/** How many lines from `at` on belong to one run of frames; a line of source between two of Python's counts. */
function frameRun(lines: string[], at: number): number {
  let end = at;
  while (end < lines.length) {
    const line = lines[end] ?? "";
    const isSource = end > at && /^\s{4,}\S/.test(line) && /^\s*File "/.test(lines[end - 1] ?? "");
    if (!isFrame(line) && !isSource) break;
    end += 1;
  }
  return end - at > KEPT_FRAMES ? end - at : 0;
}

function foldRun(lines: string[]): StackPart[] {
  const parts: StackPart[] = [{ kind: "text", lines: lines.slice(0, KEPT_FRAMES) }];
  let hidden: string[] = [];
  const flush = (): void => {
    if (hidden.length >= MIN_HIDDEN) parts.push({ kind: "frames", hidden });
    else if (hidden.length > 0) parts.push({ kind: "text", lines: hidden });
    hidden = [];
  };
  for (const line of lines.slice(KEPT_FRAMES)) {
    if (LIBRARY.test(line) || /^\s+\.\.\. \d+/.test(line)) hidden.push(line);
    else {
      flush();
      parts.push({ kind: "text", lines: [line] });
    }
  }
  flush();
  return parts;
}
