import type { JSX } from "preact";
import { ServiceName } from "../ui/service";
import type { Graph } from "./graph";
import { labelOf } from "./namespaces";

/** A service, or a namespace with how many it has. */
export function NodeName({ name, graph }: { name: string; graph: Graph }): JSX.Element {
  const group = graph.groups?.get(name);
  if (!group) return <ServiceName name={name} />;
  return (
    <span class="service" title={name}>
      <i class="namespace-mark" />
      <span class="service-text">{labelOf(group.name)}</span>
      <span class="muted">{group.services}</span>
    </span>
  );
}
