import type { JSX } from "preact";
import { serviceColour } from "../lib/colour";

export function ServiceName({ name }: { name: string }): JSX.Element {
  return (
    <span class="service" title={name}>
      <i class="service-dot" style={{ background: serviceColour(name) }} />
      <span class="service-text">{name}</span>
    </span>
  );
}
