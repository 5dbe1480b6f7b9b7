import { signingKeyTable } from "../login/tokens";
import type { Tenant } from "../tenant";
import { applicationRows } from "./applications";
import { directoryRows } from "./directory";
import { environmentRows } from "./environment";
import type { SeedRow } from "./ids";

const seeds = {
  contoso: (): SeedRow[] => [...directoryRows(), ...applicationRows(), ...environmentRows()],
} as const;

/** What a tenant can be filled with. */
export type SeedName = keyof typeof seeds;

export const seedNames = Object.keys(seeds) as SeedName[];

export function isSeedName(name: unknown): name is SeedName {
  return typeof name === "string" && name in seeds;
}

/** Fills an empty tenant, as one line of its journal. All services see it at once, whatever their lag. */
export function seedTenant(tenant: Tenant, seed: SeedName): void {
  tenant.store.commit(seeds[seed](), 0);
}

/**
 * Forgets everything, settings and clock included, and seeds the tenant again unless `seed` is null. The signing key stays:
 * clients that hold a token go on with it.
 */
export function resetTenant(tenant: Tenant, seed: SeedName | null): void {
  const keys = tenant.store.entries(signingKeyTable);
  tenant.clear();
  tenant.store.commit(keys.map(([key, value]) => [signingKeyTable, key, value]));
  if (seed !== null) {
    seedTenant(tenant, seed);
  }
}
