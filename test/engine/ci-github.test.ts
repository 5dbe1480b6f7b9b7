/** The workflows of `ci/github-actions`: their rules, and every shell step on the real engine, with GitHub played on the loopback. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { type Forge, startGitHub, tokenWith } from "./ci/forges";
import { programWith } from "./ci/program";
import { describeScripts, type Ended, Machine, shells } from "./ci/runner";
import { gitHubJobs, type Job, jobNamed, type Step, templates } from "./ci/templates";
import { type ServedTenant, startTenant } from "./harness";

const jobs = gitHubJobs();
const preview = jobNamed(jobs, "mailboxes-preview.yml: preview");
const comment = jobNamed(jobs, "mailboxes-preview.yml: comment");
const up = jobNamed(jobs, "mailboxes-up.yml: up");
const look = jobNamed(jobs, "mailboxes-drift.yml: look");
const issue = jobNamed(jobs, "mailboxes-drift.yml: issue");

let tenant: ServedTenant;
let forge: Forge;
let machine: Machine;

beforeAll(async () => {
  [tenant, forge] = await Promise.all([startTenant(), startGitHub()]);
  machine = new Machine(shells.github, { ...tenant.config, "mailboxes:settleTimeout": "20s" });
  machine.program(programWith(["ada@contoso.com", "grace@contoso.com"]));
  mkdirSync(join(machine.home, "jobs"));
});

afterAll(async () => {
  machine.remove();
  await Promise.all([tenant.remove(), forge.stop()]);
});

/** What an expression in a workflow is for an event. */
function evaluated(expression: string, contexts: Record<string, unknown>): unknown {
  const names = [...Object.keys(contexts), "always"];
  return new Function(...names, `return ${expression};`)(...Object.values(contexts), () => true);
}

/** Values for `${{ … }}` in the variables of a step. */
const expressions = (job: Job): Record<string, string> => ({
  "github.token": tokenWith(job.job.permissions),
  "github.event.pull_request.number": "7",
  "needs.look.outputs.drift": readFileSync(join(machine.home, "jobs", "drift"), {
    encoding: "utf8",
    flag: "a+",
  }).trim(),
});

/** Runs the steps of a job, those after a failure as GitHub does: only those that ask for it. */
async function run(job: Job, more: Record<string, string | undefined> = {}): Promise<Ended[]> {
  const outputs = machine.write("../outputs", "");
  const paths = machine.write("../paths", "");
  const folder = job.steps.length === 1 ? join(machine.home, "jobs") : machine.folder;
  const results: Ended[] = [];
  for (const step of job.steps) {
    const isAfterFailure = results.some(({ code }) => code !== 0);
    if (isAfterFailure !== (step.condition === "failure()")) {
      continue;
    }
    results.push(await machine.run(step, environment(job, step, { outputs, paths }, more), folder));
  }
  const drift = /^drift=(.*)$/m.exec(readFileSync(outputs, "utf8"))?.[1];
  if (drift !== undefined) {
    writeFileSync(join(machine.home, "jobs", "drift"), drift);
  }
  if (job.steps.length > 1) {
    // What the two actions for artifacts do.
    writeFileSync(join(machine.home, "jobs", "review.md"), machine.readIfThere("review.md"));
  }
  return results;
}

function environment(
  job: Job,
  step: Step,
  files: { outputs: string; paths: string },
  more: Record<string, string | undefined>,
): Record<string, string | undefined> {
  const added = readFileSync(files.paths, "utf8").trim();
  const values = expressions(job);
  const own = Object.entries(step.env).map(([name, value]) => {
    const expression = /^\$\{\{ (.*) \}\}$/.exec(value)?.[1];
    return [name, expression === undefined ? value : values[expression]];
  });
  return {
    ...job.file.env,
    ...(added === "" ? {} : { PATH: `${added.split("\n").reverse().join(":")}:${process.env.PATH}` }),
    GITHUB_API_URL: forge.origin,
    GITHUB_REPOSITORY: "contoso/mailboxes",
    GITHUB_OUTPUT: files.outputs,
    GITHUB_PATH: files.paths,
    RUNNER_TEMP: machine.home,
    PULUMI_BACKEND_URL: machine.backend,
    ...Object.fromEntries(own),
    ...more,
  };
}

const succeeded = (results: Ended[]) => {
  expect(results.map(({ code, output }) => (code === 0 ? 0 : output))).toEqual(results.map(() => 0));
};

describe("the rules", () => {
  test("a fork gets neither an identity nor a token that writes", () => {
    const files = templates("github-actions");
    expect(Object.keys(files).sort()).toEqual(["mailboxes-drift.yml", "mailboxes-preview.yml", "mailboxes-up.yml"]);
    expect(
      Object.values(files)
        .flatMap(({ on }) => Object.keys(on))
        .sort(),
    ).toEqual(["pull_request", "push", "schedule", "workflow_dispatch", "workflow_dispatch"].sort());
    const from = (full_name: string) => ({
      github: { repository: "contoso/mailboxes", event: { pull_request: { head: { repo: { full_name } } } } },
    });
    expect(evaluated(preview.job.if, from("contoso/mailboxes"))).toBe(true);
    expect(evaluated(preview.job.if, from("somebody/mailboxes"))).toBe(false);
    const after = (result: string) => evaluated(comment.job.if, { needs: { preview: { result } } });
    expect(["success", "failure", "skipped", "cancelled"].map(after)).toEqual([true, true, false, false]);
  });

  test("who runs the program cannot write to GitHub, and who writes to GitHub has no identity and no program", () => {
    expect(Object.values(templates("github-actions")).map(({ permissions }) => permissions)).toEqual([{}, {}, {}]);
    for (const { job } of [preview, up, look]) {
      expect(job.permissions).toEqual({ contents: "read", "id-token": "write" });
      expect(job.steps[0]).toMatchObject({ with: { "persist-credentials": false } });
    }
    expect(comment.job.permissions).toEqual({ "pull-requests": "write" });
    expect(issue.job.permissions).toEqual({ issues: "write" });
    for (const { job } of [comment, issue]) {
      expect(JSON.stringify(job)).not.toMatch(/checkout|AZURE_|secrets\./);
    }
  });

  test("reading and writing are two applications, and no Microsoft secret is stored", () => {
    const identity = ({ job }: Job) => /vars\.(\w+)/.exec(job.env.AZURE_CLIENT_ID)?.[1];
    expect([preview, look, up].map(identity)).toEqual([
      "MAILBOXES_READER_CLIENT_ID",
      "MAILBOXES_READER_CLIENT_ID",
      "MAILBOXES_WRITER_CLIENT_ID",
    ]);
    expect(up.job.environment).toBe("mailboxes-prod");
    expect([preview, look, up].map(({ job }) => job.env.ARM_USE_OIDC)).toEqual(["true", "true", "true"]);
    expect(JSON.stringify(templates("github-actions"))).not.toMatch(/secrets\./);
  });

  test("a deployment is never ended half-way, nor put aside by a look for drift", () => {
    const groups = [preview, up, look].map(({ file }) => file.concurrency);
    expect(groups.map((group) => group["cancel-in-progress"])).toEqual([true, false, false]);
    expect(new Set(groups.map(({ group }) => group)).size).toBe(3);
  });

  test("packages and plugins are cached, and only GitHub's own actions are used", () => {
    for (const { job } of [preview, up, look]) {
      const uses = job.steps.map((step: { uses?: string }) => step.uses).filter(Boolean);
      expect(uses.slice(0, 3)).toEqual(["actions/checkout@v6", "actions/setup-node@v6", "actions/cache@v5"]);
      expect(uses.every((name: string) => /^actions\/[a-z-]+@v\d+$/.test(name))).toBe(true);
      expect(job.steps[1].with.cache).toBe("npm");
      expect(job.steps[2].with.path).toContain("~/.pulumi/plugins");
    }
  });
});

describeScripts("the steps", () => {
  test("the Pulumi CLI is installed where no cache has it", async () => {
    const [, install] = preview.steps;
    const empty = new Machine(shells.github, {});
    const bin = empty.write(
      "bin/curl",
      `#!/bin/sh\necho 'mkdir -p "$HOME/.pulumi/bin"; echo "$@" > "$HOME/.pulumi/bin/asked"'\n`,
    );
    const run = await empty.run(
      { ...(install as Step), script: `chmod +x ${bin}\n${install?.script}` },
      {
        PATH: `${join(bin, "..")}:${process.env.PATH}`,
        PULUMI_VERSION: preview.file.env.PULUMI_VERSION,
        GITHUB_PATH: join(empty.home, "paths"),
      },
    );
    expect(run).toMatchObject({ code: 0 });
    expect(readFileSync(join(empty.home, ".pulumi", "bin", "asked"), "utf8")).toBe("--version 3.259.0\n");
    expect(readFileSync(join(empty.home, "paths"), "utf8")).toBe(`${empty.home}/.pulumi/bin\n`);
    empty.remove();
    machine.cachePulumi(join(machine.home, ".pulumi", "bin"));
  });

  test("Pulumi Cloud is asked for a token with the job's identity", async () => {
    const login = preview.steps.find(({ name }) => name.endsWith("Log in to the backend of the state"));
    const asked: string[] = [];
    const server = createServer((request, response) => {
      asked.push(`${request.headers.authorization} ${request.url}`);
      response.end('{"value":"job-token"}');
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const bin = machine.write("bin/pulumi", '#!/bin/sh\necho "$@"; cat "$(echo "$3" | sed s,^file://,,)"\n');
    const result = await machine.run(
      { ...(login as Step), script: `chmod +x ${bin}\n${login?.script}` },
      {
        PATH: `${join(bin, "..")}:${process.env.PATH}`,
        PULUMI_BACKEND_URL: "",
        PULUMI_ORG: "contoso",
        RUNNER_TEMP: machine.home,
        ACTIONS_ID_TOKEN_REQUEST_TOKEN: "request-token",
        ACTIONS_ID_TOKEN_REQUEST_URL: `http://127.0.0.1:${port}/token?api-version=2.0`,
      },
    );
    server.close();
    expect(asked).toEqual(["Bearer request-token /token?api-version=2.0&audience=urn:pulumi:org:contoso"]);
    expect(result).toEqual({
      code: 0,
      output: `login --oidc-token file://${machine.home}/pulumi-token --oidc-org contoso\njob-token\n`,
    });
  });

  test("a preview is made, reviewed and commented once; the next one updates the comment", async () => {
    await machine.selectStack(join(machine.home, ".pulumi", "bin"));
    succeeded(await run(preview));
    const review = machine.read("review.md");
    expect(review).toMatch(
      /^\*\*2 people gain access to 1 mailbox, .*\*\*\n[\s\S]*<!-- mailboxes-review desk\/prod -->\s*$/,
    );

    // Somebody quoted the marker, and the comment is on the second page.
    const quoted = { id: 1, user: { login: "mallory", type: "User" }, body: `Look: ${review}` };
    forge.comments.push(quoted);
    for (let id = 2; id <= 100; id += 1) {
      forge.comments.push({ id, user: { login: "ada", type: "User" }, body: "Fine" });
    }
    succeeded(await run(comment));
    succeeded(await run(comment));
    const [created, updated, ...others] = forge.writes();
    expect(others).toEqual([]);
    expect(created).toMatchObject({
      method: "POST",
      path: "/repos/contoso/mailboxes/issues/7/comments",
      body: { body: review },
    });
    expect(updated).toMatchObject({
      method: "PATCH",
      path: `/repos/contoso/mailboxes/issues/comments/${forge.comments[100]?.id}`,
    });
    expect(forge.comments).toHaveLength(101);
    expect(forge.comments[0]).toEqual(quoted);

    // A list that could not be read is not an empty one.
    forge.failing = true;
    const [failed] = await run(comment);
    forge.failing = false;
    expect(failed?.code).not.toBe(0);
    expect(forge.writes()).toEqual([]);
  });

  test("a preview that fails takes the place of the former review, and so does one that never ran", async () => {
    machine.program(programWith(["Ada Lovelace"]));
    const results = await run(preview);
    expect(results.map(({ code }) => code)).toEqual([0, 0, 0, 2, 0]);
    expect(machine.read("review.md")).toContain("looks like a display name");
    succeeded(await run(comment));
    expect(forge.writes()).toMatchObject([{ method: "PATCH", body: { body: machine.read("review.md") } }]);

    machine.write("review.md", "");
    const [last] = preview.steps.slice(-1);
    succeeded([await machine.run(last as Step, { STACK: "prod" })]);
    writeFileSync(join(machine.home, "jobs", "review.md"), machine.read("review.md"));
    succeeded(await run(comment));
    expect(forge.writes()).toMatchObject([
      {
        method: "PATCH",
        body: {
          body: expect.stringMatching(
            /^\*\*There is no preview of this commit.*<!-- mailboxes-review desk\/prod -->\n$/s,
          ),
        },
      },
    ]);
    machine.program(programWith(["ada@contoso.com", "grace@contoso.com"]));
  });

  test("main is deployed", async () => {
    succeeded(await run(up));
    const [desk] = await tenant.exchange("Get-Mailbox", { Identity: "desk@contoso.com" });
    expect(desk).toMatchObject({ DisplayName: "Contoso Desk" });
  });

  test("drift opens one issue, updates it, and closes it once it is gone", async () => {
    succeeded(await run(look));
    succeeded(await run(issue));
    expect(forge.writes()).toEqual([]);

    await tenant.exchange("Remove-MailboxPermission", {
      Identity: "desk@contoso.com",
      User: "grace@contoso.com",
      AccessRights: ["FullAccess"],
    });
    succeeded(await run(look));
    // A person's issue with the same label, and a pull request with the text, are not this one.
    const person = {
      id: 900,
      number: 900,
      state: "open",
      labels: ["mailboxes-drift"],
      user: { login: "ada" },
      body: "<!-- mailboxes-drift prod -->",
    };
    forge.issues.push(person, {
      ...person,
      id: 901,
      number: 901,
      user: { login: "github-actions[bot]" },
      pull_request: {},
    });
    succeeded(await run(issue));
    succeeded(await run(issue));
    const own = forge.issues[2];
    const content = { title: "Mailboxes of prod: the tenant is not as declared", labels: ["mailboxes-drift"] };
    expect(forge.writes()).toMatchObject([
      { method: "POST", path: "/repos/contoso/mailboxes/issues", body: content },
      { method: "PATCH", path: `/repos/contoso/mailboxes/issues/${own?.number}`, body: content },
    ]);
    expect(own?.body).toContain("`grace@contoso.com`");
    expect(forge.issues).toHaveLength(3);

    writeFileSync(join(machine.home, "jobs", "drift"), "false");
    succeeded(await run(issue));
    expect(forge.writes()).toMatchObject([{ method: "PATCH", body: { state: "closed" } }]);
    expect(forge.issues.map(({ state }) => state)).toEqual(["open", "open", "closed"]);

    writeFileSync(join(machine.home, "jobs", "drift"), "true");
    forge.failing = true;
    const [failed] = await run(issue);
    forge.failing = false;
    expect(failed?.code).not.toBe(0);
    expect(forge.writes()).toEqual([]);
  });

  test("every one of them was run", () => {
    expect(machine.left(Object.values(jobs).flatMap(({ steps }) => steps))).toEqual([]);
  });
});
