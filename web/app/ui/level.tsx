import type { JSX } from "preact";
import type { Level } from "../api/types";

const SHORT: Record<Level, string> = {
  trace: "TRACE",
  debug: "DEBUG",
  info: "INFO",
  warn: "WARN",
  error: "ERROR",
  fatal: "FATAL",
  unset: "–",
};

export function LevelBadge({ level }: { level: Level }): JSX.Element {
  return <span class={`level level-${level}`}>{SHORT[level]}</span>;
}
