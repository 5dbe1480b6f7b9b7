import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { clone, createProject, type Project, type Run, type ServedTenant, startTenant } from "./harness";
import { forwardMailboxes, mailboxesWith, mailboxWith, rightsOn, rulesIn, writes } from "./view";

const both = ["FullAccess", "SendAs"];

/** Exchange's answer to an application without the role for a cmdlet. */
const refusal = { status: 403, body: { error: { code: "Forbidden", message: "Not now" } } };

const mailbox = (name: string, address: string, more = "") =>
  `const ${name} = new SharedMailbox("${name}", { displayName: "Contoso ${name}", primarySmtpAddress: "${address}", ${more} });`;
const membership = (members: string[]) =>
  `new MailboxMembership("members", { mailbox: support.id, members: ${JSON.stringify(members)} });`;
const program = (...declarations: string[]) =>
  `import { ForwardingMailbox, MailboxMembership, SharedMailbox } from "pulumi-mailboxes";\n${declarations.join("\n")}`;

const support = mailbox("support", "support@contoso.com");
const collector = mailbox("collector", "forwardmailbox@contoso.com", "hiddenFromAddressLists: true");
const intake = `new ForwardingMailbox("intake", {
  name: "CRM intake", emailAddress: collector.primarySmtpAddress, deleteAfterProcessing: true, sources: [support.primarySmtpAddress],
});`;

/** Resources whose operation failed. */
function failed({ steps }: Run): string[] {
  return steps.flatMap((step) => (step.failed ? [step.name] : [])).sort();
}

function messages({ diagnostics }: Run): string {
  return diagnostics.map(({ severity, message }) => `${severity}: ${message}`).join("\n");
}

function changes({ changes: steps }: Run): string[] {
  return steps.map(({ op, name }) => `${op} ${name}`).sort();
}

/** Looks until something is so; the processes looked at are outside of anybody's control. */
async function until(isSo: () => boolean | Promise<boolean>, seconds = 20): Promise<void> {
  for (const end = Date.now() + seconds * 1000; !(await isSo()); ) {
    if (Date.now() > end) {
      throw new Error(`not so within ${seconds} s: ${isSo}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

describe("a deployment that meets failures", () => {
  let tenant: ServedTenant;
  let project: Project;

  beforeAll(async () => {
    tenant = await startTenant();
  });

  beforeEach(async () => {
    await tenant.reset();
    project = await createProject(program(support), {
      config: { ...tenant.config, "mailboxes:settleTimeout": "20s" },
    });
  });

  afterEach(() => project.remove());
  afterAll(() => tenant.remove());

  test("stops where it was refused, and the next one finishes the work without a twin", async () => {
    project.program(program(support, membership(["ada@contoso.com", "grace@contoso.com"]), collector, intake));
    // The answer to the first creation is lost, the settings of the second mailbox and the second grant are refused.
    await tenant.fault({ cmdlet: "New-Mailbox", close: "after" });
    await tenant.fault({ cmdlet: "Set-Mailbox", times: "always", answer: refusal });
    await tenant.fault({ cmdlet: "Add-MailboxPermission", after: 1, times: "always", answer: refusal });
    const first = await project.up("--continue-on-error");
    expect(first.exitCode).not.toBe(0);
    expect(failed(first)).toEqual(["collector", "members"]);
    expect(messages(first)).toMatch(/granting Full Access on support@contoso\.com to (ada|grace)@contoso\.com/);
    expect(messages(first)).toMatch(/changing hiddenFromAddressLists of shared mailbox forwardmailbox@contoso\.com/);

    // What is in the tenant is in the state, so that it can be continued with or taken away.
    const state = (await project.exportState()).deployment.resources ?? [];
    const created = await mailboxWith(tenant, "forwardmailbox@contoso.com");
    const inState = (name: string) => state.find(({ urn }) => urn.endsWith(`::${name}`));
    expect(inState("collector")).toMatchObject({
      id: created.externalDirectoryObjectId,
      initErrors: [expect.stringContaining("hiddenFromAddressLists")],
    });
    expect(inState("members")).toMatchObject({ initErrors: [expect.stringContaining("granting Full Access")] });
    expect(inState("intake")).toBeUndefined();
    const granted = await rightsOn(tenant, "support@contoso.com");
    expect(Object.values(granted).flat()).toContain("FullAccess");
    expect(
      Object.values(granted)
        .flat()
        .filter((right) => right === "FullAccess"),
    ).toHaveLength(1);

    await tenant.clearFaults();
    const second = await project.up();
    expect(second).toMatchObject({ exitCode: 0 });
    expect(changes(second)).toEqual(["create intake", "update collector", "update members"]);
    expect(await rightsOn(tenant, "support@contoso.com")).toEqual({
      "ada@contoso.com": both,
      "grace@contoso.com": both,
    });
    expect(await mailboxWith(tenant, "forwardmailbox@contoso.com")).toMatchObject({
      hiddenFromAddressListsEnabled: true,
    });
    expect(await mailboxesWith(tenant, "support@contoso.com")).toHaveLength(1);
    expect(await rulesIn(tenant, "support@contoso.com")).toHaveLength(1);
    const newMailbox = await tenant.requests({ cmdlet: "New-Mailbox" });
    expect(newMailbox.map(({ status }) => status).sort()).toEqual([200, null]);
    expect((await project.preview("--expect-no-changes")).exitCode).toBe(0);
  });

  test("is throttled and waits as long as it is told", async () => {
    const throttled = { status: 429, headers: { "Retry-After": "1" }, body: { error: { code: "TooManyRequests" } } };
    await tenant.fault({ cmdlet: "New-Mailbox", answer: throttled });
    await tenant.fault({ service: "graph", method: "PATCH", answer: throttled });
    await tenant.fault({ service: "dataverse", method: "PATCH", answer: throttled });
    project.program(program(support, collector, intake));
    expect(await project.up()).toMatchObject({ exitCode: 0 });
    const sent = await tenant.requests({ writes: "true" });
    const refused = sent.filter(({ status }) => status === 429);
    expect(refused.map(({ service }) => service).sort()).toContain("exchange");
    for (const { path, cmdlet, at, body } of refused) {
      const again = sent.find(
        (one) =>
          one.path === path &&
          one.cmdlet === cmdlet &&
          one.at > at &&
          isDeepStrictEqual(one.body, body) &&
          one.status !== 429,
      );
      expect(again).toBeDefined();
      expect(Date.parse(again?.at ?? "") - Date.parse(at)).toBeGreaterThanOrEqual(1000);
    }
    expect(await mailboxesWith(tenant, "support@contoso.com")).toHaveLength(1);
    expect(await forwardMailboxes(tenant)).toHaveLength(1);
  });

  test("fails half way through a change, and the next one makes the rest of it", async () => {
    project.program(program(support, membership(["ada@contoso.com", "grace@contoso.com"])));
    expect(await project.up()).toMatchObject({ exitCode: 0 });

    project.program(program(support, membership(["grace@contoso.com", "alan@contoso.com", "radia@contoso.com"])));
    await tenant.fault({ cmdlet: "Add-MailboxPermission", after: 1, times: "always", answer: refusal });
    const half = await project.up();
    expect(half.exitCode).not.toBe(0);
    expect(failed(half)).toEqual(["members"]);
    // Grants come before revocations: nobody has lost anything yet, and one of the two new members has arrived.
    expect(await rightsOn(tenant, "support@contoso.com")).toMatchObject({
      "ada@contoso.com": both,
      "grace@contoso.com": both,
    });
    const members = await project.resource("members");
    const known = Object.keys((members?.outputs?.members ?? {}) as object);
    const withAccess = Object.keys(await rightsOn(tenant, "support@contoso.com"));
    // The request ended at the refusal, and Exchange did not say what became of the grants after it: who may have access is known too.
    expect(known).toEqual(expect.arrayContaining(withAccess));

    await tenant.clearFaults();
    const rest = await project.up();
    expect(rest).toMatchObject({ exitCode: 0 });
    expect(await rightsOn(tenant, "support@contoso.com")).toEqual({
      "alan@contoso.com": both,
      "grace@contoso.com": both,
      "radia@contoso.com": both,
    });
    expect((await project.preview("--expect-no-changes")).exitCode).toBe(0);
  });

  test("cannot read, and takes nothing for gone", async () => {
    project.program(program(support, membership(["ada@contoso.com"]), collector, intake));
    expect(await project.up()).toMatchObject({ exitCode: 0 });
    const before = await project.exportState();
    await tenant.clearRequests();

    const broken = { status: 500, body: { error: { code: "InternalServerError", message: "Something broke" } } };
    await tenant.fault({ service: "exchange", times: "always", answer: broken });
    await tenant.fault({ service: "dataverse", times: "always", answer: broken });
    const refresh = await project.refresh();
    expect(refresh.exitCode).not.toBe(0);
    expect(failed(refresh)).toContain("support");
    expect(changes(refresh).filter((change) => change.startsWith("delete"))).toEqual([]);
    expect(messages(refresh)).toContain("Something broke");

    // One witness alone: Exchange says that there is no such mailbox, Entra has its account.
    await tenant.clearFaults();
    const { externalDirectoryObjectId: id } = await mailboxWith(tenant, "support@contoso.com");
    const gone = `Ex6F9304|Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException|The operation couldn't be performed because object '${id}' couldn't be found on 'server'.`;
    await tenant.fault({
      cmdlet: "Get-Mailbox",
      times: "always",
      answer: {
        status: 404,
        body: {
          error: { code: "NotFound", message: "Error executing cmdlet", details: [{ code: "Client", message: gone }] },
        },
      },
    });
    const doubtful = await project.refresh();
    expect(doubtful.exitCode).not.toBe(0);
    expect(changes(doubtful).filter((change) => change.startsWith("delete"))).toEqual([]);
    expect(messages(doubtful)).toContain("its account exists in Entra");
    expect(await writes(tenant)).toEqual([]);

    const names = ({ deployment }: typeof before) => (deployment.resources ?? []).map(({ urn, id: own }) => [urn, own]);
    expect(names(await project.exportState())).toEqual(names(before));
    await tenant.clearFaults();
    expect((await project.preview("--expect-no-changes")).exitCode).toBe(0);
  });

  test("is killed while a mailbox is being created, and run again at once: one mailbox", async () => {
    await tenant.fault({ cmdlet: "New-Mailbox", delay: 6000 });
    await project.deploy("up", ["--yes", "--skip-preview"], {
      onStart: (child) => {
        void until(async () => (await tenant.requests({ cmdlet: "New-Mailbox" })).length > 0).then(() =>
          child.kill("SIGKILL"),
        );
      },
    });
    expect(await mailboxesWith(tenant, "support@contoso.com")).toEqual([]);
    expect((await project.run("cancel", "--yes")).exitCode).toBe(0);
    expect((await project.exportState()).deployment.pending_operations).toMatchObject([{ type: "creating" }]);

    const again = await project.up();
    expect(again).toMatchObject({ exitCode: 0 });
    // The first creation is answered by now: refused, or followed by the removal of what it made.
    await until(async () =>
      (await tenant.requests({ cmdlet: "New-Mailbox" })).every(({ answer }) => answer !== undefined),
    );
    expect(await mailboxesWith(tenant, "support@contoso.com")).toHaveLength(1);
    const created = await mailboxWith(tenant, "support@contoso.com");
    expect((await project.resource("support"))?.id).toBe(created.externalDirectoryObjectId);
    expect((await project.preview("--expect-no-changes")).exitCode).toBe(0);
  });
});

test("a killed command leaves no process and no lock behind that holds the journal of an embedded tenant", async () => {
  const project = await createProject(program(support), { config: { "mailboxes:localTenant": "contoso.jsonl" } });
  try {
    const journal = join(project.folder, "contoso.jsonl");
    const lock = `${journal}.lock`;
    // The account shows late, so that the creation lasts until well after the command is gone.
    const tenant = await startTenant({ journal, lag: 0 });
    await tenant.settings({ lag: { graph: 5000 } });
    await tenant.stop();

    let provider = 0;
    await project.deploy("up", ["--yes", "--skip-preview"], {
      onStart: (child) => {
        void until(
          () => existsSync(journal) && readFileSync(journal, "utf8").includes("SMTP:support@contoso.com"),
        ).then(() => {
          provider = (JSON.parse(readFileSync(lock, "utf8")) as { pid: number }).pid;
          child.kill("SIGKILL");
        });
      },
    });
    expect(isAlive(provider)).toBe(true);
    await until(() => !isAlive(provider) && !existsSync(lock));

    await project.run("cancel", "--yes");
    const again = await project.up();
    expect(again).toMatchObject({ exitCode: 0 });
    const shown = spawnSync(
      process.execPath,
      [join(clone, "dist", "cli.js"), "tenant", "show", "--data", journal, "--json"],
      { encoding: "utf8" },
    ).stdout;
    expect(shown.match(/"support@contoso\.com"/g)).toHaveLength(1);
    expect(existsSync(lock)).toBe(false);
  } finally {
    project.remove();
  }
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
