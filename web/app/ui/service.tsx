import type { JSX } from "preact";
import { serviceColour } from "../lib/colour";
import { href } from "../lib/router";
import type { Range } from "../lib/time";

export function ServiceName({ name }: { name: string }): JSX.Element {
  return (
    <span class="service" title={name}>
      <i class="service-dot" style={{ background: serviceColour(name) }} />
      <span class="service-text">{name}</span>
    </span>
  );
}

/** The same, as the way to the service's page. */
export function ServiceLink({ name, range }: { name: string; range: Range }): JSX.Element {
  return (
    <a class="service-link" href={href(`/services/${encodeURIComponent(name)}`, { ...range })} title={`The page of ${name}`}>
      <ServiceName name={name} />
    </a>
  );
}
