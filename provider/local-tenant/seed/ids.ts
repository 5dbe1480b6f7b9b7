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
