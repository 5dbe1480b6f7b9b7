/** What a program needs, from the state of its stack or from a preview. */

import { isObject } from "../http/json";
import { kindNamed } from "../kinds";
import { resourcesIn } from "../review/preview";
import { kindOf } from "../review/rules";
import { USES, type Use } from "./rights";

/** A wrong call, or an input that says nothing: nothing was asked. */
export class CannotExamine extends Error {
  override readonly name = "CannotExamine";
}

/** What a program declares, as far as it needs rights. */
export interface Program {
  uses: readonly Use[];
  /** Its mailboxes that are there: the id, and the address where the state has it. */
  mailboxes: readonly { id: string; address: string }[];
  /** Dataverse environments that resources name themselves. */
  environments: readonly string[];
  /** Whether a resource of Dynamics 365 names no environment, so that the configured one is meant. */
  needsEnvironment: boolean;
  /** `3 SharedMailbox, 1 Queue`. */
  described: string;
}

type Members = Readonly<Record<string, unknown>>;

/** One resource of this package. */
interface Declared {
  kind: string;
  urn: string;
  id: string;
  inputs: Members;
}

const HOW = "Run `pulumi stack export | npx mailboxes doctor --program`, or give the file it was written to.";

/**
 * Reads a program's needs.
 *
 * @param text what `pulumi stack export` or `pulumi preview --json` printed, or a state file of a backend in files.
 * @param project name of the project of this folder, where there is one.
 * @throws CannotExamine when it is something else, of another project, or without a resource of this package.
 */
export function readProgram(text: string, project: string | undefined): Program {
  const resources = rowsIn(parsed(text));
  const declared = resources.flatMap(declaredIn);
  const own = declared.find(({ urn }) => urn.startsWith("urn:pulumi:"));
  const other = own?.urn.split("::")[1];
  if (project !== undefined && other !== undefined && other !== project) {
    throw new CannotExamine(
      `--program: this is the state of the project ${other}, and the project here is ${project}. Run it in the folder of ${other}, or export the state of a stack of ${project}.`,
    );
  }
  if (declared.length === 0) {
    throw new CannotExamine(
      `--program: there are ${resources.length} resources, and none of pulumi-mailboxes. Before the first \`pulumi up\`, give it \`pulumi preview --json\`, or leave --program out.`,
    );
  }
  const environments = declared.flatMap(({ inputs }) =>
    typeof inputs.environmentUrl === "string" ? [inputs.environmentUrl] : [],
  );
  const uses = declared.map(({ kind, inputs }) => kindNamed(kind)?.uses(inputs) ?? {});
  return {
    uses: USES.filter((use) => uses.some((one) => one[use])),
    mailboxes: declared
      .filter(({ kind, id }) => kindNamed(kind)?.review.isMailbox === true && id !== "")
      .map(({ id, inputs }) => ({
        id,
        address: typeof inputs.primarySmtpAddress === "string" ? inputs.primarySmtpAddress : id,
      })),
    environments: [...new Set(environments)],
    needsEnvironment: declared.some(
      ({ kind, inputs }) => kindNamed(kind)?.service === "dynamics" && inputs.environmentUrl === undefined,
    ),
    described: counted(declared.map(({ kind }) => kind)),
  };
}

function parsed(text: string): Members {
  const trimmed = text.trim();
  if (trimmed === "") {
    throw new CannotExamine(`--program: the input is empty. ${HOW}`);
  }
  try {
    const value: unknown = JSON.parse(trimmed);
    if (isObject(value)) {
      return value;
    }
  } catch {
    // Said below.
  }
  throw new CannotExamine(`--program: this is not the state of a stack: it is not a JSON object. ${HOW}`);
}

/** The resources of an exported stack, of a state file, or of a preview. */
function rowsIn(state: Members): readonly unknown[] {
  const { steps, diagnostics } = state;
  const resources = resourcesIn(state);
  if (resources !== undefined) {
    return resources;
  }
  if (Array.isArray(steps)) {
    if (Array.isArray(diagnostics) && diagnostics.some((one) => isObject(one) && one.severity === "error")) {
      throw new CannotExamine(
        "--program: this preview failed, so that it does not show the whole program. Mend it, and run `pulumi preview --json` again.",
      );
    }
    return steps.flatMap((step: unknown) => (isObject(step) ? [step.newState ?? step.oldState] : []));
  }
  throw new CannotExamine(`--program: this JSON is not the state of a stack: it has no resources. ${HOW}`);
}

function declaredIn(resource: unknown): Declared[] {
  if (!isObject(resource)) {
    return [];
  }
  const { type, urn, id, inputs, external } = resource;
  const kind = typeof type === "string" ? kindOf(type) : undefined;
  // What is read with `get` is another stack's, and a resource that waits for its deletion still needs its rights.
  return kind === undefined || external === true
    ? []
    : [{ kind, urn: String(urn), id: typeof id === "string" ? id : "", inputs: isObject(inputs) ? inputs : {} }];
}

function counted(kinds: readonly string[]): string {
  return [...new Set(kinds)].map((kind) => `${kinds.filter((one) => one === kind).length} ${kind}`).join(", ");
}
