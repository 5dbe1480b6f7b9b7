/** The pipeline of `ci/gitlab-ci`: its rules, and every script on the real engine, with GitLab played on the loopback. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Forge, startGitLab } from "./ci/forges";
import { programWith } from "./ci/program";
import { describeScripts, type Ended, Machine, shells } from "./ci/runner";
import { gitLabJobs, type Job, jobNamed, templates } from "./ci/templates";
import { type ServedTenant, startTenant } from "./harness";

const file = templates("gitlab-ci")[".gitlab-ci.yml"];
const jobs = gitLabJobs();
const preview = jobNamed(jobs, "preview");
const note = jobNamed(jobs, "note");
const up = jobNamed(jobs, "up");
const drift = jobNamed(jobs, "drift");
const issue = jobNamed(jobs, "issue");

let tenant: ServedTenant;
let forge: Forge;
let machine: Machine;

beforeAll(async () => {
  [tenant, forge] = await Promise.all([startTenant(), startGitLab()]);
  machine = new Machine(shells.gitlab, { ...tenant.config, "mailboxes:settleTimeout": "20s" });
  machine.program(programWith(["ada@contoso.com", "grace@contoso.com"]));
  machine.cachePulumi(join(machine.folder, ".pulumi-home", "bin"));
  mkdirSync(join(machine.home, "bare"));
});

afterAll(async () => {
  machine.remove();
  await Promise.all([tenant.remove(), forge.stop()]);
});

/** Variables of a merge request whose branch is in the project with this id. */
const request = (source: string) => ({
  CI_PIPELINE_SOURCE: "merge_request_event",
  CI_MERGE_REQUEST_SOURCE_PROJECT_ID: source,
  CI_PROJECT_ID: "5",
  CI_DEFAULT_BRANCH: "main",
});
const onMain = (source: string) => ({
  CI_PIPELINE_SOURCE: source,
  CI_COMMIT_BRANCH: "main",
  CI_DEFAULT_BRANCH: "main",
  CI_PROJECT_ID: "5",
});

/** The jobs that a pipeline with these variables has. */
function pipeline(variables: Record<string, string>): string[] {
  const holds = (condition: string) =>
    new Function("variables", `return ${condition.replace(/\$(\w+)/g, "variables.$1")};`)(variables) as boolean;
  const isStarted = file.workflow.rules.some((rule: { if: string }) => holds(rule.if));
  return !isStarted
    ? []
    : Object.values(jobs)
        .filter(({ job }) => job.rules.some((rule: { if: string }) => holds(rule.if)))
        .map(({ name }) => name);
}

/** Runs a job, with what the runner hands it; `GIT_STRATEGY: none` gives it the artifacts alone. */
async function run(job: Job, more: Record<string, string> = {}): Promise<Ended> {
  const values: Record<string, string> = {
    ...file.variables,
    CI_API_V4_URL: `${forge.origin}/api/v4`,
    CI_PROJECT_DIR: machine.folder,
    CI_PROJECT_ID: "5",
    CI_MERGE_REQUEST_IID: "7",
    MAILBOXES_READER_CLIENT_ID: "reader",
    MAILBOXES_WRITER_CLIENT_ID: "writer",
    PULUMI_BACKEND_URL: machine.backend,
    ...(job.job.id_tokens === undefined ? {} : { MAILBOXES_ID_TOKEN: "entra-token", PULUMI_ID_TOKEN: "pulumi-token" }),
    ...(job.job.id_tokens === undefined ? { MAILBOXES_BOT_TOKEN: "bot-token" } : {}),
    ...job.steps[0]?.env,
    ...more,
  };
  const expanded = Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, value.replace(/\$(\w+)/g, (_, one) => values[one] ?? "")]),
  );
  const [step] = job.steps;
  if (step === undefined) {
    throw new Error(`${job.name} has no script`);
  }
  const isBare = expanded.GIT_STRATEGY === "none";
  const result = await machine.run(step, expanded, isBare ? join(machine.home, "bare") : machine.folder);
  for (const path of (job.job.artifacts?.paths ?? []) as string[]) {
    writeFileSync(join(machine.home, "bare", path), machine.readIfThere(path));
  }
  return result;
}

const succeeded = ({ code, output }: Ended) => expect(code === 0 ? 0 : output).toBe(0);

describe("the rules", () => {
  test("each pipeline has the jobs it is for, and that of a fork has none", () => {
    expect(pipeline(request("5"))).toEqual(["preview", "note"]);
    expect(pipeline(request("6"))).toEqual([]);
    expect(pipeline(onMain("push"))).toEqual(["up"]);
    expect(pipeline(onMain("schedule"))).toEqual(["drift", "issue"]);
    expect(pipeline({ ...onMain("push"), CI_COMMIT_BRANCH: "feature" })).toEqual([]);
    expect(note.job.rules[0].when).toBe("always");
  });

  test("reading and writing are two applications, by the job's own token; who writes to GitLab has none and no program", () => {
    const identity = ({ job }: Job) => job.variables.AZURE_CLIENT_ID;
    expect([preview, drift, up].map(identity)).toEqual([
      ...["$MAILBOXES_READER_CLIENT_ID", "$MAILBOXES_READER_CLIENT_ID", "$MAILBOXES_WRITER_CLIENT_ID"],
    ]);
    for (const { job } of [preview, drift, up]) {
      expect(job.id_tokens.MAILBOXES_ID_TOKEN).toEqual({ aud: "api://AzureADTokenExchange" });
      expect(JSON.stringify(job)).not.toContain("MAILBOXES_BOT_TOKEN");
      expect(job.cache.paths).toEqual([".npm/", ".pulumi-home/bin/", ".pulumi-home/plugins/"]);
    }
    for (const { job } of [note, issue]) {
      expect(job.id_tokens).toBeUndefined();
      expect(job.variables).toEqual({ GIT_STRATEGY: "none" });
    }
  });

  test("one deployment at a time, and only a preview is ended by a newer commit", () => {
    expect(up.job).toMatchObject({ resource_group: "mailboxes-prod", environment: "mailboxes-prod" });
    expect(
      Object.values(jobs)
        .filter(({ job }) => job.interruptible === true)
        .map(({ name }) => name),
    ).toEqual(["preview"]);
  });
});

describeScripts("the scripts", () => {
  test("a preview is made, reviewed and noted once; the next one updates the note", async () => {
    await machine.selectStack(join(machine.folder, ".pulumi-home", "bin"));
    succeeded(await run(preview));
    const review = machine.read("review.md");
    expect(review).toMatch(
      /^\*\*2 people gain access to 1 mailbox, .*\*\*\n[\s\S]*<!-- mailboxes-review desk\/prod -->\s*$/,
    );

    // Somebody quoted the marker, and the note is on the second page.
    const quoted = { id: 1, author: { id: 3 }, body: `Look: ${review}` };
    forge.comments.push(quoted);
    for (let id = 2; id <= 100; id += 1) {
      forge.comments.push({ id, author: { id: 3 }, body: "Fine" });
    }
    succeeded(await run(note));
    succeeded(await run(note));
    const notes = "/api/v4/projects/5/merge_requests/7/notes";
    expect(forge.writes()).toEqual([
      { method: "POST", path: notes, body: { body: review } },
      { method: "PUT", path: `${notes}/${forge.comments[100]?.id}`, body: { body: review } },
    ]);
    expect(forge.comments).toHaveLength(101);
    expect(forge.comments[0]).toEqual(quoted);

    // A list that could not be read is not an empty one.
    forge.failing = true;
    expect((await run(note)).code).not.toBe(0);
    forge.failing = false;
    expect(forge.writes()).toEqual([]);
  });

  test("a preview that never ran takes the place of the former review, and fails the job", async () => {
    const { code, output } = await run(preview, { STACK: "nowhere" });
    expect([code, output]).toEqual([2, expect.stringContaining("nowhere")]);
    expect(machine.read("review.md")).toMatch(
      /^\*\*There is no preview of this commit.*<!-- mailboxes-review desk\/nowhere -->\n$/s,
    );
  });

  test("main is deployed, with the token of the job in a file outside of the checkout", async () => {
    const token = machine.write(
      "token.sh",
      'printf "%s %s" "$AZURE_FEDERATED_TOKEN_FILE" "$(cat "$AZURE_FEDERATED_TOKEN_FILE")" > seen\n',
    );
    const [step] = up.steps;
    succeeded(
      await run({
        ...up,
        steps: [{ name: step?.name ?? "", env: step?.env ?? {}, script: `${step?.script}\n. ${token}` }],
      }),
    );
    const [path, content] = machine.read("seen").split(" ");
    expect(content).toBe("entra-token");
    expect(path?.startsWith(machine.folder)).toBe(false);
    const [desk] = await tenant.exchange("Get-Mailbox", { Identity: "desk@contoso.com" });
    expect(desk).toMatchObject({ DisplayName: "Contoso Desk" });
  });

  test("drift opens one issue, updates it, and closes it once it is gone", async () => {
    await tenant.exchange("Set-Mailbox", { Identity: "desk@contoso.com", DisplayName: "Desk by hand" });
    succeeded(await run(drift));
    expect(Number(machine.read("changes"))).toBeGreaterThan(0);
    const person = {
      id: 900,
      iid: 900,
      state: "opened",
      labels: ["mailboxes-drift"],
      author: { id: 3 },
      description: "<!-- mailboxes-drift prod -->",
    };
    forge.issues.push(person);
    succeeded(await run(issue));
    succeeded(await run(issue));
    const own = forge.issues[1];
    const content = { title: "Mailboxes of prod: the tenant is not as declared", labels: "mailboxes-drift" };
    expect(forge.writes()).toMatchObject([
      { method: "POST", path: "/api/v4/projects/5/issues", body: content },
      { method: "PUT", path: `/api/v4/projects/5/issues/${own?.iid}`, body: content },
    ]);
    expect(own?.description).toContain("Desk by hand");

    writeFileSync(join(machine.home, "bare", "changes"), "0\n");
    succeeded(await run(issue));
    expect(forge.issues.map(({ state }) => state)).toEqual(["opened", "closed"]);
    forge.writes();
    succeeded(await run(issue));
    expect(forge.writes()).toEqual([]);

    writeFileSync(join(machine.home, "bare", "changes"), "1\n");
    forge.failing = true;
    expect((await run(issue)).code).not.toBe(0);
    forge.failing = false;
    expect(forge.writes()).toEqual([]);
  });

  test("the Pulumi CLI and jq are installed where they are not there, and Pulumi Cloud takes the job's token", async () => {
    const empty = new Machine(shells.gitlab, {});
    const installer = `mkdir -p "$PULUMI_HOME/bin"; printf '#!/bin/sh\\necho pulumi "$@"; cat "$(echo "$3" | sed s,^file://,,)"' > "$PULUMI_HOME/bin/pulumi"; chmod +x "$PULUMI_HOME/bin/pulumi"; echo "installer $*"`;
    empty.write("bin/curl", `#!/bin/sh\ncat <<'EOF'\n${installer}\nEOF\n`);
    empty.write("bin/apt-get", '#!/bin/sh\necho apt-get "$@"\n');
    const bin = join(empty.folder, "bin");
    const before = (file[".pulumi"].before_script as string[]).join("\n");
    const step = {
      name: "",
      env: {},
      // Everything that is needed, and no jq.
      script: `chmod +x ${bin}/*\nfor tool in sh bash cat chmod mkdir mktemp sed npm node env; do ln -s "$(command -v $tool)" ${bin}/; done\nexport PATH=${bin}\n${before}`,
    };
    const { code, output } = await empty.run(step, {
      PULUMI_HOME: join(empty.folder, ".pulumi-home"),
      PULUMI_VERSION: "3.259.0",
      PULUMI_ORG: "contoso",
      MAILBOXES_ID_TOKEN: "entra-token",
      PULUMI_ID_TOKEN: "pulumi-token",
    });
    expect([code, output]).toEqual([0, expect.stringContaining("apt-get install -qq -y jq")]);
    expect(output).toContain(`installer --version 3.259.0 --install-root ${empty.folder}/.pulumi-home --no-edit-path`);
    expect(output).toMatch(/pulumi login --oidc-token file:\S+ --oidc-org contoso\npulumi-token/);
    empty.remove();
  });

  test("every one of them was run", () => {
    expect(machine.left(Object.values(jobs).flatMap(({ steps }) => steps))).toEqual([]);
    expect(readFileSync(join(machine.home, "bare", "changes"), "utf8")).not.toBe("");
  });
});
