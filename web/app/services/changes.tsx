import type { ComponentChildren, JSX } from "preact";
import { getJson, type Params } from "../api/client";
import type { ChangeEvidence, ServiceChange, ServiceChangesPage } from "../api/changes";
import { useApi } from "../api/use";
import { AGAINST, againstOf, baselineOf } from "../lib/before";
import { serviceColour } from "../lib/colour";
import { count, duration, fixed, percent, plural } from "../lib/format";
import { href, setParams, usePlace } from "../lib/router";
import type { Search } from "../lib/search";
import type { Range } from "../lib/time";
import { LevelBadge } from "../ui/level";
import { NewBadge } from "../ui/new";
import { RunningNote } from "../ui/progress";
import { RunAs } from "../ui/runas";
import { EmptyState, ErrorState, Incomplete, Progress, Skeleton } from "../ui/states";

const HOUR = "now-1h";

const PATH = "/api/v1/services/changes";

const paramsOf = (search: Search, baseline: Range | null): Params => ({ start: search.fixed.start, end: search.fixed.end, baseline_start: baseline?.start, baseline_end: baseline?.end, limit: 50 });

/** The question behind them for elsewhere; SQL cannot rank like that. */
export function ChangesAs({ search }: { search: Search }): JSX.Element | null {
  const baseline = baselineOf(search.fixed, againstOf(usePlace().params.get("against")), search.madeAt);
  return baseline && <RunAs request={{ path: PATH, params: paramsOf(search, baseline) }} />;
}

/** Services by how surely they themselves behave differently than before. */
export function Changes({ search }: { search: Search }): JSX.Element {
  const { params } = usePlace();
  const against = againstOf(params.get("against"));
  const baseline = baselineOf(search.fixed, against, search.madeAt);
  const found = useApi<ServiceChangesPage>(baseline ? `changes ${against.key} ${search.key}` : null, (signal) => getJson(PATH, paramsOf(search, baseline), signal));
  const needle = search.query.toLowerCase();
  const services = (found.data?.services ?? []).filter((service) => service.service_name.toLowerCase().includes(needle));
  return (
    <>
      <Progress active={found.loading} />
      <RunningNote kind={PATH} query="" running={found.loading} />
      <Incomplete answers={[found.data]} />
      <div class="group-scroll" tabIndex={0} role="group" aria-label="What changed">
        {renderBody()}
      </div>
    </>
  );

  function renderBody(): JSX.Element {
    if (!baseline) {
      return (
        <EmptyState title="Since when?">
          <p>What changed shows in a time range that has a beginning: it is compared with the time before.</p>
          <div class="state-actions">
            <button type="button" class="button" onClick={() => search.setRange({ start: HOUR, end: null })}>
              Look at the last hour
            </button>
          </div>
        </EmptyState>
      );
    }
    if (found.error) return <ErrorState error={found.error} retry={found.reload} />;
    if (!found.data) return <Skeleton rowHeight={56} rows={10} />;
    if (services.length === 0) {
      const nothing = found.data.baseline_trace_count === 0 ? "The time it is compared with has no traces." : "Every service takes its usual time, fails as often and says the same.";
      return (
        <EmptyState title={search.query ? "No such service changed" : "Nothing changed for sure"}>
          <p>{nothing}</p>
        </EmptyState>
      );
    }
    return (
      <ol class="group-list changes">
        {services.map((service) => (
          <ChangedService key={service.service_name} service={service} most={services[0]?.score ?? 1} range={{ start: search.range.start, end: search.range.end }} />
        ))}
      </ol>
    );
  }
}

/** What the range is compared with. */
export function AgainstChoice({ children }: { children: ComponentChildren }): JSX.Element {
  const { params } = usePlace();
  const against = againstOf(params.get("against"));
  return (
    <span class="toolbar-end against">
      <span class="muted hide-phone">compared with</span>
      <span class="segmented" role="group" aria-label="Compared with">
        {AGAINST.map((each, at) => (
          <button key={each.key} type="button" aria-pressed={each === against} onClick={() => setParams({ against: at === 0 ? null : each.key }, "replace")}>
            {each.label}
          </button>
        ))}
      </span>
      {children}
    </span>
  );
}

function ChangedService({ service, most, range }: { service: ServiceChange; most: number; range: Range }): JSX.Element {
  const name = service.service_name;
  return (
    <li class="change" style={{ "--share": `${(service.score / Math.max(1, most)) * 100}%` }}>
      <div class="change-head">
        <i class="service-dot" style={{ background: serviceColour(name) }} />
        <a class="change-name" href={href(`/services/${encodeURIComponent(name)}`, { ...range, before: "1" })}>
          {name}
        </a>
        {service.below_share >= 0.5 && (
          <span class="muted" title={`In ${percent(service.below_share, 1)} of the traces in which it has trouble, a service that it calls has, too`}>
            hands on trouble from below
          </span>
        )}
        <span class="change-score number" title="Standard deviations of what chance would do: above 3 is hardly chance">
          {fixed(service.score, 1)}&#8239;σ
        </span>
      </div>
      <ul class="change-evidence">
        {service.evidence.map((evidence) => (
          <li key={`${evidence.kind} ${evidence.name} ${evidence.level}`}>
            <a class="change-row" href={linkOf(evidence, range)}>
              <Evidence evidence={evidence} />
            </a>
          </li>
        ))}
        {service.evidence_count > service.evidence.length && <li class="muted change-row">and {count(service.evidence_count - service.evidence.length)} more</li>}
      </ul>
    </li>
  );
}

function linkOf(evidence: ChangeEvidence, range: Range): string {
  if (evidence.sample_trace_id) return href(`/trace/${evidence.sample_trace_id}`, { span: evidence.sample_span_id });
  return href(evidence.kind === "logs" ? "/logs" : "/traces", { q: evidence.query, ...range });
}

function Evidence({ evidence }: { evidence: ChangeEvidence }): JSX.Element {
  const was = (text: string): JSX.Element => <span class="muted number">was {text}</span>;
  switch (evidence.kind) {
    case "slower":
      return (
        <>
          <span class="change-kind">slower</span>
          <span class="change-what">{evidence.name}</span>
          <span class="number" title={`Median of the time that nothing it calls covers, of ${plural(evidence.count, "span")}`}>
            {duration(evidence.p50_ns ?? 0)}
          </span>
          {was(duration(evidence.baseline_p50_ns ?? 0))}
        </>
      );
    case "errors":
      return (
        <>
          <span class="change-kind error-text">fails</span>
          <span class="change-what">{evidence.name}</span>
          <span class="number error-text" title={`${count(evidence.count)} of ${plural(evidence.total, "span")}`}>
            {percent(evidence.count, evidence.total)}
          </span>
          {was(percent(evidence.baseline_count, evidence.baseline_total))}
        </>
      );
    case "logs":
      return (
        <>
          <span class="change-kind">
            <LevelBadge level={evidence.level ?? "unset"} />
          </span>
          <span class="change-what change-text">{evidence.name}</span>
          <span class="number">{plural(evidence.count, "record")}</span>
          {evidence.baseline_count === 0 ? <NewBadge isNew /> : was(count(evidence.baseline_count))}
        </>
      );
    case "silent":
      return (
        <>
          <span class="change-kind">silent</span>
          <span class="change-what">in no trace any more</span>
          <span class="number">0</span>
          {was(`in ${percent(evidence.baseline_count, evidence.baseline_total)}`)}
        </>
      );
    case "appeared":
      return (
        <>
          <span class="change-kind">new</span>
          <span class="change-what">was in no trace before</span>
          <span class="number">{percent(evidence.count, evidence.total)}</span>
          <span class="muted">of traces</span>
        </>
      );
  }
}
