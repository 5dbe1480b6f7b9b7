import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readAccess, readStacks, type Stack } from "../../provider/access/read";
import { type Access, findingsOf, type Report, reportOf } from "../../provider/access/report";
import { finished, runNode } from "../local-tenant/core";
import { exported, grant, makeMailbox, type Row, startWorld, type World, withMailbox } from "./harness";

const cli = join(__dirname, "..", "..", "provider", "cli.ts");
const folder = mkdtempSync(join(tmpdir(), "mailboxes-access-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let files = 0;
/** Writes a file. @returns its path. */
function file(content: unknown): string {
  files += 1;
  const path = join(folder, `${files}.json`);
  writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
  return path;
}

function reviewed(world: World, stacks: Stack[] = [], asked = {}, patterns: string[] = []): Promise<Report> {
  return world.deploying(async (deployment) => {
    const reading = await readAccess(deployment, { patterns, sizes: true });
    return reportOf(reading, stacks, { day: "2027-01-20", mostInGroup: 25, ...asked });
  });
}

const on = (report: Report, address: string) => {
  const found = report.mailboxes.find((one) => one.address === address);
  if (found === undefined) {
    throw new Error(`${address} is not in the report`);
  }
  return found;
};

/** Access as `person: right by resource, right by nobody`. */
const told = (access: readonly Access[]) =>
  access.map(
    ({ person, rights }) =>
      `${person}: ${rights.map(({ right, declaredBy }) => `${right} by ${declaredBy.join("+") || "nobody"}`).join(", ")}`,
  );

const codes = (report: Report) =>
  findingsOf(report).map(({ code, mailbox, person }) => `${code} ${[person, mailbox].filter(Boolean).join(" on ")}`);

const command = (world: World, ...args: string[]) =>
  finished(runNode([cli, "access", ...args], { MAILBOXES_LOCAL_TENANT: world.origin }));

const sendAs = (world: World, id: string, trustee: string) =>
  world.exchange("Add-RecipientPermission", {
    Identity: id,
    Trustee: trustee,
    AccessRights: ["SendAs"],
    Confirm: false,
  });

/** support@ with two declared people and others by hand, and what is wrong with it and two more mailboxes. */
async function story() {
  const { world, id, membership } = await withMailbox();
  world.onDay("2026-11-28");
  const mailbox = world.resource("SharedMailbox", "support");
  await mailbox.up({ displayName: "Support", primarySmtpAddress: "support@contoso.com", adopt: true });
  await membership.up({
    mailbox: id,
    members: {
      "ada@contoso.com": { sendAs: false, automapping: false, until: "2027-01-15" },
      "edsger@contoso.com": {},
    },
  });
  await sendAs(world, id, "ada@contoso.com");
  await grant(world, id, "grace@contoso.com");
  await grant(world, id, "margaret@adatum.example");
  await grant(world, id, "support-team@contoso.com");
  await grant(world, id, "barbara@contoso.com");
  await world.graph("DELETE", "/users/edsger@contoso.com");
  await world.graph("DELETE", "/users/barbara@contoso.com");
  const blocked = (await world.graph("GET", "/users/grace@contoso.com")) as Row;
  await world.graph("PATCH", `/users/${blocked.id}`, { accountEnabled: false });
  const desk = await makeMailbox(world, "desk@contoso.com");
  await world.graph("PATCH", `/users/${desk}`, { accountEnabled: true });
  await world.exchange("Set-Mailbox", { Identity: desk, ForwardingSmtpAddress: "smtp:archive@adatum.example" });
  const full = await makeMailbox(world, "full@contoso.com");
  await world.patchRecipient("full@contoso.com", { mailbox: { totalItemSize: 47 * 1024 ** 3, itemCount: 9 } });
  await world.exchange("Set-Mailbox", {
    Identity: full,
    ForwardingAddress: "orders@northwind.example",
    GrantSendOnBehalfTo: ["alan@contoso.com"],
  });
  return { world, id, state: exported(mailbox, membership) };
}

describe("the review of access", () => {
  test("has every right by mailbox, who declares it, and what to look at", async () => {
    const { world, state } = await story();
    const report = await reviewed(world, readStacks([file(state)]), { mostInGroup: 1 });
    const support = on(report, "support@contoso.com");
    expect(support.declaredBy).toEqual(["contoso/dev support"]);
    expect(told(support.access)).toEqual([
      "ada@contoso.com: Full Access by contoso/dev members, Send As by nobody",
      expect.stringMatching(/^(barbara@contoso\.com|S-1-5-21-[\d-]+|.*\\.*): Full Access by nobody$/),
      "edsger@contoso.com: Full Access by contoso/dev members, Send As by contoso/dev members",
      "grace@contoso.com: Full Access by nobody",
      "margaret@adatum.example: Full Access by nobody",
      "support-team@contoso.com: Full Access by nobody",
    ]);
    expect(support.access.map(({ kind }) => kind)).toEqual([
      "person",
      "deleted",
      "deleted",
      "person",
      "guest",
      "group",
    ]);
    expect(support.access[0]).toMatchObject({ automapping: false, until: "2027-01-15", displayName: "Ada Lovelace" });
    expect(told(on(report, "full@contoso.com").access)).toEqual(["alan@contoso.com: Send on Behalf by nobody"]);
    const barbara = support.access[1]?.person;
    expect(codes(report)).toEqual([
      "external-forwarding desk@contoso.com",
      "sign-in-open desk@contoso.com",
      "no-members desk@contoso.com",
      "external-forwarding full@contoso.com",
      "nearly-full full@contoso.com",
      "undeclared-access alan@contoso.com on full@contoso.com",
      "undeclared-access ada@contoso.com on support@contoso.com",
      "access-over ada@contoso.com on support@contoso.com",
      `orphan ${barbara} on support@contoso.com`,
      "leaver edsger@contoso.com on support@contoso.com",
      "undeclared-access grace@contoso.com on support@contoso.com",
      "leaver grace@contoso.com on support@contoso.com",
      "automapping-unknown grace@contoso.com on support@contoso.com",
      "undeclared-access margaret@adatum.example on support@contoso.com",
      "guest margaret@adatum.example on support@contoso.com",
      "undeclared-access support-team@contoso.com on support@contoso.com",
      "large-group support-team@contoso.com on support@contoso.com",
    ]);
  });

  test("says nothing of declarations where no state is given, nor of what is as it should be", async () => {
    const { world, id, membership } = await withMailbox();
    await membership.up({ mailbox: id, members: ["ada@contoso.com", "support-team@contoso.com"] });
    const report = await reviewed(world);
    expect(findingsOf(report)).toEqual([]);
    expect(told(on(report, "support@contoso.com").access)).toEqual([
      "ada@contoso.com: Full Access by nobody, Send As by nobody",
      "support-team@contoso.com: Full Access by nobody, Send As by nobody",
    ]);
  });

  test("does not call a collector empty that Dynamics reads", async () => {
    const { world, id, membership } = await withMailbox();
    const intake = world.resource("ForwardingMailbox", "intake");
    await makeMailbox(world, "collector@contoso.com");
    const program = { name: "Intake", emailAddress: "collector@contoso.com", sources: ["support@contoso.com"] };
    await intake.up({ ...program, approveEmail: false, testAndEnable: false });
    await membership.up({ mailbox: id, members: ["ada@contoso.com"] });
    expect(codes(await reviewed(world))).toEqual(expect.arrayContaining(["no-members collector@contoso.com"]));
    const stacks = readStacks([file(exported(membership, intake))]);
    expect(codes(await reviewed(world, stacks))).not.toContain("no-members collector@contoso.com");
  });

  test("knows people by their ids: an address that is somebody else's by now is not the one who is declared", async () => {
    const { world, id, membership } = await withMailbox();
    await membership.up({ mailbox: id, members: ["alan@contoso.com"] });
    const state = exported(membership);
    await world.patchRecipient("alan@contoso.com", { emailAddresses: ["SMTP:a.turing@contoso.com"] });
    await world.patchRecipient("grace@contoso.com", { emailAddresses: ["SMTP:alan@contoso.com"] });
    await grant(world, id, "grace@contoso.com");
    const [ofExport] = readStacks([file(state)]);
    const report = await reviewed(world, ofExport && [ofExport]);
    // The state file of a backend in files says the same.
    const ofBackend = file({ version: 3, checkpoint: { stack: "dev", latest: state.deployment } });
    expect(readStacks([ofBackend])).toEqual([ofExport]);
    expect(told(on(report, "support@contoso.com").access)).toEqual([
      "a.turing@contoso.com: Full Access by contoso/dev members, Send As by contoso/dev members",
      "alan@contoso.com: Full Access by nobody",
    ]);
  });

  test("reads ten at a time, and each person once", async () => {
    const world = await startWorld();
    const ids = await Promise.all(
      Array.from({ length: 20 }, (_, index) => makeMailbox(world, `box${index}@contoso.com`)),
    );
    for (const id of ids) {
      await grant(world, id, "ada@contoso.com");
      await grant(world, id, "support-team@contoso.com");
    }
    await world.control("DELETE", "requests");
    const report = await reviewed(world);
    expect(report.mailboxes).toHaveLength(20);
    const requests = (await world.control("GET", "requests")) as unknown as { service: string; inner?: unknown[] }[];
    const cmdlets = requests.filter(({ service }) => service === "exchange");
    // Two listings, of mailboxes and of Send As; forty questions about twenty mailboxes in four batches, and a few about two trustees and
    // the domains.
    expect(cmdlets.length).toBeLessThanOrEqual(11);
    expect(requests.length).toBeLessThanOrEqual(20);
    expect(cmdlets.filter(({ inner = [] }) => inner.length === 10).length).toBeGreaterThanOrEqual(4);
    expect(await world.countOf("Get-Recipient")).toBeLessThanOrEqual(4);
    expect(await world.writes()).toEqual([]);
  });

  test("goes on where the application may not read accounts and groups, and says so", async () => {
    const { world, id } = await withMailbox();
    await grant(world, id, "grace@contoso.com");
    await grant(world, id, "support-team@contoso.com");
    const denied = { status: 403, body: { error: { code: "Authorization_RequestDenied", message: "No." } } };
    await world.fault({ service: "graph", path: "/groups/", times: "always", answer: denied });
    await world.fault({ service: "graph", path: "/users/", times: "always", answer: denied });
    const report = await reviewed(world, [], { mostInGroup: 0 });
    expect(told(on(report, "support@contoso.com").access)).toEqual([
      "grace@contoso.com: Full Access by nobody",
      "support-team@contoso.com: Full Access by nobody",
    ]);
    expect(findingsOf(report)).toEqual([]);
    expect(world.warnings.join()).toMatch(
      /Not checked, and left open here: Which accounts are blocked; Who is in groups/,
    );
  });

  test("goes on where the application may not read who sends as a mailbox, and does not call it empty", async () => {
    const { world } = await withMailbox();
    await world.fault({ cmdlet: "Get-RecipientPermission", times: "always", answer: { status: 403 } });
    const report = await reviewed(world);
    expect(findingsOf(report)).toEqual([]);
    expect(world.warnings.join()).toMatch(/Not checked, and left open here: who may send as support@contoso\.com/);
    expect(on(report, "support@contoso.com").unread).toEqual(["Send As"]);
  });
});

describe("mailboxes access", () => {
  let world: World;
  let state: Row;

  beforeEach(async () => {
    ({ world, state } = await story());
  });

  test("writes tables, JSON and CSV, of everybody or of one, and ends with 1 where there is something to look at", async () => {
    const states = ["--state", file(state)];
    const byMailbox = await command(world, ...states);
    expect(byMailbox.code).toBe(1);
    expect(byMailbox.stdout).toContain("support@contoso.com Support, declared by contoso/dev support");
    expect(byMailbox.stdout).toMatch(
      /ada@contoso\.com Ada Lovelace +│ Full Access, Send As +│ Full Access: contoso\/dev members; Send As: nobody +│ 2027-01-15/,
    );
    expect(byMailbox.stdout).toMatch(/3 mailboxes, 7 people and groups with access, \d+ to look at\./);

    const one = await command(world, ...states, "--person", "ADA@contoso.com");
    expect(one.code).toBe(1);
    expect(one.stdout).toContain("ada@contoso.com Ada Lovelace");
    expect(one.stdout).not.toContain("grace");

    // Through a group she has what the group has.
    expect(one.stdout).toMatch(/support@contoso\.com Support +│ Full Access \(through support-team@contoso\.com\)/);

    // So has somebody without a mailbox, whom only the directory knows.
    const intern = await world.graph("POST", "/users", {
      accountEnabled: true,
      displayName: "The intern",
      mailNickname: "intern",
      userPrincipalName: "intern@contoso.com",
      passwordProfile: { password: "not a password of anybody" },
    });
    const groups = Object.values(await world.control("GET", "state/groups")) as Row[];
    const [team] = groups.filter(({ mail }) => mail === "support-team@contoso.com");
    await world.control("PATCH", `state/groups/${team?.id}`, { members: [team?.members, intern?.id].flat() });
    expect((await command(world, "--person", "intern@contoso.com")).stdout).toMatch(
      /support@contoso\.com Support +│ Full Access \(through support-team@contoso\.com\)/,
    );

    const json = JSON.parse((await command(world, "--json", "--person", "alan@contoso.com")).stdout);
    expect(told(json.mailboxes[0].access)).toEqual(["alan@contoso.com: Send on Behalf by nobody"]);

    const csv = await command(world, "--csv", "--address", "desk@*");
    expect(csv).toMatchObject({ code: 1 });
    expect(csv.stdout).toBe(
      '\uFEFF"mailbox","mailbox name","person","person name","kind","rights","declared by","until","findings"\r\n' +
        '"desk@contoso.com","The desk","","","","","","","external-forwarding: mail is forwarded to archive@adatum.example; ' +
        'sign-in-open: sign-in to its account is open; no-members: nobody has access"\r\n',
    );
    expect(await command(world, "--person", "radia@contoso.com")).toMatchObject({ code: 0 });

    // The exit code says that there is something to look at. The page alone would not say it on a terminal.
    const page = join(folder, "access.html");
    const written = await command(world, ...states, "--html", page);
    expect(written).toMatchObject({ code: 1, stdout: "" });
    expect(written.stderr).toMatch(
      /written to .*access\.html: 3 mailboxes, 7 people and groups with access, \d+ to look at\.\n$/,
    );
  });

  test("ends with 2 and one sentence for what it cannot use", async () => {
    const said = async (...args: string[]) => {
      const { code, stderr, stdout } = await command(world, ...args);
      expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
      return stderr;
    };
    const elsewhere = JSON.stringify(state).replaceAll(world.tenantId, "11111111-2222-3333-4444-555555555555");
    const other = {
      deployment: {
        resources: [{ urn: "urn:pulumi:dev::web::aws:s3/bucket:Bucket::b", type: "aws:s3/bucket:Bucket" }],
      },
    };
    expect(await said("--state", join(folder, "none.json"))).toMatch(
      /There is no file .*none\.json\. Run `pulumi stack export/,
    );
    expect(await said("--state", file(""))).toMatch(/is empty\. Run/);
    expect(await said("--state", file("not JSON"))).toMatch(/is not JSON, so it is not the state of a stack\. Run/);
    expect(await said("--state", file({ steps: [], changeSummary: {} }))).toMatch(
      /is a preview, and not the state of a stack/,
    );
    expect(await said("--state", file(other))).toMatch(
      /is the state of a stack of project web without mailboxes of this package/,
    );
    expect(await said("--state", file(elsewhere))).toMatch(
      /The state of contoso\/dev is of tenant 11111111-.*, and the tenant that was read is/,
    );
    expect(await said("--person", " ")).toMatch(/--person: write an address, a sign-in name or an object id/);
    expect(await said("--person", "nobody@contoso.com")).toMatch(/Nobody in the tenant is called nobody@contoso\.com/);
    expect(await said("--html", join(folder, "nowhere", "a.html"))).toMatch(
      /--html: .* cannot be written \(ENOENT\)\. Write a file in a folder that exists\./,
    );
    expect(await said("--address", "nothing*")).toMatch(/No shared mailbox has a primary address like nothing\*/);
    expect(await said("--by", "day")).toMatch(/--by: write mailbox or person\./);
    expect(await said("--json", "--csv")).toMatch(/write one of them/);
    expect(await said("--most-in-group", "many")).toMatch(/--most-in-group: write a whole number/);
    expect(await said("--nonsense")).toMatch(/unknown option/);
    await world.fault({ cmdlet: "Get-Mailbox", times: "always", answer: { status: 403 } });
    expect(await said()).toMatch(/listing the shared mailboxes/);
  });

  test("leaves out and counts the resources of other packages, and says which members are secret", async () => {
    const { deployment } = state as { deployment: { resources: Row[] } };
    const [stack, mailbox, membership] = deployment.resources;
    const secret = { "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", ciphertext: "v1:xyz" };
    const bucket = { urn: "urn:pulumi:dev::contoso::aws:s3/bucket:Bucket::b", type: "aws:s3/bucket:Bucket" };
    const sealed = { ...membership, inputs: { ...(membership?.inputs as Row), members: secret } };
    const path = file({ deployment: { resources: [stack, mailbox, sealed, bucket] } });
    const { stdout, stderr } = await command(world, "--state", path);
    expect(stderr).toContain("contoso/dev: 1 resource of other packages left out");
    expect(stdout).toContain("Note: The members of contoso/dev members are a secret of the program");
    expect(stdout).not.toContain("v1:xyz");
    // What a secret may declare is not undeclared.
    expect(stdout).toMatch(/grace@contoso\.com Grace Hopper +│ Full Access +│ not known +│/);
    const report = JSON.parse((await command(world, "--state", path, "--json")).stdout) as Report;
    expect(codes({ ...report, mailboxes: [on(report, "support@contoso.com")] }).join()).not.toMatch(
      /undeclared-access|automapping-unknown/,
    );
  });
});
