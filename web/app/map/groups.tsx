import type { JSX } from "preact";
import type { Service } from "../api/types";
import { count, percent, plural } from "../lib/format";
import { Icon } from "../ui/icons";
import { Panel } from "../ui/panel";
import { NodeName } from "./name";
import { labelOf, type Group } from "./namespaces";
import type { Graph } from "./graph";

interface Props {
  graph: Graph;
  rates: Map<string, Service>;
  /** A namespace opens or closes, a service is looked at. */
  onChoose: (name: string) => void;
  /** So that these are open, and no others. */
  onOpen: (names: string[]) => void;
  onClose: () => void;
}

/** The namespaces of the map as a list, for the keyboard and for those who know the name. */
export function GroupPanel({ graph, rates, onChoose, onOpen, onClose }: Props): JSX.Element {
  const spansOf = (id: string): number => rates.get(id)?.span_count ?? 0;
  const groups = [...(graph.groups ?? [])].sort(([a, one], [b, other]) => spansOf(b) - spansOf(a) || one.name.localeCompare(other.name));
  const most = Math.max(1, ...groups.map(([id]) => spansOf(id)));
  const closed = groups.filter(([, group]) => !group.open);
  return (
    <Panel label="Namespaces" head={<b>{plural(groups.length, "namespace")}</b>} onClose={onClose}>
      <p class="state-actions">
        <button type="button" class="button button-small" disabled={closed.length === 0} onClick={() => onOpen(groups.map(([, group]) => group.name))}>
          Open all
        </button>
        <button type="button" class="button button-small" disabled={closed.length === groups.length} onClick={() => onOpen([])}>
          Close all
        </button>
      </p>
      <ul class="facet-values">
        {groups.map(([id, group]) => (
          <li key={id}>
            <div class="facet-value" style={{ "--share": `${(spansOf(id) / most) * 100}%` }}>
              <button type="button" class="namespace-open" aria-expanded={group.open} title={countsOf(group, rates.get(id))} onClick={() => onChoose(id)}>
                <Icon name="chevron" size={12} />
                <span class="facet-text">{labelOf(group.name)}</span>
                {group.cyclic && <span class="warn-text">cycle</span>}
                <Failing service={rates.get(id)} />
                <span class="number muted">{count(group.services)}</span>
              </button>
            </div>
            {group.open && <Members group={group} graph={graph} rates={rates} onChoose={onChoose} />}
          </li>
        ))}
      </ul>
    </Panel>
  );
}

function Members({ group, graph, rates, onChoose }: Pick<Props, "graph" | "rates" | "onChoose"> & { group: Group }): JSX.Element {
  return (
    <ul class="namespace-members">
      {group.members.map((name) => (
        <li key={name} class="facet-value" style={{ "--share": "0%" }}>
          <button type="button" onClick={() => onChoose(name)}>
            <span class="facet-text">
              <NodeName name={name} graph={graph} />
            </span>
            <Failing service={rates.get(name)} />
          </button>
        </li>
      ))}
    </ul>
  );
}

function Failing({ service }: { service: Service | undefined }): JSX.Element | null {
  return service && service.error_count > 0 ? <span class="error-text number">{percent(service.error_count, service.span_count)}</span> : null;
}

const countsOf = (group: Group, service: Service | undefined): string => `${plural(group.services, "service")}, ${plural(service?.span_count ?? 0, "span")}`;

/** Spans and errors of namespaces beside those of services, by their names on the map. */
export function ratesWith(graph: Graph, rates: Map<string, Service>): Map<string, Service> {
  if (!graph.groups) return rates;
  const all = new Map(rates);
  for (const [id, group] of graph.groups) {
    const members = group.members.flatMap((name) => rates.get(name) ?? []);
    const sum = (of: (service: Service) => number): number => members.reduce((total, service) => total + of(service), 0);
    all.set(id, { service_name: id, span_count: sum((each) => each.span_count), error_count: sum((each) => each.error_count), log_count: sum((each) => each.log_count), operations: [] });
  }
  return all;
}
