import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { finished, runNode } from "../local-tenant/core";
import { exported, grant, makeMailbox, type Row, startWorld, type World, withMailbox } from "./harness";

const cli = join(__dirname, "..", "..", "provider", "cli.ts");
const folder = mkdtempSync(join(tmpdir(), "mailboxes-leaver-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const ada = "ada@contoso.com";

const leaver = (world: World, ...args: string[]) =>
  finished(runNode([cli, "leaver", ...args], { MAILBOXES_LOCAL_TENANT: world.origin }));

/** Everything that Ada can have, and a program that declares some of it. */
async function story() {
  const { world, id, membership } = await withMailbox();
  const collector = world.resource("SharedMailbox", "collector");
  const intake = world.resource("ForwardingMailbox", "intake");
  const queue = world.resource("Queue", "claims");
  await membership.up({ mailbox: id, members: [ada, "grace@contoso.com"] });
  await collector.up({
    displayName: "Collector",
    primarySmtpAddress: "collector@contoso.com",
    forwarding: { to: ada },
  });
  await intake.up({
    name: "Intake",
    emailAddress: "collector@contoso.com",
    sources: [ada],
    approveEmail: false,
    testAndEnable: false,
  });
  const desk = await makeMailbox(world, "desk@contoso.com");
  await queue.up({ name: "Claims", emailAddress: "desk@contoso.com", owner: { user: ada }, approveEmail: false });
  await grant(world, desk, ada);
  await world.exchange("Set-Mailbox", { Identity: desk, ForwardingSmtpAddress: `smtp:${ada}` });
  const program = `new MailboxMembership("members", {\n  mailbox: support.id,\n  members: [\n    "${ada}",\n    "grace@contoso.com",\n  ],\n});\nconst to = "ADA@contoso.com";\n`;
  writeFileSync(join(folder, "index.ts"), program);
  const state = join(folder, "stack.json");
  writeFileSync(state, JSON.stringify(exported(membership, collector, intake, queue)));
  return { world, state };
}

test("prints what somebody has in tenant, states and program, and the edit", async () => {
  const { world, state } = await story();
  const { code, stdout } = await leaver(world, "Ada@contoso.com", "--state", state, "--program", folder);
  expect(code).toBe(1);
  const sections = Object.fromEntries(
    [...stdout.matchAll(/^(In .*)\n((?: {2}.*\n)+)/gm)].map(([, title, lines = ""]) => [
      title,
      lines.trim().split(/\n */),
    ]),
  );
  expect(stdout.split("\n")[0]).toMatch(
    /^the user mailbox "Ada Lovelace" \(ada@contoso\.com\), who can sign in\. Looked for: .*ada@contoso\.onmicrosoft\.com/,
  );
  expect(sections).toEqual({
    "In the tenant": [
      "desk@contoso.com: Full Access, declared by nobody",
      "support@contoso.com: Full Access, Send As, declared by contoso/dev members",
      "collector@contoso.com: forwards its mail to ada@contoso.com",
      "desk@contoso.com: forwards its mail to ada@contoso.com",
      expect.stringMatching(/^ada@contoso\.com: the inbox rule ".*" forwards to /),
      "<Ada Lovelace>: owns the queue",
      "<Ada Lovelace>: owns the mailbox record",
      "Claims: owns the queue",
      "Claims: owns the mailbox record",
      "Ada Lovelace: the person's own mailbox record, incoming ForwardMailbox",
    ],
    "In the states": [
      `contoso/dev MailboxMembership members: members["${ada}"]`,
      "contoso/dev SharedMailbox collector: forwarding.to",
      `contoso/dev ForwardingMailbox intake: sources["${ada}"]`,
      "contoso/dev Queue claims: owner.user",
    ],
    "In the program, left to you": [`index.ts:8  const to = "ADA@contoso.com";  (it is named to here)`],
  });

  const edit = await leaver(world, ada, "--no-tenant", "--program", folder, "--state", state, "--diff");
  expect(edit.code).toBe(1);
  expect(edit.stderr).toContain('left to you: index.ts:8  const to = "ADA@contoso.com";');
  expect(stdout).toContain(edit.stdout.trimEnd());
  expect(spawnSync("git", ["apply", "-"], { cwd: folder, input: edit.stdout, encoding: "utf8" })).toMatchObject({
    status: 0,
  });
  expect(readFileSync(join(folder, "index.ts"), "utf8")).toContain('members: [\n    "grace@contoso.com",\n  ],');
  const json = JSON.parse((await leaver(world, ada, "--no-tenant", "--state", state, "--json")).stdout) as Row;
  expect(json.states).toHaveLength(4);
});

test("finds what goes to somebody by inbox rules of shared mailboxes, whatever they do, and through groups in groups", async () => {
  const { world, id } = await withMailbox();
  const rule = (displayName: string, actions: Row) =>
    world.graph("POST", `/users/${id}/mailFolders/inbox/messageRules`, {
      displayName,
      sequence: 1,
      isEnabled: true,
      actions,
    });
  const to = [{ emailAddress: { address: "Kathleen@contoso.com" } }];
  await rule("redirects", { redirectTo: to });
  await rule("forwards", { forwardTo: to });
  await rule("another's", { forwardTo: [{ emailAddress: { address: "alan@contoso.com" } }] });
  await grant(world, id, "support-team@contoso.com");
  const groups = Object.values(await world.control("GET", "state/groups")) as Row[];
  const [team] = groups.filter(({ mail }) => mail === "support-team@contoso.com");
  const kathleen = (await world.graph("GET", "/users/kathleen@contoso.com"))?.id;
  const inner = { ...team, id: "10ca17e4-a002-4000-8000-0000000000ff", mail: null, members: [kathleen, team?.id] };
  await world.control("PUT", `state/groups/${inner.id}`, inner);
  await world.control("PATCH", `state/groups/${team?.id}`, { members: [inner.id] });
  const { code, stdout } = await leaver(world, "kathleen@contoso.com");
  expect(code).toBe(1);
  expect(/In the tenant\n((?: {2}.*\n)+)/.exec(stdout)?.[1]?.trim().split(/\n */).sort()).toEqual([
    "support@contoso.com: Full Access (through support-team@contoso.com)",
    'support@contoso.com: the inbox rule "forwards" forwards to kathleen@contoso.com',
    'support@contoso.com: the inbox rule "redirects" forwards to kathleen@contoso.com',
  ]);
  const refused = { status: 403, body: { error: { code: "ErrorAccessDenied", message: "Access is denied." } } };
  await world.fault({ path: "messageRules", answer: refused, times: "always" });
  await world.fault({ cmdlet: "Get-InboxRule", answer: refused, times: "always" });
  const unread = await leaver(world, "kathleen@contoso.com");
  expect(unread.stdout).toMatch(/Note: The inbox rules of support@contoso\.com were not read: /);
});

test("finds who is deleted by what states know, and says who has nothing left", async () => {
  const { world, id, membership } = await withMailbox();
  await membership.up({ mailbox: id, members: ["alan@contoso.com", "grace@contoso.com"] });
  const state = join(folder, "deleted.json");
  writeFileSync(state, JSON.stringify(exported(membership)));
  const alan = (await world.graph("GET", "/users/alan@contoso.com")) as Row;
  await world.graph("DELETE", "/users/alan@contoso.com");
  const gone = await leaver(world, String(alan.id), "--state", state);
  expect(gone.code).toBe(1);
  expect(gone.stdout).toContain("support@contoso.com: Full Access, Send As, declared by contoso/dev members");
  expect(gone.stdout).toContain('contoso/dev MailboxMembership members: members["alan@contoso.com"]');
  const nothing = await leaver(world, "kathleen@contoso.com");
  expect(nothing).toMatchObject({ code: 0, stdout: expect.stringContaining("In the tenant\n  nothing") });
  expect(await world.writes()).not.toContain("Remove-MailboxPermission");
  // Nothing is found, and not everything was looked at: that is no answer.
  await world.fault({ cmdlet: "Get-RecipientPermission", answer: { status: 403 }, times: "always" });
  const unknown = await leaver(world, "kathleen@contoso.com");
  expect(unknown.code).toBe(2);
  expect(unknown.stdout).toContain("In the tenant\n  nothing");
  expect(unknown.stdout).toContain("Note: Who has access to support@contoso.com was not read, or in part.");
});

test("does not take a secret of a state for nobody", async () => {
  const { world, id, membership } = await withMailbox();
  await membership.up({ mailbox: id, members: ["alan@contoso.com"] });
  const state = exported(membership) as { deployment: { resources: { inputs?: Row }[] } };
  const sealed = { "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", ciphertext: "v1:xyz" };
  for (const { inputs } of state.deployment.resources.filter((one) => one.inputs?.members !== undefined)) {
    Object.assign(inputs ?? {}, { members: sealed });
  }
  const file = join(folder, "sealed.json");
  writeFileSync(file, JSON.stringify(state));
  const { code, stdout } = await leaver(world, "kathleen@contoso.com", "--no-tenant", "--state", file);
  expect(code).toBe(2);
  expect(stdout).toContain("Note: contoso/dev members: members is a secret, so it does not show whether it names");
});

test("says beside an edit what was not looked at", async () => {
  const world = await startWorld();
  const program = mkdtempSync(join(folder, "noted-"));
  writeFileSync(join(program, "state.json"), JSON.stringify({ urn: "urn:pulumi:dev::contoso", who: ada }));
  writeFileSync(join(program, "people.csv"), ada);
  const { stdout, stderr } = await leaver(world, ada, "--no-tenant", "--program", program, "--diff");
  expect(stdout).toBe("");
  expect(stderr).toContain("state.json was left out: it is a state or a preview, which Pulumi wrote.");
});

test("ends with 2 and one sentence for what it cannot use", async () => {
  const world = await startWorld();
  const said = async (...args: string[]) => {
    const { code, stderr, stdout } = await leaver(world, ...args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    return stderr;
  };
  expect(await said("Ada Lovelace")).toMatch(/Who leaves\? Write an address, a sign-in name or an object id/);
  expect(await said("nobody@contoso.com")).toMatch(/Nobody is called nobody@contoso\.com in the tenant\./);
  expect(await said(ada, "--no-tenant")).toMatch(/There is nowhere to look/);
  expect(await said(ada, "--diff")).toMatch(/--diff prints the edit of a program/);
  expect(await said(ada, "--program", join(folder, "nowhere"))).toMatch(/--program: .*nowhere is not a folder/);
  expect(await said(ada, "--state", join(folder, "none.json"))).toMatch(/There is no file/);
  expect(await said()).toMatch(/missing required argument/);
});
