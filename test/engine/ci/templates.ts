/** The templates of `ci/`, read: their jobs, and every step that is a shell script. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";

const folder = join(__dirname, "..", "..", "..", "ci");

// biome-ignore lint/suspicious/noExplicitAny: a template is YAML of three services
type Yaml = any;

/** A script of a template. */
export interface Step {
  /** `mailboxes-preview.yml: preview: Preview and review`. */
  name: string;
  script: string;
  /** Variables that the step itself sets, before they are expanded. */
  env: Readonly<Record<string, string>>;
  /** When it runs: `failure()`; undefined for a step that follows a success. */
  condition?: string;
}

/** A job of a template. */
export interface Job {
  name: string;
  /** The job as it stands in the file. */
  job: Yaml;
  /** The file it stands in. */
  file: Yaml;
  steps: Step[];
}

/** The files of one service, by name. */
export function templates(service: string): Record<string, Yaml> {
  const files = readdirSync(join(folder, service)).filter((file) => file.endsWith(".yml"));
  return Object.fromEntries(files.map((file) => [file, parse(readFileSync(join(folder, service, file), "utf8"))]));
}

function texts(values: Record<string, unknown> = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, String(value)]));
}

/** The jobs of GitHub Actions, by `file: job`. */
export function gitHubJobs(): Record<string, Job> {
  const jobs = Object.entries(templates("github-actions")).flatMap(([name, file]) =>
    Object.entries<Yaml>(file.jobs).map(([id, job]): [string, Job] => {
      const key = `${name}: ${id}`;
      const steps = (job.steps as Yaml[])
        .filter((step) => step.run !== undefined)
        .map((step) => ({
          name: `${key}: ${step.name}`,
          script: step.run,
          env: texts(step.env),
          ...(step.if === undefined ? {} : { condition: step.if }),
        }));
      return [key, { name: key, job, file, steps }];
    }),
  );
  return Object.fromEntries(jobs);
}

/** The jobs of Azure Pipelines, by `file: job`, with the steps of the template that they include. */
export function azureJobs(): Record<string, Job> {
  const files = templates("azure-pipelines");
  const included = (steps: Yaml[]): Yaml[] =>
    steps.flatMap((step) => (step.template === undefined ? [step] : included(files[step.template].steps)));
  const jobs = Object.entries(files).flatMap(([name, file]) =>
    ((file.jobs ?? file.stages?.flatMap((stage: Yaml) => stage.jobs) ?? []) as Yaml[]).map((job): [string, Job] => {
      const key = `${name}: ${job.job ?? job.deployment}`;
      const own: Yaml[] = job.steps ?? job.strategy.runOnce.deploy.steps;
      const steps = included(own).flatMap((step) => {
        const script = step.bash ?? step.script ?? step.inputs?.inlineScript;
        const condition = step.condition === undefined ? {} : { condition: step.condition };
        return script === undefined
          ? []
          : [{ name: `${key}: ${step.displayName}`, script, env: texts(step.env), ...condition }];
      });
      return [key, { name: key, job, file, steps }];
    }),
  );
  return Object.fromEntries(jobs);
}

/** The jobs of GitLab CI, by name. A job's scripts run in one shell, so that it is one step. */
export function gitLabJobs(): Record<string, Job> {
  const file = templates("gitlab-ci")[".gitlab-ci.yml"];
  const jobs = Object.entries<Yaml>(file)
    .filter(([name, value]) => !name.startsWith(".") && value?.script !== undefined)
    .map(([name, value]): [string, Job] => {
      const base = file[value.extends] ?? {};
      const job = { ...base, ...value, variables: { ...base.variables, ...value.variables } };
      const script = [...(job.before_script ?? []), ...job.script].join("\n");
      return [name, { name, job, file, steps: [{ name, script, env: texts(job.variables) }] }];
    });
  return Object.fromEntries(jobs);
}

/** The job of this name. */
export function jobNamed(jobs: Readonly<Record<string, Job>>, name: string): Job {
  const job = jobs[name];
  if (job === undefined) {
    throw new Error(`there is no job ${name}; the jobs are ${Object.keys(jobs).join(", ")}`);
  }
  return job;
}
