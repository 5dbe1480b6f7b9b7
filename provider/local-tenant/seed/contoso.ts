import type { Sku } from "../model";

/** What a seeded id belongs to: its second group of digits. */
const kinds = {
  tenant: "a000",
  user: "a001",
  group: "a002",
  recipient: "a003",
  exchange: "a004",
  permission: "a005",
  environment: "d000",
  systemUser: "d001",
  mailbox: "d002",
  serverProfile: "d003",
  queue: "d004",
  team: "d005",
} as const;

/** The id of the n-th seeded object of a kind: the same in every tenant, so that programs and tests may name it. */
export function seedId(kind: keyof typeof kinds, n: number): string {
  return `10ca17e4-${kinds[kind]}-4000-8000-${n.toString(16).padStart(12, "0")}`;
}

/** What Dataverse made with a user or team, by the second group of digits of its id. */
const owned = { privateQueue: "d0f4", privateMailbox: "d0f5", ownMailbox: "d0f6" } as const;

/** The id of a row that belongs to a seeded user or team: the owner's id with another second group; the owner's own is the third. */
export function ownedId(kind: keyof typeof owned, ownerId: string): string {
  const [first = "", group = "", , ...rest] = ownerId.split("-");
  return [first, owned[kind], `4${group.slice(1)}`, ...rest].join("-");
}

/** When everything seeded was created, ISO 8601. */
export const seededAt = "2025-01-06T08:00:00Z";

/** The n-th security identifier of the seeded directory. */
export function seedSid(n: number): string {
  return `S-1-5-21-1004336348-1177238915-682003330-${1100 + n}`;
}

/** A row to write: table, key, value. */
export type SeedRow = readonly [table: string, key: string, value: unknown];

/** A person with a licensed mailbox; `number` is the end of all its ids. */
export interface SeedPerson {
  number: number;
  givenName: string;
  surname: string;
  /** Local part of the address, in contoso.com. */
  alias: string;
  skus: ("E3" | "Plan 1" | "Plan 2")[];
  isDirSynced?: true;
  /** Whether Dynamics knows the person. */
  isInDynamics: boolean;
  /** Approval of the address in Dynamics: 1 approved, 2 pending. */
  approval?: 1 | 2;
}

function person(
  number: number,
  givenName: string,
  surname: string,
  sku: SeedPerson["skus"][number],
  approval?: 1 | 2,
): SeedPerson {
  const inDynamics = approval === undefined ? { isInDynamics: false } : { isInDynamics: true, approval };
  return { number, givenName, surname, alias: givenName.toLowerCase(), skus: [sku], ...inDynamics };
}

export const seedPeople: readonly SeedPerson[] = [
  person(1, "Ada", "Lovelace", "E3", 1),
  person(2, "Grace", "Hopper", "E3", 1),
  person(3, "Alan", "Turing", "E3", 1),
  person(4, "Edsger", "Dijkstra", "E3", 2),
  person(5, "Barbara", "Liskov", "Plan 2", 2),
  person(6, "Radia", "Perlman", "Plan 1", 2),
  { ...person(7, "Kathleen", "Booth", "E3"), isDirSynced: true },
];

/** A subscription: seats bought, and those used up by nobody in the tenant's rows. Ids and names are Microsoft's published ones. */
export interface SeedSku extends Sku {
  name: string;
}

const exchangePlan1 = { servicePlanId: "9aaf7827-d63c-4b61-89c3-182f06f82e5c", servicePlanName: "EXCHANGE_S_STANDARD" };
const exchangePlan2 = {
  servicePlanId: "efb87545-963c-4e0d-99df-69c6916d9eb0",
  servicePlanName: "EXCHANGE_S_ENTERPRISE",
};

export const seedSkus: readonly SeedSku[] = [
  {
    name: "Plan 1",
    skuId: "4b9405b0-7788-4568-add1-99614e613b69",
    skuPartNumber: "EXCHANGESTANDARD",
    enabled: 10,
    consumedElsewhere: 0,
    servicePlans: [exchangePlan1],
  },
  {
    name: "Plan 2",
    skuId: "19ec0d23-8335-4cbd-94ac-6050e30712fa",
    skuPartNumber: "EXCHANGEENTERPRISE",
    enabled: 10,
    consumedElsewhere: 4,
    servicePlans: [exchangePlan2],
  },
  {
    // Used up: the next assignment of it is refused.
    name: "Archiving",
    skuId: "ee02fd1b-340e-4a4b-b355-4a514e4c8943",
    skuPartNumber: "EXCHANGEARCHIVE_ADDON",
    enabled: 2,
    consumedElsewhere: 2,
    servicePlans: [
      { servicePlanId: "176a09a6-7ec5-4039-ac02-b2791c6ba793", servicePlanName: "EXCHANGE_S_ARCHIVE_ADDON" },
    ],
  },
  {
    name: "E3",
    skuId: "6fd2c87f-b296-42f0-b197-1e91e994b900",
    skuPartNumber: "ENTERPRISEPACK",
    enabled: 25,
    consumedElsewhere: 10,
    servicePlans: [
      exchangePlan2,
      { servicePlanId: "5dbe027f-2339-4123-9542-606e4d348a72", servicePlanName: "SHAREPOINTENTERPRISE" },
      { servicePlanId: "57ff2da0-773e-42df-b2af-ffb7a2317929", servicePlanName: "TEAMS1" },
    ],
  },
];
