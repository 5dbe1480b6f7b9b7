import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type DoctorInputs, doctor } from "../../provider/doctor/doctor";
import type { Finding } from "../../provider/doctor/examination";
import { type Right, rightsFor, type Use } from "../../provider/doctor/rights";
import type { Kind } from "../../provider/kinds";
import { servicePrincipalId } from "../../provider/local-tenant/login/tokens";
import { seedApplications } from "../../provider/local-tenant/seed/applications";
import { seedId } from "../../provider/local-tenant/seed/contoso";
import { finished, mailboxes, runNode } from "../local-tenant/core";
import { type Row, startWorld, type World } from "./harness";

const folders: string[] = [];

afterAll(() => {
  for (const folder of folders) {
    rmSync(folder, { recursive: true, force: true });
  }
});

/** A Pulumi project with one stack, `dev`, that configures an application of the tenant. */
function projectOn(world: World, application: number, more: Row = {}): string {
  const folder = mkdtempSync(join(tmpdir(), "doctor-"));
  folders.push(folder);
  const config = { localTenant: world.origin, clientId: seedId("tenant", application), ...more };
  const lines = Object.entries(config).map(([key, value]) => `  mailboxes:${key}: ${JSON.stringify(value)}`);
  writeFileSync(join(folder, "Pulumi.yaml"), "name: desk\nruntime: nodejs\n");
  writeFileSync(join(folder, "Pulumi.dev.yaml"), `config:\n${lines.join("\n")}\n`);
  return folder;
}

interface Run {
  exit: number;
  findings: Finding[];
  /** Names of what is missing, and of what is not known. */
  missing: string[];
  unknown: string[];
}

/** Runs `mailboxes doctor` in the process of the test. */
async function run(
  world: World,
  application: number,
  inputs: Partial<DoctorInputs> = {},
  more: Row = {},
): Promise<Run> {
  const said: string[] = [];
  const exit = await doctor(
    { for: "up", without: [], stack: "dev", json: true, ...inputs },
    {
      folder: projectOn(world, application, more),
      say: (text) => said.push(text),
      signal: new AbortController().signal,
    },
  );
  const { findings } = JSON.parse(said.join("\n")) as { findings: Finding[] };
  const named = (standing: Finding["is"]) => findings.filter(({ is }) => is === standing).map(({ name }) => name);
  return { exit, findings, missing: named("missing"), unknown: named("unknown") };
}

/** What each seeded application is found to lack, for `--for all` unless another profile is named. */
const lacks: Record<number, { profile?: string; missing: string[] }> = {
  2: { missing: [] },
  3: { missing: ["Exchange.ManageAsApp"] },
  4: { missing: ["a role in Exchange"] },
  5: {
    missing: [
      "User.EnableDisableAccount.All",
      "User.RevokeSessions.All",
      "User.DeleteRestore.All",
      "LicenseAssignment.ReadWrite.All",
      "User.ReadWrite.All",
    ],
  },
  6: { missing: ["MailboxSettings.ReadWrite"] },
  7: { missing: ["an application user"] },
  8: { missing: ["System Administrator, and Delegated Mailbox Approver"] },
  9: {
    missing: [
      "create, write, delete and append on Mailbox, append to on Email Server Profile",
      "create, write and delete on Queue",
      "write on User",
      "System Administrator, and Delegated Mailbox Approver",
    ],
  },
  10: {
    missing: [
      "User.Read.All",
      "User.EnableDisableAccount.All",
      "User.RevokeSessions.All",
      "User.DeleteRestore.All",
      "LicenseAssignment.ReadWrite.All",
      "MailboxSettings.ReadWrite",
      "User.ReadWrite.All",
    ],
  },
  // The least rights do not set a usage location, which is rare: --for up does not ask for it.
  11: { profile: "up", missing: [] },
  12: { profile: "up", missing: ["User.Read.All"] },
  13: { profile: "up", missing: ["User.EnableDisableAccount.All"] },
  14: { profile: "up", missing: ["User.RevokeSessions.All"] },
  15: { profile: "up", missing: ["User.DeleteRestore.All"] },
  16: { profile: "up", missing: ["LicenseAssignment.ReadWrite.All"] },
  17: { profile: "up", missing: ["Mail Recipients"] },
  18: { profile: "up", missing: ["Mail Recipient Creation"] },
  19: { profile: "up", missing: ["View-Only Configuration"] },
  20: { missing: ["Legal Hold", "User.ReadWrite.All"] },
  21: { profile: "up", missing: [] },
  22: { profile: "preview", missing: [] },
  23: { profile: "preview", missing: ["a role with Get-RecipientPermission"] },
};

describe("each seeded application", () => {
  test("is among the cases", () => {
    expect(Object.keys(lacks).map(Number)).toEqual(seedApplications.map(({ number }) => number));
  });

  test("is told exactly which right it lacks, with a command for it and Microsoft's page, and nothing is changed", async () => {
    const world = await startWorld();
    const before = await world.control("GET", "state");
    for (const [number, { profile = "all", missing }] of Object.entries(lacks)) {
      const result = await run(world, Number(number), { for: profile });
      expect([number, result.missing, result.unknown]).toEqual([number, missing, []]);
      expect([number, result.exit]).toEqual([number, missing.length === 0 ? 0 : 1]);
      for (const { name, grants, page } of result.findings.filter(({ is }) => is === "missing")) {
        const lines = (grants ?? []).flatMap(({ lines }) => lines).join("\n");
        const isNamed = [seedId("tenant", Number(number)), "pulumi-mailboxes"].some((id) => lines.includes(id));
        expect([number, name, isNamed]).toEqual([number, name, true]);
        expect(page).toMatch(/^https:\/\/learn\.microsoft\.com\//);
      }
    }
    expect(await world.control("GET", "state")).toEqual(before);
  });
});

test("the commands give what is missing, and name application, service principal and environment", async () => {
  const world = await startWorld();
  const grants = async (application: number, profile = "up") =>
    (await run(world, application, { for: profile })).findings.flatMap(({ is, grants = [] }) =>
      is === "missing" ? grants.flatMap(({ tool, lines }) => [`# ${tool}`, ...lines]) : [],
    );
  const oid = servicePrincipalId(seedId("tenant", 4));
  expect(await grants(3)).toContain(`$role = $service.AppRoles | Where-Object Value -eq "Exchange.ManageAsApp"`);
  expect(await grants(4)).toEqual([
    "# Exchange Online PowerShell",
    `New-ServicePrincipal -AppId ${seedId("tenant", 4)} -ObjectId ${oid} -DisplayName "pulumi-mailboxes"`,
    `New-RoleGroup -Name "pulumi-mailboxes" -Roles "View-Only Configuration","Mail Recipients","Mail Recipient Creation" -Members ${oid}`,
  ]);
  expect((await grants(17)).at(-1)).toBe(
    'New-ManagementRoleAssignment -Role "Mail Recipients" -SecurityGroup "pulumi-mailboxes"',
  );
  expect(await grants(23, "preview")).toContain('New-ManagementRole -Name "Send As Readers" -Parent "Mail Recipients"');
  expect(await grants(12)).toContain(`$app = Get-MgServicePrincipal -Filter "appId eq '${seedId("tenant", 12)}'"`);
  expect(await grants(8)).toEqual([
    "# Power Platform CLI",
    `pac admin assign-user --environment ${world.origin} --user ${seedId("tenant", 8)} --role "Delegated Mailbox Approver" --application-user`,
  ]);
});

test("the sign-in is told: credential, application, end of the token, and its roles", async () => {
  const world = await startWorld();
  const { findings } = await run(world, 11);
  const said = (code: string) => findings.find((finding) => finding.code === code)?.said;
  expect(said("credential")).toBe("an application of the local tenant");
  expect(said("sign-in.graph")).toMatch(
    /^as the application Least rights 10ca17e4-a000-4000-8000-00000000000b; the token ends at \d{4}-\d\d-\d\d \d\d:\d\d UTC \(in 60 min\); app roles: LicenseAssignment\.ReadWrite\.All, MailboxSettings\.ReadWrite, /,
  );
  expect(said("sign-in.exchange")).toContain("app roles: Exchange.ManageAsApp");
  expect(said("reach.dataverse")).toBe("answers");
});

/** A state as `pulumi stack export` prints it. */
function stateOf(resources: { kind: string; id?: string; inputs?: Row }[], project = "desk"): string {
  const type = (kind: string) => `pulumi-nodejs:dynamic/mailboxes:${kind}`;
  const named = resources.map(({ kind, id = "", inputs = {} }, index) => ({
    urn: `urn:pulumi:dev::${project}::${type(kind)}::r${index}`,
    type: type(kind),
    id,
    inputs,
  }));
  return JSON.stringify({
    version: 3,
    deployment: { manifest: {}, resources: [{ urn: "x", type: "random:index:RandomId" }, ...named] },
  });
}

describe("--program", () => {
  test("asks only for what the program needs", async () => {
    const world = await startWorld();
    const asked = async (resources: Parameters<typeof stateOf>[0], profile = "all") => {
      const { findings } = await run(world, 2, { for: profile, program: stateOf(resources) });
      return findings.filter(({ page }) => page !== undefined).map(({ code }) => code);
    };
    const membership = { kind: "MailboxMembership", inputs: { mailbox: "x", members: {} } };
    expect(await asked([membership])).toEqual(["exchange-change", "graph-users-read"]);
    expect(await asked([membership], "preview")).toEqual([
      ...["exchange-read", "exchange-send-as-read", "graph-users-read"],
    ]);
    const plain = { kind: "SharedMailbox", inputs: { displayName: "Desk", license: "external", regional: false } };
    const ofPlain = [
      ...["exchange-configuration", "exchange-change", "exchange-create"],
      ...["graph-users-read", "graph-account-block", "graph-sessions-revoke", "graph-deleted-accounts"],
    ];
    expect(await asked([plain])).toEqual(ofPlain);
    const full = {
      license: { sku: "EXCHANGEENTERPRISE", usageLocation: "DK" },
      automaticReplies: { status: "disabled" },
      litigationHold: true,
    };
    expect(await asked([{ kind: "SharedMailbox", inputs: full }])).toEqual([
      ...["exchange-configuration", "exchange-change", "exchange-create", "exchange-hold"],
      ...["graph-users-read", "graph-account-block", "graph-sessions-revoke", "graph-deleted-accounts"],
      ...["graph-licences", "graph-settings", "graph-usage-location"],
    ]);
    const ofAddress = ["exchange-read", "exchange-configuration", "graph-users-read"];
    const forward = { name: "Intake", emailAddress: "in@contoso.com" };
    expect(await asked([{ kind: "ForwardingMailbox", inputs: forward }])).toEqual([
      ...ofAddress,
      ...["dataverse-records-read", "dataverse-records", "dataverse-approval"],
    ]);
    expect(await asked([{ kind: "ForwardingMailbox", inputs: forward }], "preview")).toEqual([
      "dataverse-records-read",
    ]);
    const fed = { ...forward, sources: { "desk@contoso.com": {} }, approveEmail: false };
    expect(await asked([{ kind: "ForwardingMailbox", inputs: fed }])).toEqual([
      ...[...ofAddress, "graph-settings", "dataverse-records-read", "dataverse-records"],
    ]);
    const individual = { user: "ada@contoso.com", emailAddress: "ada@contoso.com", approveEmail: false };
    expect(await asked([{ kind: "IndividualMailbox", inputs: individual }])).toEqual([
      ...ofAddress,
      ...["dataverse-records-read", "dataverse-owners-read", "dataverse-records", "dataverse-user-addresses"],
    ]);
    expect(await asked([{ kind: "Queue", inputs: forward }])).toEqual([
      ...ofAddress,
      ...["dataverse-records-read", "dataverse-owners-read", "dataverse-records", "dataverse-queues"],
      "dataverse-approval",
    ]);
  });

  test("reads the state file of a real stack, and a preview", async () => {
    const world = await startWorld();
    const golden = readFileSync(join(__dirname, "..", "engine", "golden", "0.1.0", "state.json"), "utf8");
    const folder = projectOn(world, 2);
    writeFileSync(join(folder, "Pulumi.yaml"), "name: golden\nruntime: nodejs\n");
    const said: string[] = [];
    const surroundings = { folder, say: (text: string) => said.push(text), signal: new AbortController().signal };
    expect(await doctor({ for: "all", without: [], stack: "dev", program: golden }, surroundings)).toBe(0);
    expect(said[0]).toMatch(
      /^What everything a program can declare needs of a local tenant, with what the program declares \(\d+ SharedMailbox, .*Queue.*\):/,
    );
    const newState: Row = JSON.parse(stateOf([{ kind: "Queue" }])).deployment.resources[1];
    const preview = { steps: [{ op: "create", newState }] };
    const refreshed = {
      steps: [
        { op: "refresh", oldState: newState, newState },
        { op: "update", newState },
      ],
    };
    const quick = { for: "preview", without: [], stack: "dev", json: true };
    await doctor({ ...quick, program: JSON.stringify(refreshed) }, { ...surroundings, folder: projectOn(world, 2) });
    expect((JSON.parse(said[1] ?? "") as Row).program).toBe("1 Queue");
    const { findings } = await run(world, 2, { program: JSON.stringify(preview) });
    expect(findings.map(({ code }) => code)).toContain("dataverse-queues");
    expect(findings.map(({ code }) => code)).not.toContain("exchange-change");
  });

  test("names the mailboxes outside of the application's write scope", async () => {
    const world = await startWorld();
    const mailbox = async (address: string) =>
      (await world.resource("SharedMailbox", address).up({ displayName: address, primarySmtpAddress: address })).id;
    const inside = { kind: "SharedMailbox", id: await mailbox("in@fabrikam.example") };
    const outside = {
      kind: "SharedMailbox",
      id: await mailbox("desk@contoso.com"),
      inputs: { primarySmtpAddress: "desk@contoso.com" },
    };
    const scope = async (resources: Parameters<typeof stateOf>[0]) => {
      const { findings, exit } = await run(world, 21, { program: stateOf(resources) });
      return { exit, ...findings.find(({ code }) => code === "exchange-scope") };
    };
    expect(await scope([inside])).toMatchObject({
      exit: 0,
      is: "noted",
      said: "the recipients of the management scope Fabrikam mailboxes; all mailboxes of the program are inside",
    });
    expect(await scope([inside, outside])).toMatchObject({
      exit: 1,
      is: "missing",
      said: "the recipients of the management scope Fabrikam mailboxes; outside of it: desk@contoso.com",
      grants: [{ lines: [expect.stringContaining('Set-ManagementScope "Fabrikam mailboxes"')] }],
    });
  });

  test.each([
    ["nothing", "", /^--program: the input is empty\. Run `pulumi stack export/],
    ["text", "Updating (dev)", /^--program: this is not the state of a stack: it is not a JSON object\./],
    ["a list", "[]", /it is not a JSON object/],
    ["other JSON", '{"name":"desk"}', /this JSON is not the state of a stack: it has no resources/],
    [
      "an empty stack",
      '{"version":3,"deployment":{"manifest":{}}}',
      /there are 0 resources, and none of pulumi-mailboxes\. Before the first/,
    ],
    [
      "another tool's",
      '{"version":3,"deployment":{"resources":[{"type":"aws:s3"}]}}',
      /there are 1 resources, and none of/,
    ],
    [
      "another project's",
      stateOf([{ kind: "Queue" }], "other"),
      /the state of the project other, and the project here is desk/,
    ],
  ])("refuses %s before anything is asked", async (_, program, words) => {
    const world = await startWorld();
    await expect(run(world, 2, { program })).rejects.toThrow(words);
    expect(await world.control("GET", "requests")).toEqual([]);
  });
});

test("rights that the application lacks on purpose are not asked for", async () => {
  const world = await startWorld();
  expect(await run(world, 6, { without: ["graph-settings"] })).toMatchObject({ exit: 0, missing: [] });
  await expect(run(world, 6, { without: ["graph-setting"] })).rejects.toThrow(
    "--without: there is no right graph-setting. `mailboxes doctor --list` prints all.",
  );
  await expect(run(world, 6, { for: "delete" })).rejects.toThrow(
    "--for: there is no profile delete. Write preview, up or all.",
  );
  await expect(run(world, 6, { stack: "prod" })).rejects.toThrow(/^--stack: there is no file Pulumi\.prod\.yaml in /);
});

test("RBAC for Applications gives what the token does not name", async () => {
  const world = await startWorld();
  const value = [{ Role: "Application MailboxSettings.ReadWrite", RecipientWriteScope: "Organization" }];
  const rule = { service: "exchange", cmdlet: "Get-ManagementRoleAssignment", times: "always" };
  await world.fault({ ...rule, answer: { status: 200, body: { value } } });
  const { exit, findings } = await run(world, 6);
  expect(exit).toBe(0);
  expect(findings.find(({ code }) => code === "graph-settings")?.said).toMatch(/by RBAC for Applications$/);
});

test("a clock that is wrong is told, whichever way", async () => {
  const world = await startWorld();
  await world.control("POST", "clock", { advance: 120_000 });
  const near = await run(world, 2);
  expect(near).toMatchObject({ exit: 0, missing: [] });
  expect(near.findings.find(({ code }) => code === "clock")?.said).toMatch(
    /^is (1 min 59|2 min \d) s behind the services$/,
  );
  await world.control("POST", "clock", { advance: 600_000 });
  const far = await run(world, 2);
  expect(far).toMatchObject({ exit: 1, missing: ["this machine's clock"] });
  expect(far.findings.find(({ code }) => code === "clock")?.nextStep).toContain("AADSTS700024");
});

test("what cannot be asked is not called missing", async () => {
  const world = await startWorld();
  const secret = await run(world, 2, {}, { clientSecret: "wrong-secret" });
  expect(secret).toMatchObject({ exit: 2, missing: [] });
  expect(secret.unknown).toEqual(["sign-in to Exchange Online", "sign-in to Microsoft Graph", "sign-in to Dataverse"]);
  const told = secret.findings.filter(({ is }) => is === "unknown").map(({ said }) => said);
  expect(told[0]).toContain("AADSTS7000215");
  expect(told.slice(1)).toEqual(["the same failure as above", "the same failure as above"]);
  expect(JSON.stringify(secret.findings)).not.toContain("wrong-secret");

  await world.fault({ service: "graph", times: "always", answer: { status: 503, body: {} } });
  const away = await run(world, 2);
  expect(away).toMatchObject({ exit: 2, missing: [], unknown: [world.origin] });
  expect(away.findings.find(({ code }) => code === "graph-settings")?.is).toBe("leftOut");
  // Something is missing beside it.
  expect(await run(world, 18)).toMatchObject({ exit: 1, missing: ["Mail Recipient Creation"] });
});

test("whom the application's writes reach is not called unread for want of a right where no answer came", async () => {
  const world = await startWorld();
  const rule = { service: "exchange", cmdlet: "Get-ManagementRoleAssignment", times: "always" };
  await world.fault({ ...rule, answer: { status: 503, body: {} } });
  const { exit, findings } = await run(world, 11);
  expect(findings.find(({ code }) => code === "exchange-scope")).toMatchObject({
    is: "unknown",
    said: "whom the application's writes reach",
  });
  expect(exit).toBe(2);
});

test("of a person who is signed in, what a token does not tell is not known", async () => {
  const world = await startWorld();
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const claims = { scp: "User.Read", tid: world.tenantId, oid: "ada", appid: "04b07795-8ddb-461a-bbee-02f9e1bf7b46" };
  const access_token = `${part({ alg: "none" })}.${part(claims)}.x`;
  const rule = { times: "always" };
  await world.fault({ ...rule, service: "login", answer: { status: 200, body: { access_token, expires_in: 3600 } } });
  await world.fault({ ...rule, service: "graph", answer: { status: 200, body: { value: [] } } });
  const { exit, findings } = await run(world, 2, {
    program: stateOf([{ kind: "SharedMailbox", inputs: { displayName: "Desk" } }]),
  });
  const found = (code: string) => findings.find((finding) => finding.code === code);
  expect(exit).toBe(2);
  expect(found("sign-in.graph")?.said).toMatch(/^as a person, with delegated permissions/);
  expect(found("graph-users-read")).toMatchObject({ is: "there" });
  expect(found("graph-account-block")).toMatchObject({ is: "unknown", words: expect.stringContaining("delegated") });
});

test("a service that refuses what the token allows is believed", async () => {
  const world = await startWorld();
  const body = { error: { code: "Authorization_RequestDenied", message: "Blocked by policy." } };
  await world.fault({ service: "graph", path: "/users?", times: "always", answer: { status: 403, body } });
  const { missing, findings } = await run(world, 2);
  expect(missing).toEqual(["User.Read.All"]);
  expect(findings.find(({ code }) => code === "graph-users-read")?.words).toContain("Blocked by policy");
});

test("--stack reads the project's configuration, the stack's over it, and leaves what is encrypted to its variable", async () => {
  const world = await startWorld();
  const folder = projectOn(world, 12);
  const config = [
    `mailboxes:localTenant: { value: "${world.origin}" }`,
    "mailboxes:clientId: nonsense",
    "desk:other: 1",
  ];
  writeFileSync(join(folder, "Pulumi.yaml"), `name: desk\nruntime: nodejs\nconfig:\n  ${config.join("\n  ")}\n`);
  const own = [`mailboxes:clientId: "${seedId("tenant", 12)}"`, "mailboxes:clientSecret: { secure: AAAB }"];
  writeFileSync(join(folder, "Pulumi.dev.yaml"), `config:\n  ${own.join("\n  ")}\n`);
  const said: string[] = [];
  const surroundings = { folder, say: (text: string) => said.push(text), signal: new AbortController().signal };
  expect(await doctor({ for: "up", without: [], stack: "contoso/desk/dev" }, surroundings)).toBe(1);
  expect(said[0]).toContain("\nMissing: User.Read.All.");
  writeFileSync(join(folder, "Pulumi.dev.yaml"), "config: [");
  await expect(doctor({ for: "up", without: [], stack: "dev" }, surroundings)).rejects.toThrow(
    /^--stack: Pulumi\.dev\.yaml is not YAML: /,
  );
});

/** An application of the tenant with just these rights of Exchange and Graph. */
async function applicationWith(world: World, rights: readonly Right[]): Promise<string> {
  const id = seedId("tenant", 2);
  const exchangeRoles = rights.flatMap(({ holding }) => (holding.in === "exchange" ? [holding.role] : []));
  const graph = rights.flatMap(({ holding, name }) => (holding.in === "token" ? [name] : []));
  const roles = { exchange: exchangeRoles.length > 0 ? ["Exchange.ManageAsApp"] : [], graph };
  await world.control("PATCH", `state/applications/${id}`, { roles, exchangeRoles });
  return id;
}

describe("what it asks for is enough", () => {
  const desk = { displayName: "Desk", primarySmtpAddress: "desk@contoso.com" };
  const full = {
    ...desk,
    license: { sku: "EXCHANGEENTERPRISE" },
    automaticReplies: { status: "alwaysEnabled", internalMessage: "Away" },
    regional: { language: "da-DK", timeZone: "Europe/Copenhagen" },
    litigationHold: true,
  };
  test.each<[string, Kind, Row, Use[]]>([
    ["a plain mailbox", "SharedMailbox", desk, ["mailboxes"]],
    [
      "a mailbox with everything",
      "SharedMailbox",
      full,
      ["mailboxes", "licences", "settings", "holds", "usageLocation"],
    ],
  ])("for %s: to make, read, change and delete it", async (_, kind, inputs, uses) => {
    const world = await startWorld();
    await applicationWith(world, rightsFor("all", uses));
    const mailbox = world.resource(kind, "desk");
    await mailbox.up({
      ...inputs,
      ...(uses.includes("usageLocation") ? { license: { sku: "EXCHANGEENTERPRISE", usageLocation: "DK" } } : {}),
    });
    expect(await mailbox.refresh()).toEqual({});
    await mailbox.up({
      ...inputs,
      ...(uses.includes("usageLocation") ? { license: { sku: "EXCHANGEENTERPRISE", usageLocation: "DK" } } : {}),
      displayName: "Front desk",
    });
    expect(world.warnings.filter((text) => /may not|lacks|permission/i.test(text))).toEqual([]);
  });

  test("for members", async () => {
    const world = await startWorld();
    const { id } = await world.resource("SharedMailbox", "desk").up(desk);
    await applicationWith(world, rightsFor("up", ["members"]));
    const membership = world.resource("MailboxMembership", "people");
    await membership.up({
      mailbox: id,
      members: { "ada@contoso.com": {}, "grace@contoso.com": { sendOnBehalf: true } },
    });
    expect(await membership.refresh()).toEqual({});
    await membership.up({ mailbox: id, members: { "grace@contoso.com": {} } });
    expect(world.warnings.filter((text) => /may not|lacks|permission/i.test(text))).toEqual([]);
  });

  test.each<[string, Kind, Row, Use[]]>([
    ["a forward mailbox", "ForwardingMailbox", {}, ["records", "recordChanges", "addresses"]],
    [
      "its sources, which it feeds without changing a mailbox",
      "ForwardingMailbox",
      { sources: { "ada@contoso.com": {} } },
      ["records", "recordChanges", "addresses", "sources"],
    ],
    ["a queue", "Queue", {}, ["records", "recordChanges", "addresses", "queues"]],
  ])("for %s", async (_, kind, more, uses) => {
    const world = await startWorld();
    await world.resource("SharedMailbox", "intake").up({ displayName: "In", primarySmtpAddress: "intake@contoso.com" });
    await applicationWith(world, rightsFor("up", uses));
    const record = world.resource(kind, "intake");
    const inputs = { name: "Intake", emailAddress: "intake@contoso.com", testAndEnable: false, ...more };
    await record.up(inputs);
    expect(await record.refresh()).toEqual({});
  });

  test("for a refresh by an application that reads", async () => {
    const world = await startWorld();
    const mailbox = await world
      .resource("SharedMailbox", "desk")
      .up({ ...full, license: { sku: "EXCHANGEENTERPRISE", usageLocation: "DK" } });
    const membership = world.resource("MailboxMembership", "people");
    await membership.up({ mailbox: mailbox.id, members: { "ada@contoso.com": {} } });
    await applicationWith(world, rightsFor("preview"));
    world.warnings.length = 0;
    expect([await mailbox.refresh(), await membership.refresh(), world.warnings]).toEqual([{}, {}, []]);
  });
});

describe("the command", () => {
  const cli = join(__dirname, "..", "..", "provider", "cli.ts");

  test("prints what is missing, how to get it, and ends with 1", async () => {
    const world = await startWorld();
    const folder = projectOn(world, 18);
    const state = join(folder, "state.json");
    writeFileSync(state, stateOf([{ kind: "SharedMailbox", inputs: { displayName: "Desk" } }]));
    const args = ["doctor", "--for", "all", "--stack", "dev", "--program", state];
    const { code, stdout, stderr } = await finished(runNode([cli, ...args], {}, folder));
    expect([stderr, code]).toEqual(["", 1]);
    expect(stdout).toContain(
      "  MISSING    Mail Recipient Creation: creating and deleting mailboxes\n             refused: New-Mailbox, Undo-SoftDeletedMailbox.",
    );
    expect(stdout).toContain(
      '               New-ManagementRoleAssignment -Role "Mail Recipient Creation" -SecurityGroup "pulumi-mailboxes"',
    );
    expect(stdout).toMatch(
      /\nMissing: Mail Recipient Creation\. A new grant can take an hour to work; a new token has it\.\n$/,
    );
    expect(stdout).not.toContain("Dataverse");
  });

  test("a wrong call ends with 2, help and --list with 0", async () => {
    expect(await finished(mailboxes("doctor", "--nonsense"))).toMatchObject({ code: 2 });
    expect(await finished(mailboxes("doctor", "--help"))).toMatchObject({ code: 0 });
    expect(await finished(mailboxes("doctor", "--program", "/nowhere/state.json"))).toMatchObject({
      code: 2,
      stderr:
        "mailboxes: --program: There is no file /nowhere/state.json. Run `pulumi stack export > /nowhere/state.json` first.\n",
    });
    // What Windows PowerShell pipes.
    const input = Buffer.from("\ufeffUpdating (dev)", "utf16le");
    const hook = join(__dirname, "..", "local-tenant", "typescript.cjs");
    const piped = spawnSync(process.execPath, ["-r", hook, cli, "doctor", "--program"], { input, encoding: "utf8" });
    expect(piped).toMatchObject({
      status: 2,
      stdout: "",
      stderr: expect.stringMatching(
        /^mailboxes: --program: this is not the state of a stack: it is not a JSON object\./,
      ),
    });
    const { code, stdout } = await finished(mailboxes("doctor", "--list"));
    expect(code).toBe(0);
    expect(stdout).toContain(
      "exchange-create           Mail Recipient Creation: creating and deleting mailboxes (from up)",
    );
  });
});
