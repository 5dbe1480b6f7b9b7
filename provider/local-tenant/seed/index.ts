import { signingKeyTable } from "../login/tokens";
import type { Tenant } from "../tenant";
import { isKeyOf, keysOf } from "../values";
import { applicationRows } from "./applications";
import { type SeedRow, seedId } from "./contoso";
import { directoryRows } from "./directory";
import { environmentRows } from "./environment";

const seeds = {
  contoso: (): SeedRow[] => [...directoryRows(), ...applicationRows(), ...environmentRows()],
} as const;

/** The rows of each seed as JSON, once they were asked for: they are the same for every tenant of a process. */
const written: Partial<Record<SeedName, string>> = {};

/** What a tenant can be filled with. */
export type SeedName = keyof typeof seeds;

export const seedNames = keysOf(seeds);

export function isSeedName(name: unknown): name is SeedName {
  return isKeyOf(seeds, name);
}

/**
 * Fills an empty tenant, as one line of its journal. All services see it at once, whatever their lag.
 *
 * @param tenantId Entra id of the tenant, so that two of them can be told apart; its Dataverse organisation gets an id of its own too.
 * Default: the seed's. Everything else has the same id in every tenant.
 */
export function seedTenant(tenant: Tenant, seed: SeedName, tenantId = seedId("tenant", 1)): void {
  written[seed] ??= JSON.stringify(seeds[seed]());
  const rows: SeedRow[] = JSON.parse(
    written[seed]
      .replaceAll(seedId("tenant", 1), tenantId)
      .replaceAll(seedId("environment", 1), organizationIdIn(tenantId)),
  );
  tenant.store.commit(rows, 0);
}

/** Id of the Dataverse organisation of a tenant: the tenant's with the second group of digits that environments have. */
function organizationIdIn(tenantId: string): string {
  const [environment = ""] = seedId("environment", 1).match(/-[0-9a-f]{4}-/) ?? [];
  return tenantId.replace(/-[0-9a-f]{4}-/, environment);
}

/**
 * Forgets everything, settings and clock included, and seeds the tenant again unless `seed` is null. The signing key stays:
 * clients that hold a token go on with it.
 */
export function resetTenant(tenant: Tenant, seed: SeedName | null, tenantId?: string): void {
  const keys = tenant.store.entries(signingKeyTable);
  tenant.clear();
  tenant.store.commit(keys.map(([key, value]) => [signingKeyTable, key, value]));
  if (seed !== null) {
    seedTenant(tenant, seed, tenantId);
  }
}
