import { setMaxListeners } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseDocument } from "yaml";
import { projectAbove } from "../configuration/configuration";
import { openDeployment, type RawConfiguration } from "../dynamic/deployment";
import { EngineLog } from "../dynamic/engine-log";
import { isObject, mapOf } from "../http/json";
import { examine } from "./examination";
import { CannotExamine, readProgram } from "./program";
import { asJson, asText, type ExitCode, exitCodeOf, list } from "./report";
import { PROFILES, type Profile, RIGHTS } from "./rights";

/** What `mailboxes doctor` is called with. */
export interface DoctorInputs {
  /** Name of a profile. */
  for: string;
  /** Text of a stack's state, or of a preview. */
  program?: string;
  /** Name of a stack, whose file of configuration is read. */
  stack?: string;
  /** Codes of rights that are done without. */
  without: readonly string[];
  json?: boolean;
  list?: boolean;
}

/** Where it runs. */
export interface Surroundings {
  /** The folder of the call. */
  folder: string;
  say: (text: string) => void;
  signal: AbortSignal;
}

/**
 * Says what works and what is missing for the configured credential and tenant. Changes nothing there.
 *
 * @throws CannotExamine, InputError and the like before anything was asked.
 */
export async function doctor(inputs: DoctorInputs, { folder, say, signal }: Surroundings): Promise<ExitCode> {
  if (inputs.list === true) {
    say(list());
    return 0;
  }
  const profile = profileNamed(inputs.for);
  const stranger = inputs.without.find((code) => !RIGHTS.some((right) => right.code === code));
  if (stranger !== undefined) {
    throw new CannotExamine(`--without: there is no right ${stranger}. \`mailboxes doctor --list\` prints all.`);
  }
  const project = projectAbove(folder);
  const program = inputs.program === undefined ? undefined : readProgram(inputs.program, project?.name);
  const raw = inputs.stack === undefined ? NOTHING : stackConfiguration(inputs.stack, project?.folder);
  const deployment = await openDeployment(raw, new EngineLog(undefined), []);
  try {
    const { configuration } = deployment;
    // Every question listens to it, and Node suspects a leak at more than ten listeners.
    setMaxListeners(0, signal);
    const findings = await examine(
      configuration,
      { profile, without: inputs.without, ...(program === undefined ? {} : { program }) },
      signal,
    );
    if (signal.aborted) {
      throw new CannotExamine("It was stopped before its end.");
    }
    const target =
      configuration.localTenant !== undefined
        ? "a local tenant"
        : `the tenant ${configuration.tenantId ?? "that the credential belongs to"}`;
    const subject = { target, profile, program: program?.described };
    say(inputs.json === true ? asJson(subject, findings) : asText(subject, findings));
    return exitCodeOf(findings);
  } finally {
    await deployment.close();
  }
}

const NOTHING: RawConfiguration = { get: () => undefined, keys: [] };

function profileNamed(name: string): Profile {
  const profile = PROFILES.find((one) => one === name);
  if (profile === undefined) {
    throw new CannotExamine(`--for: there is no profile ${name}. Write preview, up or all.`);
  }
  return profile;
}

/**
 * The keys `mailboxes:` of `Pulumi.<stack>.yaml`, over those of the project file. An encrypted one stays unset: only the Pulumi CLI can
 * read it, and each secret has a variable of its own.
 */
function stackConfiguration(stack: string, folder: string | undefined): RawConfiguration {
  if (folder === undefined) {
    throw new CannotExamine("--stack: there is no Pulumi project here or above. Run it in the project's folder.");
  }
  // A stack may be named with its organisation and project.
  const file = `Pulumi.${stack.split("/").at(-1)}.yaml`;
  if (!existsSync(join(folder, file))) {
    throw new CannotExamine(`--stack: there is no file ${file} in ${folder}.`);
  }
  const values = new Map([...configIn(folder, "Pulumi.yaml"), ...configIn(folder, file)]);
  return { get: (key) => values.get(key), keys: [...values.keys()] };
}

function configIn(folder: string, file: string): [string, unknown][] {
  if (!existsSync(join(folder, file))) {
    return [];
  }
  const document = parseDocument(readFileSync(join(folder, file), "utf8"));
  const [problem] = document.errors;
  if (problem !== undefined) {
    throw new CannotExamine(`--stack: ${file} is not YAML: ${problem.message.split("\n")[0]}`);
  }
  const content: unknown = document.toJS();
  const config = mapOf(mapOf(content).config);
  return Object.entries(config).flatMap(([key, written]): [string, unknown][] => {
    // The project file may write a value as `{ value: … }`.
    const value = isObject(written) && "value" in written ? written.value : written;
    const isEncrypted = isObject(value) && "secure" in value;
    return key.startsWith("mailboxes:") && !isEncrypted && value !== undefined ? [[key, value]] : [];
  });
}
