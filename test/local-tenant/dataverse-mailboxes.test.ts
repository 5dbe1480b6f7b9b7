import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { dataverseTables } from "../../provider/local-tenant/dataverse/columns";
import type { QueueRow } from "../../provider/local-tenant/dataverse/schema";
import { tables } from "../../provider/local-tenant/model";
import { Tenant } from "../../provider/local-tenant/tenant";
import {
  type Answer,
  addMailbox,
  type Environment,
  ids,
  type Options,
  startEnvironment,
} from "./dataverse-environment";

const someId = "5f0c2f7e-0000-4000-8000-000000000001";
const forward = { name: "Support forward", emailaddress: "fwd@contoso.com" };

let environment: Environment;

beforeEach(async () => {
  environment = await startEnvironment();
});

afterEach(() => environment.close());

function create(more: object = {}, options: Options = {}): Promise<Answer> {
  return environment.send("PATCH", `mailboxes(${someId})`, { body: { ...forward, ...more }, ...options });
}

function change(body: object, options: Options = {}): Promise<Answer> {
  return environment.send("PATCH", `mailboxes(${someId})`, { body, headers: { "if-match": "*" }, ...options });
}

async function mailbox(id = someId): Promise<Record<string, unknown>> {
  return (await environment.send("GET", `mailboxes(${id})`)).json;
}

async function row(path: string): Promise<Record<string, unknown>> {
  return (await environment.send("GET", path)).json;
}

async function mailboxOf(id: string): Promise<Record<string, unknown> | undefined> {
  const { json } = await environment.send("GET", `mailboxes?$filter=_regardingobjectid_value eq ${id}`);
  return (json.value as Record<string, unknown>[])[0];
}

async function newQueue(more: object = {}): Promise<string> {
  const { json } = await environment.send("POST", "queues", {
    body: { name: "Help", emailaddress: "help@contoso.com", ...more },
    headers: { prefer: "return=representation" },
  });
  return String(json.queueid);
}

function pass(milliseconds: number): void {
  environment.tenant.clockOffset += milliseconds;
}

describe("rules of a forward mailbox", () => {
  const refused: [string, object, string][] = [
    ["no address", { emailaddress: null }, "0x8005E211"],
    ["an empty address", { emailaddress: "" }, "0x8005E211"],
    ["something that is no address", { emailaddress: "fwd" }, "0x80040203"],
    ["incoming by Outlook", { incomingemaildeliverymethod: 1 }, "0x8005E212"],
    ["incoming Forward Mailbox", { incomingemaildeliverymethod: 3 }, "0x8005E212"],
    ["outgoing by server-side synchronisation", { outgoingemaildeliverymethod: 2 }, "0x8005E213"],
    ["credentials without a user name", { allowemailconnectortousecredentials: true, password: "p" }, "0x8005E209"],
    ["credentials without a password", { allowemailconnectortousecredentials: true, username: "u" }, "0x8005E24E"],
    [
      "credentials the profile does not take",
      { allowemailconnectortousecredentials: true, username: "u", password: "p" },
      "0x80040203",
    ],
    [
      "appointments over POP3",
      { actdeliverymethod: 1, "emailserverprofile@odata.bind": `/emailserverprofiles(${ids.pop3})` },
      "0x8005E247",
    ],
    ["an inactive status of an active row", { statuscode: 2 }, "0x80048408"],
  ];
  // @shows dataverse.forward-mailbox-rules dataverse.delete-after-processing dataverse.credentials-needed
  // dataverse.credentials-profile dataverse.appointments-profile dataverse.rule-error-status
  test.each(refused)("%s is refused at create and at update", async (_, more, code) => {
    const atCreate = await create(more);
    expect([atCreate.status, atCreate.code]).toEqual([400, code]);
    await create();
    const before = await mailbox();
    const atUpdate = await change(more);
    expect([atUpdate.status, atUpdate.code]).toEqual([400, code]);
    expect(await mailbox()).toEqual(before);
  });

  test("rules see the merged row: the order of single-column updates matters", async () => {
    await create({ "emailserverprofile@odata.bind": `/emailserverprofiles(${ids.pop3})` });
    expect((await change({ allowemailconnectortousecredentials: true })).code).toBe("0x8005E209");
    expect((await change({ username: "fwd" })).status).toBe(204);
    expect((await change({ password: "correct horse" })).status).toBe(204);
    expect((await change({ allowemailconnectortousecredentials: true })).status).toBe(204);
    expect((await change({ username: null })).code).toBe("0x8005E209");
  });

  test("it is deactivated and activated by state, its status follows", async () => {
    await create();
    await change({ statecode: 1 });
    expect(await mailbox()).toMatchObject({ statecode: 1, statuscode: 2 });
    await change({ statecode: 0, statuscode: 1 });
    expect(await mailbox()).toMatchObject({ statecode: 0, statuscode: 1 });
  });
});

test("a password is never answered nor kept in the clear, only that it is set", async () => {
  const secret = "correct horse battery staple";
  const folder = mkdtempSync(join(tmpdir(), "dataverse-"));
  const seen: string[] = [];
  const use = async (body: object) => {
    const answer = await create(body, { headers: { prefer: 'return=representation,odata.include-annotations="*"' } });
    seen.push(answer.text, JSON.stringify([...answer.headers]));
    return answer;
  };
  await use({ username: "fwd", password: secret });
  expect(await mailbox()).toMatchObject({ password: null, ispasswordset: true, username: "fwd" });
  await use({ password: `${secret}${"x".repeat(200)}` });
  await use({ password: { value: secret } });
  await use({ password: secret, nickname: "x" });
  seen.push((await environment.send("GET", `mailboxes(${someId})?$select=password,ispasswordset`)).text);
  const filtered = await environment.send("GET", `mailboxes?$filter=password eq '${secret}'&$select=name`);
  expect(filtered.json.value).toEqual([]);
  const journal = new Tenant(join(folder, "journal"));
  journal.store.put("x", "x", environment.tenant.store.get(dataverseTables.mailbox, someId));
  seen.push(readFileSync(join(folder, "journal"), "utf8"));
  rmSync(folder, { recursive: true });
  expect(seen.join("\n")).not.toContain(secret);
  await change({ password: null });
  expect((await mailbox()).ispasswordset).toBe(false);
});

test("credentials are taken together, kept while they are used, and cleared together", async () => {
  const pop3 = { "emailserverprofile@odata.bind": `/emailserverprofiles(${ids.pop3})` };
  const used = { allowemailconnectortousecredentials: true, username: "fwd", password: "correct horse" };
  expect((await create({ ...pop3, ...used })).status).toBe(204);
  expect(await mailbox()).toMatchObject({ username: "fwd", password: null, ispasswordset: true });
  expect(await change({ password: null })).toMatchObject({ status: 400, code: "0x8005E24E" });
  expect(await change({ username: null })).toMatchObject({ status: 400, code: "0x8005E209" });
  const other = { "emailserverprofile@odata.bind": `/emailserverprofiles(${ids.exchangeOnline})` };
  expect(await change(other)).toMatchObject({ status: 400, code: "0x80040203" });
  expect((await change({ password: "battery staple" })).status).toBe(204);
  const cleared = { allowemailconnectortousecredentials: false, username: null, password: null };
  expect((await change({ ...other, ...cleared })).status).toBe(204);
  expect(await mailbox()).toMatchObject({ username: null, ispasswordset: false });
});

describe("approval", () => {
  // @shows dataverse.born-approved
  test("an approver's mailbox is born approved; another one's waits and is then approved", async () => {
    await create({}, { who: "administrator" });
    expect(await mailbox()).toMatchObject({ emailrouteraccessapproval: 2, isemailaddressapprovedbyo365admin: false });
    await change({ emailrouteraccessapproval: 1 });
    expect(await mailbox()).toMatchObject({
      emailrouteraccessapproval: 1,
      isemailaddressapprovedbyo365admin: true,
      _emailaddressapprovedby_value: ids.everything,
    });
  });

  // @shows dataverse.approval-roles
  test("refused for a caller without the role, and for everybody by a setting: 0x8009000B and nothing changed", async () => {
    await create({}, { who: "administrator" });
    const refused = await change({ emailrouteraccessapproval: 1, name: "x" }, { who: "administrator" });
    expect([refused.status, refused.code]).toEqual([400, "0x8009000B"]);
    environment.tenant.settings.approval = "refused";
    expect((await change({ emailrouteraccessapproval: 1 })).code).toBe("0x8009000B");
    expect(await mailbox()).toMatchObject({ emailrouteraccessapproval: 2, name: forward.name });
  });

  // @shows dataverse.approval-without-effect
  test("silently without effect by a setting; the other columns are written", async () => {
    environment.tenant.settings.approval = "silent";
    await create();
    expect((await change({ emailrouteraccessapproval: 1, name: "x" })).status).toBe(204);
    expect(await mailbox()).toMatchObject({
      emailrouteraccessapproval: 2,
      isemailaddressapprovedbyo365admin: false,
      name: "x",
    });
  });

  test("writing 1 to what is approved asks nobody", async () => {
    await create();
    expect((await change({ emailrouteraccessapproval: 1 }, { who: "administrator" })).status).toBe(204);
  });

  // @shows dataverse.address-drops-approval
  test("an address change drops it, unless the setting says not", async () => {
    await create();
    await change({ emailaddress: "other@contoso.com" });
    expect((await mailbox()).emailrouteraccessapproval).toBe(2);
    await change({ emailrouteraccessapproval: 1 });
    environment.tenant.settings.addressChangeDropsApproval = false;
    await change({ emailaddress: "third@contoso.com" });
    expect((await mailbox()).emailrouteraccessapproval).toBe(1);
  });

  // @shows dataverse.approved-by-admin-flag
  test("the result column cannot be forced", async () => {
    await create({}, { who: "administrator" });
    expect((await change({ isemailaddressapprovedbyo365admin: true })).status).toBe(204);
    expect((await mailbox()).isemailaddressapprovedbyo365admin).toBe(false);
  });
});

describe("Test & Enable", () => {
  const test1900 = "1900-01-01T00:00:00Z";

  async function run(): Promise<Record<string, unknown>> {
    expect((await change({ testemailconfigurationscheduled: true })).status).toBe(204);
    pass(60_000);
    return mailbox();
  }

  beforeEach(() => {
    environment.tenant.settings.test.duration = 60_000;
    addMailbox(environment.tenant, "fwd@contoso.com");
  });

  // @shows dataverse.test-queued dataverse.test-end dataverse.test-succeeds
  test("it waits, then succeeds for an address that is a mailbox", async () => {
    await create();
    await change({ testemailconfigurationscheduled: true });
    expect(await mailbox()).toMatchObject({
      testemailconfigurationscheduled: true,
      incomingemailstatus: 0,
      testmailboxaccesscompletedon: test1900,
      _testandenablelastattemptedby_value: ids.everything,
    });
    pass(60_000);
    const done = await mailbox();
    expect(done).toMatchObject({
      testemailconfigurationscheduled: false,
      incomingemailstatus: 1,
      outgoingemailstatus: 0,
      actstatus: 0,
      mailboxstatus: 1,
      enabledforincomingemail: true,
    });
    expect(done.testmailboxaccesscompletedon).not.toBe(test1900);
    const again = await run();
    expect(Date.parse(String(again.testmailboxaccesscompletedon))).toBeGreaterThan(
      Date.parse(String(done.testmailboxaccesscompletedon)),
    );
  });

  const failures: [string, number, () => unknown][] = [
    ["inactive", 0x8005e219, () => change({ statecode: 1 })],
    ["unapproved", 0x8005e220, () => change({ emailrouteraccessapproval: 3 })],
    ["without a profile", 0x8005e222, () => change({ "emailserverprofile@odata.bind": null })],
    [
      "on an inactive profile",
      0x8005e228,
      () => environment.send("PATCH", `emailserverprofiles(${ids.exchangeOnline})`, { body: { statecode: 1 } }),
    ],
    [
      "no mailbox of the tenant",
      0x8005e221,
      () => environment.tenant.store.delete(tables.recipients, "fwd@contoso.com"),
    ],
    [
      "a mailbox Dataverse does not see yet",
      0x8005e221,
      () => {
        environment.tenant.store.delete(tables.recipients, "fwd@contoso.com");
        environment.tenant.settings.lag.dataverse = 600_000;
      },
    ],
  ];
  // @shows dataverse.test-reason-codes
  test.each(failures)("it fails when %s, and an alert says why: %i", async (_, code, prepare) => {
    await create();
    await prepare();
    if (environment.tenant.settings.lag.dataverse > 0) {
      pass(1_200_000);
      addMailbox(environment.tenant, "fwd@contoso.com");
    }
    const failed = await run();
    expect(failed).toMatchObject({
      incomingemailstatus: 2,
      enabledforincomingemail: false,
      mailboxstatus: 2,
      lastsyncerror: null,
      lastsyncerrorcode: null,
      lastsyncerrorcount: 0,
    });
    const found = await row(`tracelogs?$filter=_regardingobjectid_value eq ${someId} and level eq 3`);
    expect(found.value).toMatchObject([
      {
        text: expect.stringMatching(/^\w.*\.$/),
        errordetails: `0x${code.toString(16).toUpperCase()}`,
        tracecode: code & 0xffff,
        createdon: failed.testmailboxaccesscompletedon,
      },
    ]);
    expect((await environment.send("DELETE", `mailboxes(${someId})`)).status).toBe(204);
    expect((await row("tracelogs")).value).toEqual([]);
  });

  // @shows dataverse.test-reason
  test("by a setting the row says why; a success clears the reason, and failures are counted until then", async () => {
    environment.tenant.settings.testReason = "row";
    const nothing = {
      lastsyncerror: null,
      lastsyncerrorcode: null,
      lastsyncerroroccurredon: null,
      lastsyncerrorcount: 0,
    };
    await create({ "emailserverprofile@odata.bind": null });
    expect(await mailbox()).toMatchObject(nothing);
    await run();
    expect((await run()).lastsyncerrorcount).toBe(2);
    await change({ "emailserverprofile@odata.bind": `/emailserverprofiles(${ids.exchangeOnline})` });
    expect((await mailbox()).lastsyncerrorcode).toBe(0x8005e222 | 0);
    expect(await run()).toMatchObject({ incomingemailstatus: 1, ...nothing });
  });

  // @shows dataverse.test-forward-incoming
  test("a mailbox that a forward mailbox reads for is not polled itself, its outgoing mail is tested", async () => {
    addMailbox(environment.tenant, "help@contoso.com");
    const id = String((await mailboxOf(await newQueue()))?.mailboxid);
    const body = {
      incomingemaildeliverymethod: 3,
      emailrouteraccessapproval: 1,
      testemailconfigurationscheduled: true,
    };
    expect((await environment.send("PATCH", `mailboxes(${id})`, { body })).status).toBe(204);
    pass(60_000);
    expect(await mailbox(id)).toMatchObject({
      incomingemailstatus: 2,
      outgoingemailstatus: 1,
      enabledforoutgoingemail: true,
      mailboxstatus: 2,
    });
    expect((await row("tracelogs")).value).toMatchObject([{ errordetails: "0x8005E223" }]);
  });

  // @shows dataverse.test-locks
  test("by a setting nothing is changed while it runs", async () => {
    await create();
    await change({ testemailconfigurationscheduled: true });
    environment.tenant.settings.refuseWhileTesting = true;
    expect(await change({ name: "x" })).toMatchObject({ status: 400, code: "0x8005E248" });
    pass(60_000);
    expect((await change({ name: "x" })).status).toBe(204);
    expect(await mailbox()).toMatchObject({ name: "x", incomingemailstatus: 1 });
  });

  // @shows dataverse.approval-switched-off
  test("without need for approval an unapproved mailbox passes", async () => {
    await create({}, { who: "administrator" });
    await environment.send("PATCH", `organizations(${ids.organization})`, {
      body: { requireapprovalforuseremail: false, requireapprovalforqueueemail: false },
    });
    expect(await run()).toMatchObject({ incomingemailstatus: 1 });
  });

  test("outcomes by address: failure, and never until told otherwise", async () => {
    await create();
    environment.tenant.settings.test.outcomes = { "FWD@contoso.com": "failure" };
    expect(await run()).toMatchObject({ incomingemailstatus: 2 });
    expect((await row("tracelogs")).value).toMatchObject([{ errordetails: "0x80040216" }]);
    environment.tenant.settings.test.outcomes = { "fwd@contoso.com": "never" };
    expect(await run()).toMatchObject({ testemailconfigurationscheduled: true });
    environment.tenant.settings.test.outcomes = {};
    expect(await mailbox()).toMatchObject({ testemailconfigurationscheduled: false, incomingemailstatus: 1 });
  });

  // @shows dataverse.change-resets-test
  test("a change of what was tested puts the status back, any other change does not", async () => {
    await create();
    await run();
    await change({ name: "renamed", processanddeleteemails: true });
    expect((await mailbox()).incomingemailstatus).toBe(1);
    await change({ incomingemaildeliverymethod: 0 });
    expect((await mailbox()).incomingemailstatus).toBe(0);
  });

  test("taken back before it is due it does not run", async () => {
    await create();
    await change({ testemailconfigurationscheduled: true });
    await change({ testemailconfigurationscheduled: false });
    pass(60_000);
    expect(await mailbox()).toMatchObject({ incomingemailstatus: 0, testmailboxaccesscompletedon: test1900 });
  });
});

describe("individual mailboxes", () => {
  // @shows dataverse.record-made-later
  test("a queue with an address gets its record after the delay", async () => {
    environment.tenant.settings.mailboxRowDelay = 60_000;
    const queue = await newQueue();
    expect(await row(`queues(${queue})`)).toMatchObject({
      _defaultmailbox_value: null,
      emailrouteraccessapproval: 2,
      incomingemaildeliverymethod: 2,
      outgoingemaildeliverymethod: 2,
    });
    expect(await mailboxOf(queue)).toBeUndefined();
    pass(61_000);
    const made = await mailboxOf(queue);
    expect(made).toMatchObject({
      emailaddress: "help@contoso.com",
      isforwardmailbox: false,
      incomingemaildeliverymethod: 2,
      outgoingemaildeliverymethod: 2,
      emailrouteraccessapproval: 2,
      _emailserverprofile_value: ids.exchangeOnline,
      _ownerid_value: ids.everything,
    });
    expect((await row(`queues(${queue})`))._defaultmailbox_value).toBe(made?.mailboxid);
    const { json: found } = await environment.send(
      "GET",
      `queues?$filter=_defaultmailbox_value eq ${made?.mailboxid}&$select=name`,
    );
    expect(found.value).toMatchObject([{ queueid: queue }]);
    const { json } = await environment.send("GET", `queues(${queue})/defaultmailbox?$select=name`);
    expect(json.name).toBe("Help");
  });

  test("without a delay the answer shows it at once; one without an address is there, too, and is empty", async () => {
    expect(await mailboxOf(await newQueue())).toBeDefined();
    const bare = await newQueue({ emailaddress: null });
    expect(await mailboxOf(bare)).toMatchObject({ emailaddress: null, emailrouteraccessapproval: 0 });
    await environment.send("PATCH", `queues(${bare})`, { body: { emailaddress: "late@contoso.com" } });
    expect(await mailboxOf(bare)).toMatchObject({ emailaddress: "late@contoso.com" });
  });

  // @shows dataverse.private-queues
  test("every user and team has a private queue with a record of its own, by a setting with the user's address", async () => {
    const prefer = { prefer: "return=representation" };
    const grace = { firstname: "Grace", lastname: "Hopper", domainname: "g@contoso.com" };
    const body = { ...grace, internalemailaddress: "g@contoso.com" };
    for (const emailaddress of [null, "g@contoso.com"]) {
      environment.tenant.settings.privateQueueAddresses = emailaddress !== null;
      const { json: user } = await environment.send("POST", "systemusers", { body, headers: prefer });
      const queue = await row(`queues(${user._queueid_value})`);
      expect(queue).toMatchObject({
        name: "<Grace Hopper>",
        queueviewtype: 1,
        _ownerid_value: user.systemuserid,
        emailaddress,
      });
      expect(await mailboxOf(String(queue.queueid))).toMatchObject({ name: "<Grace Hopper>", emailaddress });
      expect(await mailboxOf(String(user.systemuserid))).toMatchObject({ emailaddress: "g@contoso.com" });
    }
    const { json: team } = await environment.send("POST", "teams", { body: { name: "Field" }, headers: prefer });
    expect(await row(`queues(${team._queueid_value})`)).toMatchObject({ name: "<Field>", _ownerid_value: team.teamid });
    expect((await environment.send("DELETE", `teams(${team.teamid})`)).status).toBe(204);
    expect((await environment.send("GET", `queues(${team._queueid_value})`)).status).toBe(404);
  });

  test("a user's record belongs to the user", async () => {
    const { json } = await environment.send("POST", "systemusers", {
      body: {
        firstname: "Grace",
        lastname: "Hopper",
        domainname: "grace@contoso.com",
        internalemailaddress: "grace@contoso.com",
      },
      headers: { prefer: "return=representation" },
    });
    const id = String(json.systemuserid);
    expect(json.fullname).toBe("Grace Hopper");
    const made = await mailboxOf(id);
    expect(made).toMatchObject({ name: "Grace Hopper", _ownerid_value: id, actdeliverymethod: 1 });
    const answer = await environment.send("PATCH", `mailboxes(${made?.mailboxid})`, {
      body: { processanddeleteemails: true },
    });
    expect([answer.status, answer.code]).toEqual([400, "0x8005E233"]);
  });

  // @shows dataverse.record-follows-owner-row
  test("methods, approval and address stay in step both ways", async () => {
    const queue = await newQueue();
    const id = String((await mailboxOf(queue))?.mailboxid);
    await environment.send("PATCH", `mailboxes(${id})`, { body: { incomingemaildeliverymethod: 3 } });
    expect((await row(`queues(${queue})`)).incomingemaildeliverymethod).toBe(3);
    await environment.send("PATCH", `queues(${queue})`, {
      body: { outgoingemaildeliverymethod: 0, emailrouteraccessapproval: 1 },
    });
    expect(await mailbox(id)).toMatchObject({
      outgoingemaildeliverymethod: 0,
      emailrouteraccessapproval: 1,
      isemailaddressapprovedbyo365admin: true,
    });
    await environment.send("PATCH", `queues(${queue})`, {
      body: { emailaddress: "new@contoso.com", "ownerid@odata.bind": `teams(${ids.team})` },
    });
    expect(await mailbox(id)).toMatchObject({
      emailaddress: "new@contoso.com",
      emailrouteraccessapproval: 2,
      _ownerid_value: ids.team,
    });
    expect((await row(`queues(${queue})`)).emailrouteraccessapproval).toBe(2);
  });

  // @shows dataverse.user-record-follows
  test("a user's address and approval are the user row's; the record follows, and the lock holds for it too", async () => {
    const path = `systemusers(${ids.ada})`;
    const write = (body: object) => environment.send("PATCH", path, { body, headers: { "if-match": "*" } });
    expect((await write({ internalemailaddress: "ada@contoso.com" })).status).toBe(204);
    const id = String((await mailboxOf(ids.ada))?.mailboxid);
    await write({ emailrouteraccessapproval: 1, incomingemaildeliverymethod: 3 });
    expect(await mailbox(id)).toMatchObject({
      emailrouteraccessapproval: 1,
      isemailaddressapprovedbyo365admin: true,
      incomingemaildeliverymethod: 3,
    });
    await write({ internalemailaddress: "ada.king@contoso.com" });
    expect(await mailbox(id)).toMatchObject({
      emailaddress: "ada.king@contoso.com",
      emailrouteraccessapproval: 2,
      isemailaddressapprovedbyo365admin: false,
    });
    expect((await row(path)).emailrouteraccessapproval).toBe(2);
    const body = { emailaddress: "countess@contoso.com" };
    environment.tenant.settings.individualAddressEditable = false;
    expect(await environment.send("PATCH", `mailboxes(${id})`, { body })).toMatchObject({
      status: 400,
      code: "0x8005E208",
    });
    environment.tenant.settings.individualAddressEditable = true;
    expect((await environment.send("PATCH", `mailboxes(${id})`, { body })).status).toBe(204);
    expect((await row(path)).internalemailaddress).toBe("countess@contoso.com");
    expect(await write({ internalemailaddress: "ada" })).toMatchObject({ status: 400, code: "0x80040203" });
  });

  test("a queue knows no Outlook, neither on its row nor on its mailbox record", async () => {
    const queue = await newQueue();
    const id = String((await mailboxOf(queue))?.mailboxid);
    for (const path of [`queues(${queue})`, `mailboxes(${id})`]) {
      const answer = await environment.send("PATCH", path, { body: { incomingemaildeliverymethod: 1 } });
      expect([answer.status, answer.code]).toEqual([400, "0x8004431A"]);
    }
  });

  // @shows dataverse.individual-address
  test("its address is carried over to the queue, or by a setting locked", async () => {
    environment.tenant.settings.individualAddressEditable = false;
    const queue = await newQueue();
    const path = `mailboxes(${(await mailboxOf(queue))?.mailboxid})`;
    const body = { emailaddress: "new@contoso.com" };
    const locked = await environment.send("PATCH", path, { body });
    expect([locked.status, locked.code]).toEqual([400, "0x8005E208"]);
    environment.tenant.settings.individualAddressEditable = true;
    expect((await environment.send("PATCH", path, { body })).status).toBe(204);
    expect((await row(`queues(${queue})`)).emailaddress).toBe("new@contoso.com");
  });
});

describe("deleting", () => {
  // @shows dataverse.queue-in-use
  test("a queue takes its mailbox record along; one with items stays", async () => {
    const queue = await newQueue();
    const id = String((await mailboxOf(queue))?.mailboxid);
    const stored = environment.tenant.store.get<QueueRow>(dataverseTables.queue, queue);
    environment.tenant.store.put(dataverseTables.queue, queue, { ...stored, numberofitems: 2 });
    const refused = await environment.send("DELETE", `queues(${queue})`);
    expect([refused.status, refused.code]).toEqual([400, "0x80631117"]);
    environment.tenant.store.put(dataverseTables.queue, queue, stored);
    expect((await environment.send("DELETE", `queues(${queue})`)).status).toBe(204);
    expect((await environment.send("GET", `mailboxes(${id})`)).status).toBe(404);
  });

  // @shows dataverse.delete-active
  test("where only inactive records go, an active one is a 405", async () => {
    environment.tenant.settings.deleteNeedsInactive = true;
    await create();
    expect((await environment.send("DELETE", `mailboxes(${someId})`)).status).toBe(405);
    await change({ statecode: 1 });
    expect((await environment.send("DELETE", `mailboxes(${someId})`)).status).toBe(204);
  });

  // @shows dataverse.delete-user
  test("a user takes its mailbox record along, and its name off what it approved and tested", async () => {
    const name = { domainname: "grace@contoso.com", internalemailaddress: "grace@contoso.com" };
    const prefer = { prefer: "return=representation" };
    const { json } = await environment.send("POST", "systemusers", { body: name, headers: prefer });
    const user = String(json.systemuserid);
    const record = String((await mailboxOf(user))?.mailboxid);
    await create();
    const pointer = { table: "systemuser", id: user };
    environment.tenant.store.put(dataverseTables.mailbox, someId, {
      ...environment.tenant.store.get<object>(dataverseTables.mailbox, someId),
      emailaddressapprovedby: pointer,
      testandenablelastattemptedby: pointer,
    });
    const refused = await environment.send("DELETE", `systemusers(${user})`);
    expect([refused.status, refused.code]).toEqual([405, "0x80040800"]);
    environment.tenant.settings.deleteDisabledUsers = true;
    expect((await environment.send("DELETE", `systemusers(${user})`)).status).toBe(405);
    await environment.send("PATCH", `systemusers(${user})`, { body: { isdisabled: true } });
    expect((await environment.send("DELETE", `systemusers(${user})`)).status).toBe(204);
    expect((await environment.send("GET", `queues(${json._queueid_value})`)).status).toBe(404);
    expect((await environment.send("GET", `mailboxes(${record})`)).status).toBe(404);
    expect(await mailbox()).toMatchObject({
      _emailaddressapprovedby_value: null,
      _testandenablelastattemptedby_value: null,
    });
  });

  test("a mailbox record leaves no lookup behind", async () => {
    const queue = await newQueue();
    const id = String((await mailboxOf(queue))?.mailboxid);
    expect((await environment.send("DELETE", `mailboxes(${id})`)).status).toBe(204);
    expect((await row(`queues(${queue})`))._defaultmailbox_value).toBeNull();
  });

  // @shows dataverse.profile-lookups
  test("a server profile leaves its mailboxes and the organisation without one", async () => {
    await create();
    expect((await environment.send("DELETE", `emailserverprofiles(${ids.exchangeOnline})`)).status).toBe(204);
    expect((await mailbox())._emailserverprofile_value).toBeNull();
    expect((await row(`organizations(${ids.organization})`))._defaultemailserverprofileid_value).toBeNull();
  });

  test("a team takes the mailboxes it owns along; a user who owns a profile stays", async () => {
    await create({ "ownerid@odata.bind": `/teams(${ids.team})` });
    expect((await environment.send("DELETE", `teams(${ids.team})`)).status).toBe(204);
    expect((await environment.send("GET", `mailboxes(${someId})`)).status).toBe(404);
    environment.tenant.settings.deleteDisabledUsers = true;
    for (const id of [ids.everything, ids.ada]) {
      const user = environment.tenant.store.get<object>(dataverseTables.systemuser, id);
      environment.tenant.store.put(dataverseTables.systemuser, id, { ...user, isdisabled: id === ids.ada });
    }
    const owns = await environment.send("DELETE", `systemusers(${ids.everything})`);
    expect([owns.status, owns.code]).toEqual([405, "0x80040227"]);
    expect((await environment.send("DELETE", `systemusers(${ids.ada})`)).status).toBe(204);
  });

  test("a test that waits for a deleted mailbox does nothing", async () => {
    await create({ testemailconfigurationscheduled: true });
    await environment.send("DELETE", `mailboxes(${someId})`);
    pass(10_000);
    expect((await environment.send("GET", "mailboxes/$count")).text).toBe("0");
  });
});

test("each write is one line of the journal", async () => {
  const commit = jest.spyOn(environment.tenant.store, "commit");
  await create({ testemailconfigurationscheduled: true });
  expect(commit.mock.calls.filter(([operations]) => operations.length > 0)).toHaveLength(1);
});
