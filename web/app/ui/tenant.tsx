import type { JSX } from "preact";
import { getJson } from "../api/client";
import { useApi } from "../api/use";
import { bytes, count } from "../lib/format";
import { currentTenant, DEFAULT_TENANT, hrefOfTenant } from "../lib/router";
import { Icon } from "./icons";
import { Popover } from "./popover";

interface TableUsage {
  rows: number;
  bytes: number;
  files: number;
  oldest_time: string;
  newest_time: string;
}

export interface Tenant {
  name: string;
  spans: TableUsage | null;
  logs: TableUsage | null;
}

interface TenantPage {
  tenants: Tenant[];
  max_tenants: number;
}

export interface Tenants {
  current: string;
  /** By name, the current one among them whether it has rows or not. */
  all: Tenant[];
}

/** The tenants there are; null while there is nothing to choose. */
export function useTenants(): Tenants | null {
  const found = useApi<TenantPage>("tenants", (signal) => getJson("/api/v1/tenants", {}, signal));
  return tenantsOf(found.data?.tenants ?? [], currentTenant());
}

/** Those to choose from. One alone is not shown, unless the address names it. */
export function tenantsOf(known: Tenant[], named: string | null): Tenants | null {
  const current = named ?? DEFAULT_TENANT;
  const all = known.some((tenant) => tenant.name === current) ? [...known] : [...known, { name: current, spans: null, logs: null }];
  // By code units, as the server has them.
  all.sort((one, other) => (one.name < other.name ? -1 : 1));
  const isOne = known.length === 0 || all.length < 2;
  return isOne && named === null ? null : { current, all };
}

/** Whose data the page shows, and whose there is. */
export function TenantSwitcher({ tenants }: { tenants: Tenants }): JSX.Element {
  const button = (
    <>
      <Icon name="tenants" />
      <span class="tenant-current">{tenants.current}</span>
      <Icon name="down" size={12} />
    </>
  );
  return (
    <span class="hide-phone">
      <Popover button={button} title={`Tenant ${tenants.current}: whose data this is`} label={`Tenant ${tenants.current}`} buttonClass="tenant-button">
        {() => <TenantMenu tenants={tenants} />}
      </Popover>
    </span>
  );
}

/** Links that load the page anew, as another tenant's. */
export function TenantMenu({ tenants }: { tenants: Tenants }): JSX.Element {
  return (
    <nav class="tenants" aria-label="Tenants">
      <p class="choice-label">Tenant</p>
      <ul>
        {tenants.all.map((tenant) => (
          <li key={tenant.name}>
            <a href={hrefOfTenant(tenant.name)} target="_self" aria-current={tenant.name === tenants.current ? "true" : undefined}>
              <span class="tenant-name">{tenant.name}</span>
              <span class="tenant-size">{sizeOf(tenant)}</span>
            </a>
          </li>
        ))}
      </ul>
    </nav>
  );
}

/** Rows of both tables, and what their files take; rows in memory are in none yet. */
export function sizeOf({ spans, logs }: Tenant): string {
  const sum = (key: "rows" | "bytes"): number => (spans?.[key] ?? 0) + (logs?.[key] ?? 0);
  if (sum("rows") === 0) return "no rows";
  const onDisk = sum("bytes");
  return `${count(sum("rows"))} ${sum("rows") === 1 ? "row" : "rows"}${onDisk > 0 ? ` · ${bytes(onDisk)}` : ""}`;
}
