import { signingKeyTable } from "../login/tokens";
import { frozen } from "../store";
import type { Tenant } from "../tenant";
import { isKeyOf, keysOf } from "../values";
import { applicationRows } from "./applications";
import { type SeedRow, seedId } from "./contoso";
import { directoryRows } from "./directory";
import { environmentRows } from "./environment";

const seeds = {
  contoso: (): SeedRow[] => [...directoryRows(), ...applicationRows(), ...environmentRows()],
} as const;

/** Rows that were asked for, by seed and tenant's id: every such tenant of a process has the same ones. */
const made = new Map<string, readonly SeedRow[]>();

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
  const key = `${seed} ${tenantId}`;
  const rows = made.get(key) ?? rowsOf(seed, tenantId);
  made.set(key, rows);
  tenant.store.commit(rows, 0);
}

function rowsOf(seed: SeedName, tenantId: string): readonly SeedRow[] {
  const text = JSON.stringify(seeds[seed]())
    .replaceAll(seedId("tenant", 1), tenantId)
    .replaceAll(seedId("environment", 1), organizationIdIn(tenantId));
  return frozen(JSON.parse(text));
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
