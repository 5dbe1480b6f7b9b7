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

export const seedPeople: readonly SeedPerson[] = [
  { number: 1, givenName: "Ada", surname: "Lovelace", alias: "ada", skus: ["E3"], isInDynamics: true, approval: 1 },
  { number: 2, givenName: "Grace", surname: "Hopper", alias: "grace", skus: ["E3"], isInDynamics: true, approval: 1 },
  { number: 3, givenName: "Alan", surname: "Turing", alias: "alan", skus: ["E3"], isInDynamics: true, approval: 1 },
  {
    number: 4,
    givenName: "Edsger",
    surname: "Dijkstra",
    alias: "edsger",
    skus: ["E3"],
    isInDynamics: true,
    approval: 2,
  },
  {
    number: 5,
    givenName: "Barbara",
    surname: "Liskov",
    alias: "barbara",
    skus: ["Plan 2"],
    isInDynamics: true,
    approval: 2,
  },
  {
    number: 6,
    givenName: "Radia",
    surname: "Perlman",
    alias: "radia",
    skus: ["Plan 1"],
    isInDynamics: true,
    approval: 2,
  },
  {
    number: 7,
    givenName: "Kathleen",
    surname: "Booth",
    alias: "kathleen",
    skus: ["E3"],
    isDirSynced: true,
    isInDynamics: false,
  },
];

/** A subscription: seats bought, and those used up by nobody in the tenant's rows. Ids and names are Microsoft's published ones. */
export interface SeedSku {
  name: string;
  skuId: string;
  skuPartNumber: string;
  enabled: number;
  consumedElsewhere: number;
  servicePlans: { servicePlanId: string; servicePlanName: string }[];
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
