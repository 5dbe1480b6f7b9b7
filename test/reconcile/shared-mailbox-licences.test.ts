import { failure, type Resource, type Row, startWorld, type World } from "./harness";

const support = { displayName: "Contoso Support", primarySmtpAddress: "support@contoso.com" };
const GIGABYTE = 1024 ** 3;
const PLAN_1 = "4b9405b0-7788-4568-add1-99614e613b69";
const PLAN_2 = "19ec0d23-8335-4cbd-94ac-6050e30712fa";
const E3 = "6fd2c87f-b296-42f0-b197-1e91e994b900";
const EXCHANGE_2 = "efb87545-963c-4e0d-99df-69c6916d9eb0";
const TEAMS = "57ff2da0-773e-42df-b2af-ffb7a2317929";
const ARCHIVING = "ee02fd1b-340e-4a4b-b355-4a514e4c8943";

const plan2 = { sku: "EXCHANGEENTERPRISE", usageLocation: "SE" };
const plan1 = { sku: "EXCHANGESTANDARD", usageLocation: "SE" };
const large = { issueWarning: "90 GB", prohibitSend: "95 GB", prohibitSendReceive: "100 GB" };
const SUFFICIENT = /EXCHANGEENTERPRISE, ENTERPRISEPACK, ENTERPRISEPREMIUM, SPE_E3/;

async function seen(world: World, { id }: Resource): Promise<Row> {
  const [row] = await world.exchange("Get-Mailbox", { Identity: id });
  return row ?? {};
}

/** Ids of the licences of an account, directly assigned or by groups, and where it is used. */
async function licences(
  world: World,
  { id }: Resource,
): Promise<{ skuIds: string[]; usageLocation: unknown; off: unknown }> {
  const user = await world.graph("GET", `/users/${id}?$select=id,usageLocation,assignedLicenses`);
  const assigned = (user?.assignedLicenses ?? []) as { skuId: string; disabledPlans: string[] }[];
  return {
    skuIds: assigned.map(({ skuId }) => skuId).sort(),
    usageLocation: user?.usageLocation,
    off: assigned.flatMap(({ disabledPlans }) => disabledPlans).sort(),
  };
}

async function made(world: World, more: Row = {}): Promise<Resource> {
  const resource = await world.resource("SharedMailbox", "support").up({ ...support, ...more });
  await world.writes();
  return resource;
}

/** Gives the account a licence by hand. */
async function assign(world: World, { id }: Resource, skuId: string): Promise<void> {
  await world.graph("PATCH", `/users/${id}`, { usageLocation: "DK" });
  await world.graph("POST", `/users/${id}/assignLicense`, {
    addLicenses: [{ skuId, disabledPlans: [] }],
    removeLicenses: [],
  });
  await world.writes();
}

/** Gives the account a licence through a group. */
async function assignByGroup(world: World, { id }: Resource, skuId: string): Promise<void> {
  await world.control("PATCH", `state/users/${id}`, {
    assignedLicenses: [{ skuId, disabledPlans: [], assignedByGroup: "10ca17e4-a002-4000-8000-000000000002" }],
  });
}

async function sharedMailboxes(world: World): Promise<Row[]> {
  return world.exchange("Get-Mailbox", { RecipientTypeDetails: "SharedMailbox", ResultSize: "Unlimited" });
}

describe("license", () => {
  test("is set at creation, with the usage location first", async () => {
    const world = await startWorld({ settings: { newSharedAccountEnabled: true } });
    const resource = world.resource("SharedMailbox", "support");
    await resource.up({ ...support, license: plan2, quota: large, archive: true, litigationHold: { days: 365 } });
    expect(await licences(world, resource)).toMatchObject({ skuIds: [PLAN_2], usageLocation: "SE" });
    const writes = await world.writes();
    const user = `/v1.0/users/${resource.id}`;
    expect(writes.slice(0, 6)).toEqual([
      "New-Mailbox",
      // The account is closed before anything else can fail.
      `PATCH ${user}`,
      `POST ${user}/revokeSignInSessions`,
      // The usage location.
      `PATCH ${user}`,
      `POST ${user}/assignLicense`,
      "Set-Mailbox",
    ]);
    expect(writes.filter((write) => write === "Set-Mailbox")).toHaveLength(1);
    expect(await seen(world, resource)).toMatchObject({
      ProhibitSendReceiveQuota: expect.stringContaining("100 GB"),
      LitigationHoldEnabled: true,
      LitigationHoldDuration: "365.00:00:00",
      ArchiveStatus: "Active",
    });
    expect(resource.outputs).toMatchObject({ assignedLicenseId: PLAN_2, holds: ["litigation hold"] });
    expect(await resource.refresh()).toEqual({});
  });

  test.each<[string, unknown]>([
    ["its id", { sku: PLAN_2.toUpperCase(), usageLocation: "se" }],
    ["another case", { sku: "ExchangeEnterprise", usageLocation: "SE" }],
  ])("is the same licence by %s", async (_what, license) => {
    const world = await startWorld();
    const resource = await made(world, { license: plan2 });
    expect(await resource.plan({ ...support, license })).toEqual([]);
  });

  test("changed in place: one request assigns the new one and takes the old one away", async () => {
    const world = await startWorld();
    const resource = await made(world, { license: plan1 });
    await resource.up({ ...support, license: plan2, quota: large });
    expect(await world.writes()).toEqual([`POST /v1.0/users/${resource.id}/assignLicense`, "Set-Mailbox"]);
    expect((await licences(world, resource)).skuIds).toEqual([PLAN_2]);
    expect(resource.outputs.assignedLicenseId).toBe(PLAN_2);
    await resource.up({ ...support, license: plan1 });
    expect(await world.writes()).toEqual(["Set-Mailbox", `POST /v1.0/users/${resource.id}/assignLicense`]);
    expect((await licences(world, resource)).skuIds).toEqual([PLAN_1]);
    expect(await resource.refresh()).toEqual({});
  });

  test("removed from the program it stays, with a warning, and is nobody's drift", async () => {
    const world = await startWorld();
    const resource = await made(world, { license: plan2 });
    await resource.up(support);
    expect(await world.writes()).toEqual([]);
    expect((await licences(world, resource)).skuIds).toEqual([PLAN_2]);
    expect(world.warnings.join("\n")).toContain("license is no longer declared; the mailbox keeps the value it has.");
    expect(await resource.refresh()).toEqual({});
    expect(await resource.plan(support)).toEqual([]);
  });

  test("changed behind our back it is named and repaired; other licences survive", async () => {
    const world = await startWorld();
    const resource = await made(world, { license: plan2 });
    await world.graph("POST", `/users/${resource.id}/assignLicense`, { addLicenses: [], removeLicenses: [PLAN_2] });
    await assign(world, resource, PLAN_1);
    expect(await resource.refresh()).toEqual({ license: [plan2, null] });
    await world.graph("POST", `/users/${resource.id}/assignLicense`, { addLicenses: [], removeLicenses: [PLAN_1] });
    await resource.up({ ...support, license: plan2 });
    expect(await licences(world, resource)).toMatchObject({ skuIds: [PLAN_2], usageLocation: "DK" });
    expect(await resource.refresh()).toEqual({});
  });

  test("with plans that are off: exact where they are declared, left alone where not", async () => {
    const world = await startWorld();
    const declared = { sku: "ENTERPRISEPACK", usageLocation: "SE", disabledPlans: ["teams1", "SharePointEnterprise"] };
    const resource = await made(world, { license: declared });
    expect((await licences(world, resource)).off).toHaveLength(2);
    expect(
      await resource.plan({ ...support, license: { ...declared, disabledPlans: ["SHAREPOINTENTERPRISE", "TEAMS1"] } }),
    ).toEqual([]);
    await world.graph("POST", `/users/${resource.id}/assignLicense`, {
      addLicenses: [{ skuId: E3, disabledPlans: [TEAMS] }],
      removeLicenses: [],
    });
    expect(await resource.refresh()).toEqual({
      "license/disabledPlans": [["SHAREPOINTENTERPRISE", "TEAMS1"], ["TEAMS1"]],
    });
    await resource.up({ ...support, license: declared });
    expect((await licences(world, resource)).off).toHaveLength(2);
    await resource.up({ ...support, license: { sku: "ENTERPRISEPACK" } });
    expect((await licences(world, resource)).off).toHaveLength(2);
    expect(await resource.refresh()).toEqual({});
  });

  test("whose other plans do not show in time is named in the error", async () => {
    const world = await startWorld({ config: { settleTimeout: "1s" } });
    const declared = { sku: "ENTERPRISEPACK", usageLocation: "SE", disabledPlans: ["TEAMS1"] };
    const resource = await made(world, { license: declared });
    await world.fault({ service: "graph", path: "assignLicense", times: "always", answer: { status: 200, body: {} } });
    const program = { ...support, license: { ...declared, disabledPlans: ["SHAREPOINTENTERPRISE"] } };
    expect(await failure(resource.up(program))).toContain(
      `license is {"sku":"ENTERPRISEPACK","usageLocation":"SE","disabledPlans":["TEAMS1"]} instead of`,
    );
  });

  test("with a plan that is off, written by its name and by its id, settles", async () => {
    const world = await startWorld({ config: { settleTimeout: "1s" } });
    const license = { sku: "ENTERPRISEPACK", usageLocation: "SE", disabledPlans: ["TEAMS1", TEAMS] };
    const resource = await made(world, { license });
    expect((await licences(world, resource)).off).toEqual([TEAMS]);
    expect(await resource.refresh()).toEqual({});
    expect(await resource.plan({ ...support, license })).toEqual([]);
  });

  test("by a licence that is not well known is resolved in the tenant", async () => {
    const world = await startWorld();
    const skuId = "0a5f0c9e-1111-4222-8333-444455556666";
    await world.control("PUT", `state/skus/${skuId}`, {
      skuId,
      skuPartNumber: "CONTOSO_SUITE",
      enabled: 3,
      consumedElsewhere: 0,
      servicePlans: [{ servicePlanId: EXCHANGE_2, servicePlanName: "EXCHANGE_S_ENTERPRISE" }],
    });
    const resource = await made(world, { license: { sku: "contoso_suite", usageLocation: "SE" }, archive: true });
    expect((await licences(world, resource)).skuIds).toEqual([skuId]);
    expect(await resource.refresh()).toEqual({});
    expect((await seen(world, resource)).ArchiveStatus).toBe("Active");
  });

  test.each<[string, Row, RegExp]>([
    [
      "one the tenant has not",
      { license: { sku: "SPE_E5", usageLocation: "SE" } },
      /^license\.sku: the tenant has no licence SPE_E5; it has ENTERPRISEPACK, /,
    ],
    ["no usage location", { license: { sku: "EXCHANGEENTERPRISE" } }, /^license\.usageLocation: is missing/],
    [
      "one without a free seat",
      { license: { sku: ARCHIVING, usageLocation: "SE" } },
      /^license: no seat of EXCHANGEARCHIVE_ADDON is free: 2 of 2 are in use/,
    ],
    [
      "an unknown plan",
      { license: { ...plan2, disabledPlans: ["YAMMER"] } },
      /^license\.disabledPlans: YAMMER is not a service plan of EXCHANGEENTERPRISE/,
    ],
    [
      '"external" for a mailbox that does not exist yet',
      { license: "external", archive: true },
      /^archive: needs a licence.*not there yet/,
    ],
  ])("%s is refused before the mailbox is created", async (_what, more, reason) => {
    const world = await startWorld();
    expect(await failure(made(world, more))).toMatch(reason);
    expect(await sharedMailboxes(world)).toEqual([]);
  });

  test.each<[string, Row, RegExp]>([
    ["an unknown member", { license: { sku: "SPB", seats: 2 } }, /^license/],
    ["a text", { license: "EXCHANGEENTERPRISE" }, /^license: must be an object/],
    ["true", { license: true }, /^license: must be an object/],
    ["a country in full", { license: { sku: "SPB", usageLocation: "Sweden" } }, /^license/],
    [
      "a spelling of a country",
      { license: { sku: "SPB", usageLocation: "uk" } },
      /^license\.usageLocation: .*write GB/,
    ],
    ["no country", { license: { sku: "SPB", usageLocation: "EL" } }, /^license\.usageLocation: .*write one, e\.g\. SE/],
    ["a hold of no days", { litigationHold: { days: 0 } }, /^litigationHold/],
    [
      "a hold of more days than a timespan has",
      { litigationHold: { days: 10_675_200 }, license: { sku: "EXCHANGEENTERPRISE" } },
      /^litigationHold\.days: is longer than Exchange can hold .*write true/,
    ],
  ])("%s is refused in preview", async (_what, more, reason) => {
    const world = await startWorld();
    expect(await failure(world.resource("SharedMailbox", "support").check({ ...support, ...more }))).toMatch(reason);
  });

  test("a lack of seats that shows only when it is assigned is told with the counts", async () => {
    const world = await startWorld();
    const resource = await made(world);
    const skus = await world.control("GET", "state/skus");
    await world.fault({
      service: "graph",
      method: "POST",
      path: "/assignLicense",
      answer: {
        status: 400,
        body: {
          error: {
            code: "Request_BadRequest",
            message: `Subscription with SKU ${PLAN_2} does not have any available licenses.`,
          },
        },
      },
    });
    await world.fault({
      service: "graph",
      path: "/subscribedSkus",
      after: 1,
      answer: {
        status: 200,
        body: {
          value: [
            { ...(skus[PLAN_2] as Row), consumedUnits: 10, prepaidUnits: { enabled: 10 }, capabilityStatus: "Enabled" },
          ],
        },
      },
    });
    expect(await failure(resource.up({ ...support, license: plan2 }))).toMatch(
      /no seat of EXCHANGEENTERPRISE is free: 10 of 10 are in use/,
    );
    expect((await licences(world, resource)).skuIds).toEqual([]);
  });

  test.each(["before", "after"])("an answer lost (closed %s it happened) is observed and finished", async (close) => {
    const world = await startWorld({ config: { settleTimeout: "1s" } });
    const resource = await made(world);
    await world.fault({ service: "graph", method: "POST", path: "/assignLicense", close });
    await resource.up({ ...support, license: plan2, archive: true });
    expect((await licences(world, resource)).skuIds).toEqual([PLAN_2]);
    expect((await seen(world, resource)).ArchiveStatus).toBe("Active");
    await resource.up({ ...support, license: false, archive: false });
    expect((await licences(world, resource)).skuIds).toEqual([]);
  });

  test.each(["before", "after"])(
    "a change whose answer is lost (closed %s it happened), with nothing to be read then, is finished by the next deployment",
    async (close) => {
      const world = await startWorld({ config: { settleTimeout: "1s" } });
      const resource = await made(world, { license: plan1 });
      await world.fault({ service: "graph", method: "POST", path: "/assignLicense", close });
      const refused = { status: 400, body: { error: { code: "Request_BadRequest", message: "no" } } };
      await world.fault({
        service: "graph",
        path: "licenseAssignmentStates",
        after: 1,
        times: "always",
        answer: refused,
      });
      await failure(resource.up({ ...support, license: plan2 }));
      await world.control("DELETE", "faults");
      await resource.up({ ...support, license: plan2 });
      expect((await licences(world, resource)).skuIds).toEqual([PLAN_2]);
      await resource.up({ ...support, license: false });
      expect((await licences(world, resource)).skuIds).toEqual([]);
    },
  );

  test("Exchange learns of a new licence later: what needs it is tried again", async () => {
    const world = await startWorld();
    const resource = await made(world);
    const refusal = {
      status: 400,
      body: {
        error: {
          code: "BadRequest",
          message: "Error executing cmdlet",
          details: [
            {
              code: "Client",
              target: "",
              message:
                "Ex8F1D66|Microsoft.Exchange.Management.RecipientTasks.RecipientTaskException|It can't be enabled because it doesn't have a license that includes it.",
            },
          ],
        },
      },
    };
    await world.fault({ cmdlet: "Set-Mailbox", times: 2, answer: refusal });
    await world.fault({ cmdlet: "Enable-Mailbox", times: 1, answer: refusal });
    await resource.up({ ...support, license: plan2, litigationHold: true, archive: true });
    expect(await seen(world, resource)).toMatchObject({ LitigationHoldEnabled: true, ArchiveStatus: "Active" });
  });
});

describe("license: false", () => {
  test("takes away the licence this resource assigned", async () => {
    const world = await startWorld();
    const resource = await made(world, { license: plan2 });
    expect(await resource.plan({ ...support, license: false })).toEqual(["license"]);
    await resource.up({ ...support, license: false });
    expect((await licences(world, resource)).skuIds).toEqual([]);
    expect(resource.outputs.assignedLicenseId).toBeUndefined();
    expect(await resource.refresh()).toEqual({});
    expect(await resource.plan({ ...support, license: false })).toEqual([]);
  });

  const none = { ...support, license: false };

  test("takes away one that somebody else assigned, once a preview has shown that it goes", async () => {
    const world = await startWorld();
    const resource = await made(world);
    await assign(world, resource, PLAN_2);
    await resource.up({ ...support, license: plan2 });
    expect(await world.writes()).toEqual([]);
    expect(await resource.plan(none)).toEqual(["license"]);
    await resource.up(none);
    expect((await licences(world, resource)).skuIds).toEqual([]);
    expect(await resource.refresh()).toEqual({});
  });

  test("is drift where somebody assigns one, which goes", async () => {
    const world = await startWorld();
    const resource = await made(world, { license: false });
    expect(await resource.refresh()).toEqual({});
    await assign(world, resource, PLAN_2);
    // No preview has shown it yet: a change of something else leaves it.
    await resource.up({ ...none, displayName: "Support" });
    expect(await world.writes()).toEqual(["Set-Mailbox"]);
    expect(world.warnings.join("\n")).toContain("license: the mailbox has the licence EXCHANGEENTERPRISE");
    expect(await resource.refresh()).toEqual({ license: [false, { sku: "EXCHANGEENTERPRISE" }] });
    expect(await resource.plan({ ...none, displayName: "Support" })).toEqual(["license"]);
    await resource.up({ ...none, displayName: "Support" });
    expect((await licences(world, resource)).skuIds).toEqual([]);
    expect(await resource.refresh()).toEqual({});
    expect(resource.outputs).not.toHaveProperty("assignedLicenseId");
  });

  test("says what only a group can take away, and leaves what is not Exchange's", async () => {
    const world = await startWorld();
    const resource = await made(world, { license: false });
    await assignByGroup(world, resource, E3);
    expect(await resource.refresh()).toEqual({});
    await resource.up({ ...none, displayName: "Support" });
    expect(world.warnings.join("\n")).toMatch(/keeps the licence ENTERPRISEPACK: the group .* assigns it/);
    expect((await licences(world, resource)).skuIds).toEqual([E3]);
    await world.control("PATCH", `state/users/${resource.id}`, {
      assignedLicenses: [{ skuId: PLAN_2, disabledPlans: [EXCHANGE_2] }],
    });
    expect(await resource.refresh()).toEqual({});
  });

  test("leaves what an adoption finds until a refresh has shown it", async () => {
    const world = await startWorld();
    const first = await made(world);
    await assign(world, first, PLAN_2);
    const second = await world.resource("SharedMailbox", "second").up({ ...none, signInBlocked: true, adopt: true });
    expect((await licences(world, first)).skuIds).toEqual([PLAN_2]);
    expect(world.warnings.join("\n")).toContain("license: the mailbox has the licence EXCHANGEENTERPRISE");
    await second.refresh();
    await second.up({ ...none, signInBlocked: true, adopt: true });
    expect((await licences(world, first)).skuIds).toEqual([]);
  });

  test.each<[string, Row, Row, RegExp]>([
    ["an archive", { archive: true }, {}, /EXCHANGEENTERPRISE of support@contoso\.com is needed: it has an archive/],
    ["a hold", { litigationHold: true }, {}, /is needed: the mailbox is under litigation hold/],
    [
      "a hold that would only just be lifted",
      { litigationHold: true },
      { litigationHold: false },
      /is needed: the mailbox is under litigation hold/,
    ],
    ["a large mailbox", {}, {}, /is needed: it holds 60 GB/],
  ])("is refused for %s", async (what, first, more, reason) => {
    const world = await startWorld();
    const resource = await made(world, { license: plan2, ...first });
    if (what === "a large mailbox") {
      await world.patchRecipient("support@contoso.com", { mailbox: { totalItemSize: 60 * GIGABYTE, itemCount: 9 } });
    }
    expect(await failure(resource.up({ ...support, ...more, license: false }))).toMatch(reason);
    expect(await failure(resource.up({ ...support, ...more, license: plan1 }))).toMatch(reason);
    expect(await world.writes()).toEqual([]);
    expect((await licences(world, resource)).skuIds).toEqual([PLAN_2]);
  });

  test("is refused for a large quota that is kept by hand, not for one that goes back", async () => {
    const world = await startWorld();
    const resource = await made(world, { license: plan2 });
    await world.exchange("Set-Mailbox", { Identity: resource.id, ProhibitSendReceiveQuota: "60 GB" });
    await world.writes();
    expect(await failure(resource.up({ ...support, license: false }))).toContain("its quota is 60 GB");
    await resource.up({
      ...support,
      license: plan2,
      quota: { ...large, issueWarning: "40 GB", prohibitSend: "45 GB", prohibitSendReceive: "50 GB" },
    });
    await resource.up({
      ...support,
      license: false,
      quota: { issueWarning: "40 GB", prohibitSend: "45 GB", prohibitSendReceive: "50 GB" },
    });
    expect((await licences(world, resource)).skuIds).toEqual([]);
  });

  test("goes with an archive that is disabled in the same deployment", async () => {
    const world = await startWorld();
    const resource = await made(world, { license: plan2, archive: true });
    await resource.up({ ...support, license: false, archive: false });
    expect(await world.writes()).toEqual(["Disable-Mailbox", `POST /v1.0/users/${resource.id}/assignLicense`]);
    expect(await seen(world, resource)).toMatchObject({ ArchiveStatus: "None" });
    expect((await licences(world, resource)).skuIds).toEqual([]);
  });
});

describe("the licence guard", () => {
  test.each<[string, Row, RegExp]>([
    [
      "a large quota",
      { quota: large },
      /^quota: is not covered by `license`: more than 50 GB needs Exchange Online Plan 2/,
    ],
    ["an archive", { archive: true }, /^archive: is not covered by/],
    ["a hold", { litigationHold: true }, /^litigationHold: is not covered by/],
    ["a hold of days", { litigationHold: { days: 30 } }, /^litigationHold: is not covered by/],
    [
      "a large quota with a lesser licence",
      { quota: large, license: plan1 },
      /^quota: is not covered by license\.sku EXCHANGESTANDARD/,
    ],
    [
      "an archive with its plan off",
      { archive: true, license: { ...plan2, disabledPlans: ["EXCHANGE_S_ENTERPRISE"] } },
      /with its disabledPlans/,
    ],
    ["an archive with license: false", { archive: true, license: false }, /^archive: is not covered by/],
  ])("refuses %s in preview, naming the licences that suffice", async (_what, more, reason) => {
    const world = await startWorld();
    const message = await failure(world.resource("SharedMailbox", "support").check({ ...support, ...more }));
    expect(message).toMatch(reason);
    expect(message).toMatch(SUFFICIENT);
    expect(message.includes("SPB")).toBe(!("quota" in more));
    expect(await world.countOf("Get-Mailbox")).toBe(0);
  });

  test("refuses nothing while the licence is not known yet", async () => {
    const world = await startWorld();
    const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
    await world.resource("SharedMailbox", "support").check({ ...support, archive: true, license: unknown });
    const sku = { sku: unknown, usageLocation: "SE" };
    await world.resource("SharedMailbox", "support").check({ ...support, archive: true, license: sku });
  });

  test("says one thing about a licence that is wrong by itself", async () => {
    const world = await startWorld();
    const message = await failure(
      world.resource("SharedMailbox", "support").check({ ...support, archive: true, license: 7 }),
    );
    expect(message).toMatch(/^license: must be an object/);
    expect(message).not.toContain("archive");
  });

  test("looks at what is assigned elsewhere before the first write", async () => {
    const world = await startWorld();
    const resource = await made(world, { license: "external" });
    const program = { ...support, displayName: "Renamed", license: "external", archive: true, litigationHold: true };
    const message = await failure(resource.up(program));
    expect(message).toMatch(/archive: is not covered by the account's licences/);
    expect(message).toContain("litigationHold: is not covered");
    expect(await world.writes()).toEqual([]);
    await assignByGroup(world, resource, E3);
    await resource.up(program);
    expect(await seen(world, resource)).toMatchObject({
      ArchiveStatus: "Active",
      LitigationHoldEnabled: true,
      DisplayName: "Renamed",
    });
    await resource.up({ ...program, quota: large });
    expect(await resource.refresh()).toEqual({});
    expect(await resource.plan({ ...program, quota: large })).toEqual([]);
  });

  test("asks the tenant about a licence that is not well known, before the mailbox is created", async () => {
    const world = await startWorld();
    await world.control("PUT", "state/skus/0a5f0c9e-1111-4222-8333-444455556666", {
      skuId: "0a5f0c9e-1111-4222-8333-444455556666",
      skuPartNumber: "CONTOSO_SUITE",
      enabled: 3,
      consumedElsewhere: 0,
      servicePlans: [{ servicePlanId: TEAMS, servicePlanName: "TEAMS1" }],
    });
    const license = { sku: "CONTOSO_SUITE", usageLocation: "SE" };
    expect(await failure(made(world, { license, archive: true }))).toMatch(
      /^archive: is not covered by the account's licences/,
    );
    expect(await sharedMailboxes(world)).toEqual([]);
  });
});

describe("litigationHold and archive", () => {
  test("hold: set, changed in place, kept when removed, lifted by false", async () => {
    const world = await startWorld();
    const resource = await made(world, { license: plan2, litigationHold: true });
    const hold = async () => {
      const { LitigationHoldEnabled, LitigationHoldDuration } = await seen(world, resource);
      return [LitigationHoldEnabled, LitigationHoldDuration];
    };
    expect(await hold()).toEqual([true, "Unlimited"]);
    await resource.up({ ...support, license: plan2, litigationHold: { days: 30 } });
    expect(await hold()).toEqual([true, "30.00:00:00"]);
    expect(await world.writes()).toEqual(["Set-Mailbox"]);
    await resource.up({ ...support, license: plan2 });
    expect(await hold()).toEqual([true, "30.00:00:00"]);
    expect(world.warnings.join("\n")).toContain(
      "litigationHold is no longer declared; the mailbox keeps the value it has.",
    );
    await resource.up({ ...support, license: plan2, litigationHold: { days: 30 } });
    await resource.up({ ...support, license: plan2, litigationHold: false });
    expect(await hold()).toEqual([false, "Unlimited"]);
    expect(world.warnings.join("\n")).toContain("30 more days");
    expect(resource.outputs.holds).toEqual(["a delay hold"]);
    expect(await resource.refresh()).toEqual({});
  });

  test("hold: changed behind our back, named and repaired", async () => {
    const world = await startWorld();
    const program = { ...support, license: plan2, litigationHold: { days: 30 } };
    const resource = await made(world, program);
    await world.exchange("Set-Mailbox", { Identity: resource.id, LitigationHoldDuration: 90 });
    expect(await resource.refresh()).toEqual({ "litigationHold/days": [30, 90] });
    await resource.up(program);
    await world.exchange("Set-Mailbox", { Identity: resource.id, LitigationHoldEnabled: false });
    expect(await resource.refresh()).toEqual({ litigationHold: [{ days: 30 }, false] });
    await resource.up(program);
    expect(await resource.refresh()).toEqual({});
    expect(await seen(world, resource)).toMatchObject({ LitigationHoldDuration: "30.00:00:00" });
  });

  test.each<[string, Row]>([
    ["answers as to a forbidden cmdlet", { status: 403, base64: "AAAA" }],
    [
      "does not know the parameter",
      {
        status: 400,
        body: {
          error: {
            code: "BadRequest",
            message: "Invalid Operation",
            innererror: {
              internalexception: {
                type: "Microsoft.Exchange.Admin.OData.Core.AmbiguousParameterSetException",
                message: "Parameter set cannot be resolved. Invalid cmdlet parameters specified. LitigationHoldEnabled",
              },
            },
          },
        },
      },
    ],
  ])("hold: where Exchange %s, the role that is missing is named", async (_what, answer) => {
    const world = await startWorld();
    const resource = await made(world, { license: plan2 });
    await world.fault({ cmdlet: "Set-Mailbox", times: "always", answer });
    const message = await failure(resource.up({ ...support, license: plan2, litigationHold: true }));
    expect(message).toContain("litigationHold needs the Exchange management role Legal Hold");
    expect(message).toContain("Nothing was changed");
    expect(await seen(world, resource)).toMatchObject({ LitigationHoldEnabled: false });
  });

  test("where an archive fails, sign-in is not allowed yet", async () => {
    const world = await startWorld();
    const resource = await made(world, { license: plan2 });
    await world.fault({ cmdlet: "Enable-Mailbox", answer: { status: 400, body: { error: { message: "no" } } } });
    const program = { ...support, license: plan2, archive: true, signInBlocked: false };
    expect(await failure(resource.up(program))).toMatch(/enabling the archive of support@contoso.com/);
    const account = `/users/${resource.id}?$select=accountEnabled`;
    expect(await world.graph("GET", account)).toMatchObject({ accountEnabled: false });
    await resource.up(program);
    expect(await world.graph("GET", account)).toMatchObject({ accountEnabled: true });
  });

  test("archive: set, kept when removed, disabled by false, repaired", async () => {
    const world = await startWorld();
    const on = { ...support, license: plan2, archive: true };
    const resource = await made(world, on);
    expect(await seen(world, resource)).toMatchObject({ ArchiveStatus: "Active" });
    await resource.up({ ...support, license: plan2 });
    expect(await world.writes()).toEqual([]);
    expect(await seen(world, resource)).toMatchObject({ ArchiveStatus: "Active" });
    expect(world.warnings.join("\n")).toContain("archive is no longer declared; the mailbox keeps the value it has.");

    await resource.up(on);
    await world.exchange("Disable-Mailbox", { Identity: resource.id, Archive: true, Confirm: false });
    expect(await resource.refresh()).toEqual({ archive: [true, false] });
    await world.writes();
    await resource.up(on);
    expect(await world.writes()).toEqual(["Enable-Mailbox"]);

    await resource.up({ ...on, archive: false });
    expect(await world.writes()).toEqual(["Disable-Mailbox"]);
    expect(await seen(world, resource)).toMatchObject({ ArchiveStatus: "None", DisplayName: "Contoso Support" });
    expect(world.warnings.join("\n")).toContain("30 days");
    expect(await resource.refresh()).toEqual({});
  });

  test.each<[string, Row, Row, Row, Row]>([
    ["a hold", { LitigationHoldEnabled: true }, { litigationHold: false }, { litigationHold: true }, {}],
    [
      "a longer hold",
      { LitigationHoldEnabled: true, LitigationHoldDuration: 90 },
      { litigationHold: { days: 30 } },
      { litigationHold: { days: 90 } },
      {},
    ],
    [
      "a hold without an end",
      { LitigationHoldEnabled: true },
      { litigationHold: { days: 30 } },
      { litigationHold: true },
      {},
    ],
    ["an archive", {}, { archive: false }, { archive: true }, { ArchiveStatus: "Active" }],
  ])("an adoption does not take %s away, which no preview has shown", async (what, held, more, there, row) => {
    const world = await startWorld();
    const [found] = await world.exchange("New-Mailbox", {
      Shared: true,
      Name: "By hand",
      Alias: "support",
      PrimarySmtpAddress: "support@contoso.com",
    });
    const id = String(found?.ExternalDirectoryObjectId);
    await assign(world, { id } as Resource, PLAN_2);
    if (what === "an archive") {
      await world.exchange("Enable-Mailbox", { Identity: id, Archive: true });
    } else {
      await world.exchange("Set-Mailbox", { Identity: id, ...held });
    }
    const before = await seen(world, { id } as Resource);
    await world.writes();
    const program = { ...support, adopt: true, signInBlocked: true, license: plan2, ...more };
    const resource = await world.resource("SharedMailbox", "support").up(program);
    expect(await seen(world, resource)).toMatchObject({
      ...row,
      LitigationHoldEnabled: before.LitigationHoldEnabled,
      LitigationHoldDuration: before.LitigationHoldDuration,
    });
    const [property = ""] = Object.keys(more);
    expect(world.warnings.join("\n")).toMatch(new RegExp(`${property}: .*was not changed.*pulumi up --refresh`));
    // Shown by a preview that has looked, it is taken away.
    await resource.refresh();
    expect(resource.state?.inputs[property]).toEqual(there[property]);
    await resource.up(program);
    expect(await resource.refresh()).toEqual({});
  });

  test.each<[string, Row, Row, Row]>([
    ["a hold", { litigationHold: false }, { LitigationHoldEnabled: true }, { LitigationHoldEnabled: true }],
    [
      "a longer hold",
      { litigationHold: { days: 30 } },
      { LitigationHoldDuration: 90 },
      { LitigationHoldDuration: "90.00:00:00" },
    ],
    ["an archive", { archive: false }, {}, { ArchiveStatus: "Active" }],
  ])("%s that somebody else added is not taken away with another change", async (what, more, change, row) => {
    const world = await startWorld();
    const program = { ...support, license: plan2, ...more };
    const resource = await made(world, { license: plan2, ...more });
    if (what === "an archive") {
      await world.exchange("Enable-Mailbox", { Identity: resource.id, Archive: true });
    } else {
      await world.exchange("Set-Mailbox", { Identity: resource.id, ...change });
    }
    expect(await resource.plan({ ...program, displayName: "Renamed" })).toEqual(["displayName"]);
    await resource.up({ ...program, displayName: "Renamed" });
    expect(await seen(world, resource)).toMatchObject({ ...row, DisplayName: "Renamed" });
    expect(world.warnings.join("\n")).toMatch(/was not changed/);
    // Nor does the licence go that an archive needs which stays.
    if (what === "an archive") {
      expect(await failure(resource.up({ ...program, license: false }))).toMatch(/is needed: it has an archive/);
    }
    await resource.refresh();
    expect(await resource.plan({ ...program, displayName: "Renamed" })).toHaveLength(1);
    await resource.up({ ...program, displayName: "Renamed" });
    expect(await resource.refresh()).toEqual({});
  });

  test.each<[string, Row, Row, string, Row]>([
    ["a hold", { litigationHold: true }, { litigationHold: false }, "Set-Mailbox", { LitigationHoldEnabled: false }],
    ["an archive", { archive: true }, { archive: false }, "Disable-Mailbox", { ArchiveStatus: "None" }],
  ])("taking %s away, with the answer lost and nothing to be read then, is finished later", async (...one) => {
    const [, first, then, cmdlet, row] = one;
    const world = await startWorld({ config: { settleTimeout: "1s" } });
    const resource = await made(world, { license: plan2, ...first });
    await world.fault({ cmdlet, close: "before" });
    const refused = { status: 400, body: { error: { code: "Request_BadRequest", message: "no" } } };
    await world.fault({
      service: "graph",
      path: "licenseAssignmentStates",
      after: 1,
      times: "always",
      answer: refused,
    });
    await failure(resource.up({ ...support, license: plan2, ...then }));
    await world.control("DELETE", "faults");
    await resource.up({ ...support, license: plan2, ...then });
    expect(await seen(world, resource)).toMatchObject(row);
  });

  test("archive: false under a declared hold is refused in preview", async () => {
    const world = await startWorld();
    const program = { ...support, license: plan2, archive: false, litigationHold: true };
    expect(await failure(world.resource("SharedMailbox", "support").check(program))).toMatch(
      /^archive: cannot be false under litigationHold/,
    );
  });

  test.each<[string, Row, string]>([
    ["its own hold", { litigationHoldEnabled: true }, "litigation hold"],
    ["a delay hold", { delayHoldApplied: true }, "a delay hold"],
    ["the organisation's hold", {}, "the organisation's hold mbx9f8e:2"],
  ])("archive: is not disabled under %s", async (what, mailbox, name) => {
    const world = await startWorld();
    const resource = await made(world, { license: plan2, archive: true });
    if (what.startsWith("the organisation")) {
      await world.control("PATCH", "state/organization/organization", { inPlaceHolds: ["mbx9f8e:2"] });
    }
    await world.patchRecipient("support@contoso.com", { mailbox });
    const message = await failure(resource.up({ ...support, displayName: "Renamed", license: plan2, archive: false }));
    expect(message).toContain(`the mailbox is under ${name}`);
    expect(await world.writes()).toEqual([]);
  });

  test.each(["before", "after"])(
    "archive: an answer lost (closed %s it happened) is observed and finished",
    async (close) => {
      const world = await startWorld({ config: { settleTimeout: "1s" } });
      const resource = await made(world, { license: plan2 });
      await world.fault({ cmdlet: "Enable-Mailbox", close });
      await resource.up({ ...support, license: plan2, archive: true });
      await world.fault({ cmdlet: "Disable-Mailbox", close });
      await resource.up({ ...support, license: plan2, archive: false });
      expect(await seen(world, resource)).toMatchObject({ ArchiveStatus: "None" });
    },
  );
});
