/** The pipelines of `ci/azure-pipelines`: their rules, and every shell step on the real engine, with Azure DevOps played on the loopback. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Entry, type Forge, startAzureDevOps } from "./ci/forges";
import { programWith } from "./ci/program";
import { describeScripts, type Ended, Machine, shells } from "./ci/runner";
import { azureJobs, type Job, jobNamed, type Step, templates } from "./ci/templates";
import { type ServedTenant, startTenant } from "./harness";

const jobs = azureJobs();
const preview = jobNamed(jobs, "preview.yml: preview");
const comment = jobNamed(jobs, "preview.yml: comment");
const up = jobNamed(jobs, "up.yml: up");
const look = jobNamed(jobs, "drift.yml: look");
const issue = jobNamed(jobs, "drift.yml: issue");

let tenant: ServedTenant;
let forge: Forge;
let machine: Machine;

beforeAll(async () => {
  [tenant, forge] = await Promise.all([startTenant(), startAzureDevOps()]);
  machine = new Machine(shells.azure, { ...tenant.config, "mailboxes:settleTimeout": "20s" });
  machine.program(programWith(["ada@contoso.com", "grace@contoso.com"]));
  machine.cachePulumi(join(machine.home, ".pulumi", "bin"));
  for (const artifact of ["mailboxes-review", "mailboxes-drift"]) {
    mkdirSync(join(machine.home, artifact));
  }
});

afterAll(async () => {
  machine.remove();
  await Promise.all([tenant.remove(), forge.stop()]);
});

/** What a condition of a job is, with these variables; of an earlier job that ended with `result`. */
function evaluated(condition: string, variables: Record<string, string>, result = ""): unknown {
  const source = condition.replace(/\bin\(/g, "isIn(").replace("dependencies.preview.result", "result");
  const same = (a: unknown, b: unknown) => String(a).toLowerCase() === String(b).toLowerCase();
  const functions = {
    and: (...all: boolean[]) => all.every(Boolean),
    eq: same,
    ne: (a: unknown, b: unknown) => !same(a, b),
    isIn: (one: unknown, ...all: unknown[]) => all.some((other) => same(one, other)),
    succeeded: () => true,
  };
  const names = ["variables", "result", ...Object.keys(functions)];
  return new Function(...names, `return ${source};`)(variables, result, ...Object.values(functions));
}

/** Runs the steps of a job, those after a failure as the agent does: only those that ask for it. */
async function run(job: Job): Promise<Ended[]> {
  const results: Ended[] = [];
  let path = process.env.PATH;
  for (const step of job.steps) {
    const isAfterFailure = results.some(({ code }) => code !== 0);
    if (isAfterFailure !== (step.condition === "failed()")) {
      continue;
    }
    const isBare = job.steps.length === 1;
    const result = await machine.run(step, { ...environment(job, step), ...(isBare ? {} : { PATH: path }) });
    const added = /^##vso\[task\.prependpath\](.*)$/m.exec(result.output)?.[1];
    path = added === undefined ? path : `${added}:${path}`;
    results.push(result);
  }
  return results;
}

function environment(job: Job, step: Step): Record<string, string> {
  const expanded = (values: Record<string, unknown>) =>
    Object.fromEntries(
      Object.entries(values).map(([name, value]) => [
        name,
        String(value).replace("$(Pipeline.Workspace)", machine.home).replace("$(System.AccessToken)", "system-token"),
      ]),
    );
  return {
    ...expanded(job.file.variables),
    PULUMI_BACKEND_URL: machine.backend,
    PIPELINE_WORKSPACE: machine.home,
    SYSTEM_COLLECTIONURI: `${forge.origin}/contoso/`,
    SYSTEM_TEAMPROJECTID: "p1",
    BUILD_REPOSITORY_ID: "r1",
    SYSTEM_PULLREQUEST_PULLREQUESTID: "7",
    // What the task sets for its script.
    AZURESUBSCRIPTION_TENANT_ID: "tenant-of-the-connection",
    AZURESUBSCRIPTION_CLIENT_ID: "application-of-the-connection",
    ...expanded(step.env),
  };
}

const succeeded = (results: Ended[]) => {
  expect(results.map(({ code, output }) => (code === 0 ? 0 : output))).toEqual(results.map(() => 0));
};

/** What the agent does with an artifact. */
const publish = (artifact: string, name: string, content: string) =>
  writeFileSync(join(machine.home, artifact, name), content);

describe("the rules", () => {
  test("the build of a fork gets no connection, and its comment is left out", () => {
    const build = (fork: string) => ({ "Build.Reason": "PullRequest", "System.PullRequest.IsFork": fork });
    expect(evaluated(preview.job.condition, build("False"))).toBe(true);
    expect(evaluated(preview.job.condition, build("True"))).toBe(false);
    expect(evaluated(preview.job.condition, { ...build("False"), "Build.Reason": "Manual" })).toBe(false);
    const after = (result: string) => evaluated(comment.job.condition, {}, result);
    expect(["Succeeded", "Failed", "Skipped", "Canceled"].map(after)).toEqual([true, true, false, false]);
  });

  test("reading and writing are two connections, and who writes to Azure DevOps has none and no program", () => {
    const connections = ({ job }: Job) => JSON.stringify(job).match(/"azureSubscription":"[^"]+"/g) ?? [];
    expect([preview, look, up].map(connections)).toEqual([
      ['"azureSubscription":"mailboxes-reader"'],
      ['"azureSubscription":"mailboxes-reader"'],
      ['"azureSubscription":"mailboxes-writer"'],
    ]);
    for (const { job } of [comment, issue]) {
      expect(job.steps[0]).toEqual({ checkout: "none" });
      expect(JSON.stringify(job)).not.toMatch(/azureSubscription|AZURE_/);
    }
    expect(up.job.environment).toBe("mailboxes-prod");
    expect(templates("azure-pipelines")["setup.yml"].steps[0]).toEqual({ checkout: "self", persistCredentials: false });
  });

  test("one deployment at a time, each started by what it is for, with caches", () => {
    expect(up.file).toMatchObject({
      lockBehavior: "sequential",
      trigger: { batch: true, branches: { include: ["main"] } },
    });
    expect(preview.file).toMatchObject({ trigger: "none", pr: "none" });
    expect(look.file).toMatchObject({ trigger: "none", schedules: [{ always: true }] });
    const caches = templates("azure-pipelines")["setup.yml"].steps.filter(
      (step: { task?: string }) => step.task === "Cache@2",
    );
    expect(caches.map(({ inputs }: { inputs: { path: string } }) => inputs.path)).toEqual([
      "$(npm_config_cache)",
      "$(PULUMI_HOME)",
    ]);
  });
});

describeScripts("the steps", () => {
  test("the Pulumi CLI is installed where no cache has it", async () => {
    const install = preview.steps[1] as Step;
    const empty = new Machine(shells.azure, {});
    const bin = empty.write("bin/curl", '#!/bin/sh\necho \'echo "$@" > "$PULUMI_HOME/bin/asked"\'\n');
    const result = await empty.run(
      { ...install, script: `chmod +x ${bin}\n${install.script}` },
      {
        PATH: `${join(bin, "..")}:${process.env.PATH}`,
        PULUMI_VERSION: "3.259.0",
        PULUMI_HOME: join(empty.home, ".pulumi"),
      },
    );
    expect(result).toEqual({ code: 0, output: `##vso[task.prependpath]${empty.home}/.pulumi/bin\n` });
    expect(readFileSync(join(empty.home, ".pulumi", "bin", "asked"), "utf8")).toBe(
      `--version 3.259.0 --install-root ${empty.home}/.pulumi --no-edit-path\n`,
    );
    empty.remove();
  });

  test("a preview is made, reviewed and commented once; the next one updates the comment", async () => {
    await machine.selectStack(join(machine.home, ".pulumi", "bin"));
    succeeded(await run(preview));
    const review = machine.read("review.md");
    expect(review).toMatch(
      /^\*\*2 people gain access to 1 mailbox, .*\*\*\n[\s\S]*<!-- mailboxes-review desk\/prod -->\s*$/,
    );
    publish("mailboxes-review", "review.md", review);

    // Somebody answered in a thread with the marker in the middle, and one is deleted.
    const quoted = { id: 1, isDeleted: false, comments: [{ id: 1, content: `${review}\nWhat is this?` }] };
    const deleted = { id: 2, isDeleted: true, comments: [{ id: 1, content: review }] };
    forge.comments.push(quoted, deleted, { id: 3, comments: [{ id: 1 }] });
    succeeded(await run(comment));
    succeeded(await run(comment));
    const threads = "/contoso/p1/_apis/git/repositories/r1/pullRequests/7/threads";
    const [, , , own] = forge.comments;
    expect(forge.writes()).toMatchObject([
      { method: "POST", path: threads, body: { status: "closed", comments: [{ content: review }] } },
      { method: "PATCH", path: `${threads}/${own?.id}/comments/1`, body: { content: review } },
    ]);
    expect(forge.comments).toHaveLength(4);

    // A list that could not be read is not an empty one.
    forge.failing = true;
    const [failed] = await run(comment);
    forge.failing = false;
    expect(failed?.code).not.toBe(0);
    expect(forge.writes()).toEqual([]);
  });

  test("a preview that never ran takes the place of the former review", async () => {
    machine.write("review.md", "");
    succeeded([await machine.run(preview.steps.at(-1) as Step, { STACK: "prod" })]);
    publish("mailboxes-review", "review.md", machine.read("review.md"));
    succeeded(await run(comment));
    expect(forge.writes()).toMatchObject([
      { method: "PATCH", body: { content: expect.stringMatching(/^\*\*There is no preview of this commit/) } },
    ]);
  });

  test("main is deployed", async () => {
    succeeded(await run(up));
    const [desk] = await tenant.exchange("Get-Mailbox", { Identity: "desk@contoso.com" });
    expect(desk).toMatchObject({ DisplayName: "Contoso Desk" });
  });

  test("drift opens one work item, updates it, and closes it once it is gone", async () => {
    await tenant.exchange("Set-Mailbox", { Identity: "desk@contoso.com", DisplayName: "Desk <by hand>" });
    succeeded(await run(look));
    expect(Number(machine.read("drift/changes"))).toBeGreaterThan(0);
    publish("mailboxes-drift", "review.txt", machine.read("drift/review.txt"));
    publish("mailboxes-drift", "changes", machine.read("drift/changes"));
    succeeded(await run(issue));
    succeeded(await run(issue));
    const items = "/contoso/p1/_apis/wit/workitems";
    expect(forge.writes()).toMatchObject([
      { method: "POST", path: `${items}/$Issue` },
      { method: "PATCH", path: `${items}/${forge.issues[0]?.id}` },
    ]);
    expect(forge.issues).toHaveLength(1);
    const [{ "System.Description": description, ...item } = {} as Entry] = forge.issues;
    expect(item).toMatchObject({
      "System.Title": "Mailboxes of prod: the tenant is not as declared",
      "System.Tags": "mailboxes-drift-prod",
    });
    expect(description).toMatch(/^<pre>[\s\S]*Desk &lt;by hand&gt;[\s\S]*<\/pre>$/);

    publish("mailboxes-drift", "changes", "0");
    succeeded(await run(issue));
    expect(forge.issues[0]).toMatchObject({ "System.State": "Done" });
    expect(forge.writes()).toHaveLength(1);
    // One that is closed stays so, and nothing is opened without drift.
    succeeded(await run(issue));
    expect(forge.writes()).toEqual([]);

    forge.failing = true;
    publish("mailboxes-drift", "changes", "1");
    const [failed] = await run(issue);
    forge.failing = false;
    expect(failed?.code).not.toBe(0);
    expect(forge.writes()).toEqual([]);
  });

  test("every one of them was run", () => {
    expect(machine.left(Object.values(jobs).flatMap(({ steps }) => steps))).toEqual([]);
  });
});
