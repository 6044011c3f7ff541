import type { JSX } from "preact";

const PATHS = {
  search: "M7 2.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9ZM10.3 10.3 14 14",
  clock: "M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2Zm0 3v3.2l2.2 1.4",
  close: "m4 4 8 8m0-8-8 8",
  chevron: "m6 4 4 4-4 4",
  down: "m4 6 4 4 4-4",
  copy: "M5.5 5.5h7v8h-7zM3.5 10.5v-8h7",
  check: "m3 8.5 3.2 3L13 4.5",
  plus: "M8 3.5v9M3.5 8h9",
  minus: "M3.5 8h9",
  sliders: "M2.5 5h6m3 0h2m-11 6h2m3 0h6M10 3.2v3.6M6 9.2v3.6",
  link: "M6.5 9.5 9.5 6.5M7 4.5l1.3-1.3a2.8 2.8 0 0 1 4 4L11 8.5m-2 3-1.3 1.3a2.8 2.8 0 0 1-4-4L5 7.5",
  up: "m4 10 4-4 4 4",
  left: "m10 4-4 4 4 4",
  warn: "M8 2.5 14.5 13.5h-13zM8 6.5v3.2m0 1.6v.2",
  keyboard: "M1.5 4h13v8h-13zM4 6.5h.5m2 0H7m2 0h.5m2 0h.5m-8 3h8",
  download: "M8 2.5v7m-3-3 3 3 3-3m-8 7h10",
  star: "m8 2.2 1.8 3.7 4 .6-2.9 2.8.7 4L8 11.4l-3.6 1.9.7-4L2.2 6.5l4-.6Z",
  eye: "M1.5 8S4 3.5 8 3.5 14.5 8 14.5 8 12 12.5 8 12.5 1.5 8 1.5 8Zm6.5-2a2 2 0 1 0 0 4 2 2 0 0 0 0-4Z",
  command: "M5.5 5.5h5v5h-5zM5.5 5.5V4A1.5 1.5 0 1 0 4 5.5Zm5 0H12A1.5 1.5 0 1 0 10.5 4Zm0 5V12A1.5 1.5 0 1 0 12 10.5Zm-5 0H4A1.5 1.5 0 1 0 5.5 12Z",
  zoomout: "M7 2.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9ZM10.3 10.3 14 14M5 7h4",
  columns: "M2.5 3h11v10h-11zM6.2 3v10M9.9 3v10",
  wrap: "M2.5 4h11M2.5 8h8.7a2 2 0 0 1 0 4H8m1.8-1.8L8 12l1.8 1.8M2.5 12h2.7",
  list: "M2.5 4h1m2 0h8m-11 4h1m2 0h8m-11 4h1m2 0h8",
  context: "M3 3h10M3 6h6M3 9.5h10v0M3 13h6",
  target: "M8 3a5 5 0 1 0 0 10A5 5 0 0 0 8 3Zm0-2v3m0 8v3M1 8h3m8 0h3",
  play: "M5 3.5v9l7.5-4.5z",
  pause: "M5.5 3.5v9m5-9v9",
  swap: "M3 5.5h9.5m-2.5-2.5 2.5 2.5L10 8M13 10.5H3.5M6 8l-2.5 2.5L6 13",
  compare: "M2.5 4h8M2.5 7h5M2.5 10h11M2.5 13h7",
  file: "M4 1.5h5l3.5 3.5v9.5H4zM9 1.5V5h3.5M8.2 12V8m-1.8 1.7L8.2 8l1.8 1.7",
  pin: "M5.5 2h5l-.6 4.2 2.1 2.3H4l2.1-2.3ZM8 8.5V14",
  terminal: "M2 3h12v10H2zM4.5 6l2 2-2 2m3.5.5h3",
  otlp: "M6 3c-2 0-2 1-2 2.5S3.5 8 2 8c1.5 0 2 1 2 2.5S4 13 6 13m4-10c2 0 2 1 2 2.5S12.5 8 14 8c-1.5 0-2 1-2 2.5S12 13 10 13",
  home: "M2.5 7.5 8 3l5.5 4.5M4 6.5V13h8V6.5M6.7 13V9.5h2.6V13",
  share: "M8 10V2.5m-2.5 2L8 2l2.5 2.5M5 7H3.5v6.5h9V7H11",
  more: "M3.5 8h.01M8 8h.01M12.5 8h.01",
  group: "M2.5 3.5h6v2.5h-6zM2.5 10h11v2.5h-11zM10.5 4.7h3",
  expand: "M9.5 2.5h4v4m0-4-5 5M6.5 13.5h-4v-4m0 4 5-5",
  tenants: "M2.5 2.5h5v5h-5zM2.5 10h5v3.5h-5zM10 2.5h3.5v11H10z",
  reload: "M13 8a5 5 0 1 1-1.5-3.6M13 2v3h-3",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 14 }: { name: IconName; size?: number }): JSX.Element {
  return (
    <svg class="icon" width={size} height={size} viewBox="0 0 16 16" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}

/** The mark: a track of steps, which is also a trace. */
export function Mark(): JSX.Element {
  return (
    <svg class="mark" width="18" height="18" viewBox="0 0 18 18" aria-hidden="true">
      <rect x="0" y="2" width="10" height="3.2" rx="1.6" />
      <rect x="4" y="7.4" width="7" height="3.2" rx="1.6" opacity="0.6" />
      <rect x="8" y="12.8" width="10" height="3.2" rx="1.6" />
    </svg>
  );
}
