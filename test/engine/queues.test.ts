import { createProject, type Project, type Run, type ServedTenant, startTenant } from "./harness";
import { writes } from "./view";

const ADAS_RECORD = "10ca17e4-d002-4000-8000-000000000001";
const SUPPORT = "support@contoso.com";

const program = (queue: string, individual: string) => `
import { IndividualMailbox, Queue, SharedMailbox } from "pulumi-mailboxes";

const support = new SharedMailbox("support", { displayName: "Contoso Support", primarySmtpAddress: "${SUPPORT}" });
const queue = new Queue("queue", { name: "Support", emailAddress: support.primarySmtpAddress, ${queue} });
new IndividualMailbox("record", { queue: queue.id, deleteAfterProcessing: true });
new IndividualMailbox("ada", { user: "ada@contoso.com", ${individual} });
export const mailboxId = queue.mailboxId;
`;

const declared = program(
  'incomingEmail: "ServerSideSynchronization", testAndEnable: { require: true }',
  'incomingEmail: "None", emailAddress: "ada.l@contoso.com"',
);

function changes({ changes: steps }: Run): string[] {
  return steps.map(({ op, name, diffs }) => [op, name, ...diffs].join(" ")).sort();
}

describe("a queue and the mailbox records of a queue and a user", () => {
  let tenant: ServedTenant;
  let project: Project;

  beforeAll(async () => {
    tenant = await startTenant();
    project = await createProject(declared, { config: { ...tenant.config, "mailboxes:settleTimeout": "20s" } });
  });

  afterAll(async () => {
    project.remove();
    await tenant.remove();
  });

  test("a test that is required and failed is made up for, also when a refresh was in between", async () => {
    await tenant.settings({ mailboxRowDelay: 500, test: { outcomes: { [SUPPORT]: "failure" } } });
    const preview = await project.preview();
    expect(preview).toMatchObject({ exitCode: 0 });
    expect(changes(preview)).toEqual(["create ada", "create queue", "create record", "create support"]);
    expect(await writes(tenant)).toEqual([]);

    const first = await project.up("--continue-on-error");
    expect(first.exitCode).not.toBe(0);
    expect(first.output).toContain("Test & Enable failed: incoming e-mail: Failure");
    expect(await project.refresh()).toMatchObject({ exitCode: 0 });
    await tenant.settings({ test: { outcomes: {} } });
    const second = await project.up();
    expect(second).toMatchObject({ exitCode: 0 });
    expect(changes(second)).toEqual(["create record", "update queue"]);
    expect((await project.resource("queue"))?.outputs).toMatchObject({ incomingEmailStatus: "Success" });
    expect(JSON.stringify(await project.resource("queue"))).not.toContain("__unfinished");
  });

  test("then nothing is left to do", async () => {
    expect(await project.preview("--expect-no-changes")).toMatchObject({ exitCode: 0 });
    expect(await project.preview("--refresh", "--expect-no-changes")).toMatchObject({ exitCode: 0 });
    const id = String((await project.outputs()).mailboxId);
    expect(await tenant.dataverse("GET", `/mailboxes(${id})`)).toMatchObject({
      emailaddress: SUPPORT,
      incomingemailstatus: 1,
      emailrouteraccessapproval: 1,
      processanddeleteemails: true,
      isforwardmailbox: false,
    });
    expect(await tenant.dataverse("GET", `/mailboxes(${ADAS_RECORD})`)).toMatchObject({
      emailaddress: "ada.l@contoso.com",
      incomingemaildeliverymethod: 0,
    });
  });

  test("what somebody changes is named by its property and repaired", async () => {
    await tenant.dataverse("PATCH", `/mailboxes(${ADAS_RECORD})`, { incomingemaildeliverymethod: 1 });
    const queue = await project.resource("queue");
    await tenant.dataverse("PATCH", `/queues(${queue?.id})`, { name: "Somebody's" });
    const preview = await project.preview("--refresh");
    expect(changes(preview)).toEqual(
      expect.arrayContaining(["update ada incomingEmail testAndEnable", "update queue name"]),
    );
    expect(await project.up("--refresh")).toMatchObject({ exitCode: 0 });
    expect(await tenant.dataverse("GET", `/queues(${queue?.id})`)).toMatchObject({ name: "Support" });
    expect(await project.preview("--refresh", "--expect-no-changes")).toMatchObject({ exitCode: 0 });
  });

  test("two resources that give the record two methods are refused with both named", async () => {
    project.program(`${declared}
new IndividualMailbox("rival", { queue: queue.id, incomingEmail: "None" });`);
    const run = await project.up();
    expect(run.exitCode).not.toBe(0);
    expect(run.output).toMatch(
      /incomingEmail: the IndividualMailbox "rival" gives the mailbox record None, and the \w+ "\w+" gives the same record Server/,
    );
    project.program(declared);
  });

  test("destroyed, the user's record is as it was and the queue is gone", async () => {
    const queue = await project.resource("queue");
    expect(await project.destroy()).toMatchObject({ exitCode: 0 });
    expect(await tenant.dataverse("GET", `/mailboxes(${ADAS_RECORD})`)).toMatchObject({
      emailaddress: "ada@contoso.com",
      incomingemaildeliverymethod: 2,
    });
    await expect(tenant.dataverse("GET", `/queues(${queue?.id})`)).rejects.toThrow("404");
  });
});
