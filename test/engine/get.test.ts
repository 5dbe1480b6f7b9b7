import { createProject, type Project, type Run, type ServedTenant, startTenant } from "./harness";
import { mailboxWith, rightsOn, writes } from "./view";

const owner = `
import { ForwardingMailbox, IndividualMailbox, MailboxMembership, Queue, SharedMailbox } from "pulumi-mailboxes";
const desk = new SharedMailbox("desk", { displayName: "Desk", primarySmtpAddress: "desk@contoso.com", emailAliases: ["help@contoso.com"] });
new MailboxMembership("desk-members", { mailbox: desk.id, members: ["grace@contoso.com"] });
const queue = new Queue("desk-queue", { name: "Desk", emailAddress: desk.primarySmtpAddress });
const intake = new SharedMailbox("intake", { displayName: "Intake", primarySmtpAddress: "intake@contoso.com" });
new ForwardingMailbox("forward", { name: "Intake", emailAddress: intake.primarySmtpAddress, sources: ["ada@contoso.com"] });
`;

const imports = `import { ForwardingMailbox, IndividualMailbox, MailboxMembership, Queue, SharedMailbox } from "pulumi-mailboxes";
import * as pulumi from "@pulumi/pulumi";
/** All outputs of a resource by name. */
const all = (one: object) => pulumi.output(Object.fromEntries(Object.entries(one).filter(([name, value]) => !name.startsWith("__") && name !== "credentials" && pulumi.Output.isInstance(value))));
`;

const reader = `${imports}
const desk = SharedMailbox.get("desk", "Help@Contoso.com");
export const mailbox = all(desk);
export const people = all(MailboxMembership.get("people", desk.id));
export const forward = all(ForwardingMailbox.get("forward", "intake@contoso.com"));
export const queue = all(Queue.get("queue", "desk@contoso.com"));
export const record = all(IndividualMailbox.get("ada", "ada@contoso.com"));
new MailboxMembership("auditors", { mailbox: desk.id, members: ["ada@contoso.com"] });
`;

const ofDesk = (address: string) => `${imports}
export const id = SharedMailbox.get("desk", "${address}").id;
`;

function expectSuccess(run: Pick<Run, "exitCode" | "output">): void {
  if (run.exitCode !== 0) {
    throw new Error(run.output);
  }
}

const operations = ({ steps }: Run) => steps.map(({ op, name }) => `${op} ${name}`).sort();

let tenant: ServedTenant;
let owning: Project;
let reading: Project;
/** How many writes there were so far. */
let written: number;

async function expectNothingWritten(): Promise<void> {
  expect((await writes(tenant)).slice(written)).toEqual([]);
}

beforeAll(async () => {
  tenant = await startTenant();
  const config = { ...tenant.config, "mailboxes:settleTimeout": "20s" };
  owning = await createProject(owner, { config, name: "owner" });
  expectSuccess(await owning.up());
  reading = await createProject(reader, { config, name: "reader" });
  written = (await writes(tenant)).length;
});

afterAll(async () => {
  owning.remove();
  reading.remove();
  await tenant.remove();
});

test("what another stack owns is read in a plain preview, with its canonical id", async () => {
  const { externalDirectoryObjectId: id } = await mailboxWith(tenant, "desk@contoso.com");
  const preview = await reading.preview();
  expectSuccess(preview);
  expect(operations(preview)).toEqual([
    "create auditors",
    ...["ada", "desk", "forward", "people", "queue"].map((name) => `read ${name}`),
  ]);
  const planned = preview.changes.find(({ name }) => name === "auditors")?.new?.inputs;
  expect(planned).toMatchObject({ mailbox: id });
  await expectNothingWritten();
});

test("a deployment fills every property, gives access by it, and has nothing to do the next time", async () => {
  const { externalDirectoryObjectId: id } = await mailboxWith(tenant, "desk@contoso.com");
  expectSuccess(await reading.up());
  const { mailbox, people, forward, queue, record } = (await reading.outputs()) as Record<string, object>;
  expect(mailbox).toMatchObject({
    id,
    displayName: "Desk",
    primarySmtpAddress: "desk@contoso.com",
    emailAliases: ["help@contoso.com"],
    created: false,
    size: expect.any(Number),
  });
  expect(people).toMatchObject({ id, mailboxId: id, members: { "grace@contoso.com": { fullAccess: true } } });
  expect(forward).toMatchObject({ name: "Intake", emailAddress: "intake@contoso.com", isForwardMailbox: true });
  expect(queue).toMatchObject({ name: "Desk", emailAddress: "desk@contoso.com" });
  expect(record).toMatchObject({ user: "ada@contoso.com", isForwardMailbox: false });
  expect(await rightsOn(tenant, "desk@contoso.com")).toMatchObject({ "ada@contoso.com": expect.anything() });
  const { deployment } = await reading.exportState();
  const lines = deployment.resources?.filter(({ type }) => type.includes("mailboxes:")) ?? [];
  expect(lines).toHaveLength(6);
  for (const { sourcePosition } of lines) {
    expect(sourcePosition).toMatch(/^project:\/\/\/index\.[jt]s#/);
  }
  written = (await writes(tenant)).length;
  expectSuccess(await reading.up("--expect-no-changes"));
  expect(((await reading.outputs()) as Record<string, object>).people).toHaveProperty(["members", "ada@contoso.com"]);
  expectSuccess(await reading.run("refresh", "--yes", "--skip-preview", "--expect-no-changes"));
  await expectNothingWritten();
});

test("nobody, somebody else and an empty text are errors of the preview", async () => {
  for (const [asked, words] of [
    ["nobody@contoso.com", 'SharedMailbox.get(…, "nobody@contoso.com"): nobody in the tenant has this address'],
    ["00000000-1111-4222-8333-444444444444", "nobody in the tenant has this address, sign-in name or id"],
    ["ada@contoso.com", 'it is the user mailbox "Ada Lovelace"'],
  ] as const) {
    reading.program(ofDesk(asked));
    const preview = await reading.preview();
    expect(preview.exitCode).not.toBe(0);
    expect(preview.output).toContain(words);
  }
});

test("an id that is not known yet is read at the deployment", async () => {
  reading.program(
    `${imports}
const made = new SharedMailbox("made", { displayName: "Made", primarySmtpAddress: "made@contoso.com" });
export const seen = SharedMailbox.get("seen", made.id).primarySmtpAddress;
new MailboxMembership("auditors", { mailbox: SharedMailbox.get("desk", "desk@contoso.com").id, members: ["ada@contoso.com"] });
`,
  );
  expectSuccess(await reading.preview());
  expectSuccess(await reading.up());
  expect(await reading.outputs()).toMatchObject({ seen: "made@contoso.com" });
});

test("a declaration that becomes a get leaves what it made in the tenant", async () => {
  owning.program(owner.replace(/new SharedMailbox\("desk",.*\);/, 'SharedMailbox.get("desk", "desk@contoso.com");'));
  const up = await owning.up();
  expectSuccess(up);
  expect(up.output).toContain("it stays in the tenant as it is");
  expect(await mailboxWith(tenant, "desk@contoso.com")).toMatchObject({ displayName: "Desk" });
});

test("destroy takes away what the stack made, and nothing of what it read", async () => {
  expectSuccess(await reading.destroy());
  expect(await mailboxWith(tenant, "desk@contoso.com")).toMatchObject({ displayName: "Desk" });
  const rights = await rightsOn(tenant, "desk@contoso.com");
  expect(rights).toMatchObject({ "grace@contoso.com": expect.anything() });
  expect(rights).not.toHaveProperty("ada@contoso.com");
});
