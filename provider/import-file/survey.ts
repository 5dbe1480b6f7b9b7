import type { Properties } from "../core/kind";
import { shortHash } from "../core/kind";
import { Recorder } from "../core/memory";
import { bounds, type Deployment, operationOf } from "../dynamic/deployment";
import { plain } from "../dynamic/wire-values";
import { type Kind, kinds } from "../kinds";
import type { Description } from "../kinds/description";
import type { Declared, Survey as KindSurvey } from "../kinds/survey";
import { providerText, typeToken } from "../resources/dynamic-resource";
import type { ProgramMailbox } from "./write";

/** Where the resources are to be: it stands in the origin that every resource keeps from its birth. */
export interface Place {
  project: string;
  stack: string;
}

/** A resource of a Pulumi import file, with everything the engine keeps of it: it is not read again. */
export interface ImportedResource {
  type: string;
  name: string;
  id: string;
  inputs: Properties;
  outputs: Properties;
}

/** What was found in a tenant. */
export interface Survey {
  resources: ImportedResource[];
  mailboxes: ProgramMailbox[];
  /** Sentences about mailboxes that were left out. */
  left: string[];
  /** Patterns that fit no mailbox. */
  unmatched: string[];
}

/**
 * Reads the shared mailboxes of a tenant and who has access to them: one listing, then accounts and permissions in batches.
 * Nothing is changed.
 *
 * The resources carry the outputs and the two hidden inputs that the engine would hold after a refresh. `__origin` is the URN
 * a resource is born with. It is carried forward from the state ever after, so that a project or stack of another name than
 * given here changes nothing in a plan; from it come the texts by which a mailbox, should it ever be created anew, is known as
 * this resource's work.
 *
 * @param patterns primary addresses wanted, `*` for any characters; none means all.
 * @throws ServiceError when something cannot be read: a list that is not whole is not written.
 */
export async function survey(deployment: Deployment, patterns: readonly string[], place: Place): Promise<Survey> {
  const { services } = deployment;
  const tenantId = await services.tenantId(bounds());
  const all = (await services.mailboxes.shared()).sort((a, b) =>
    a.primarySmtpAddress < b.primarySmtpAddress ? -1 : 1,
  );
  // Over all mailboxes, so that a narrower choice gives the same mailbox no other name.
  const names = namesOf(all.map(({ primarySmtpAddress }) => primarySmtpAddress));
  const wanted = patterns.map(matcher);
  const chosen = all.filter(
    ({ primarySmtpAddress }) => wanted.length === 0 || wanted.some((fits) => fits.test(primarySmtpAddress)),
  );

  const found = await Promise.all(
    chosen.map(async (mailbox) => {
      const { name, variable } = names.get(mailbox.primarySmtpAddress) as Names;
      const refused = (reason: string) => ({ refusal: `${mailbox.primarySmtpAddress} is not imported: ${reason}` });
      if (mailbox.isDirSynced) {
        return refused("it is synchronised from on-premises, where it is managed.");
      }
      const user = await services.graph.user(mailbox.id);
      if (user === undefined) {
        return refused("Entra does not show its account.");
      }
      const around = await Promise.all(
        SURVEYED.map(async ({ kind, reconciler, survey }) => {
          const own = nameOf(name, survey.suffix);
          const origin = originAt(place, kind, own);
          const operation = operationOf(deployment, origin, new Recorder(reconciler, {}));
          return { kind, name: own, origin, declared: await survey.declare({ mailbox, user }, operation) };
        }),
      );
      const whole: (Omit<(typeof around)[number], "declared"> & { declared: Declared })[] = [];
      for (const { declared, ...one } of around) {
        if ("refusal" in declared) {
          return refused(declared.refusal);
        }
        whole.push({ ...one, declared });
      }
      return {
        resources: whole.flatMap(({ kind, name, origin, declared: { id, program, inputs, outputs } }) => {
          const hidden = { __provider: providerText(kind), __origin: origin };
          const all = plain({ ...inputs, ...outputs, tenantId, ...hidden });
          return program === undefined
            ? []
            : [{ type: typeToken(kind), name, id, inputs: plain({ ...inputs, ...hidden }), outputs: all }];
        }),
        program: {
          name,
          variable,
          resources: whole.flatMap(({ kind, name, declared: { program } }) =>
            program === undefined ? [] : [{ kind, name, declared: program }],
          ),
          notes: whole.flatMap(({ declared }) => declared.notes),
        },
      };
    }),
  );
  return {
    resources: found.flatMap((one) => ("resources" in one ? one.resources : [])),
    mailboxes: found.flatMap((one) => ("program" in one ? [one.program] : [])),
    left: found.flatMap((one) => ("refusal" in one ? [one.refusal] : [])),
    unmatched: patterns.filter((_, index) => !chosen.some((one) => wanted[index]?.test(one.primarySmtpAddress))),
  };
}

/** The kinds that stand around a shared mailbox; itself first. */
const SURVEYED = (Object.keys(kinds) as Kind[]).flatMap((kind) => {
  const { reconciler, survey }: Description = kinds[kind];
  return survey === undefined ? [] : [{ kind, reconciler, survey }];
});

/** The URN a resource of the stack has that stands at its top. */
function originAt({ project, stack }: Place, kind: Kind, name: string): string {
  return `urn:pulumi:${stack}::${project}::${typeToken(kind)}::${name}`;
}

function matcher(pattern: string): RegExp {
  const parts = pattern.trim().split("*");
  return new RegExp(`^${parts.map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join(".*")}$`, "i");
}

/** What a mailbox is called in a program. */
export interface Names {
  /** Logical name: lower-case letters, digits and hyphens. */
  name: string;
  /** Identifier of its variable. */
  variable: string;
}

/**
 * Words that cannot name a variable of a module: TypeScript's reserved words, and what Node and TypeScript declare in every
 * CommonJS module.
 */
const RESERVED = new Set(
  (
    "arguments async await break case catch class const continue debugger default delete do else enum eval export exports extends " +
    "false finally for function if implements import in infinity instanceof interface let module nan new null package private " +
    "protected public require return static super switch this throw true try typeof undefined var void while with yield"
  ).split(" "),
);

/**
 * Names for mailboxes by their primary addresses: the local part; the domain too where several would share a name; a short
 * hash of the address where that is not enough. They depend on the set of addresses alone, not on its order.
 */
export function namesOf(addresses: readonly string[]): Map<string, Names> {
  const levels = new Map(addresses.map((address) => [address, 0]));
  const taken = () => {
    const holders = new Map<string, string[]>();
    for (const [address, level] of levels) {
      const { name, variable } = namesAt(address, level);
      // What is beside a mailbox is named after it; the engine tells them apart by type, readers do not.
      const own = SURVEYED.map(({ survey }) => nameOf(name, survey.suffix));
      for (const key of new Set([...own, variable.toLowerCase()])) {
        holders.set(key, [...(holders.get(key) ?? []), address]);
      }
    }
    return new Set([...holders.values()].filter((sharers) => sharers.length > 1).flat());
  };
  for (let sharers = taken(); ; sharers = taken()) {
    const raised = [...sharers].filter((address) => (levels.get(address) ?? LAST) < LAST);
    if (raised.length === 0) {
      return new Map([...levels].map(([address, level]) => [address, namesAt(address, level)]));
    }
    for (const address of raised) {
      levels.set(address, (levels.get(address) ?? 0) + 1);
    }
  }
}

/** The logical name of what is around a mailbox. */
function nameOf(name: string, suffix: KindSurvey["suffix"]): string {
  return suffix === undefined ? name : `${name}-${suffix}`;
}

const LAST = 2;

function namesAt(address: string, level: number): Names {
  const [local = ""] = address.split("@");
  const name = [
    hyphenated(level === 0 ? local : address) || "mailbox",
    ...(level === LAST ? [shortHash(address)] : []),
  ].join("-");
  return { name, variable: variableOf(name) };
}

function hyphenated(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-|-$/g, "");
}

function variableOf(name: string): string {
  const camel = name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
  return /^\d/.test(camel) ? `mailbox${camel}` : RESERVED.has(camel.toLowerCase()) ? `${camel}Mailbox` : camel;
}
