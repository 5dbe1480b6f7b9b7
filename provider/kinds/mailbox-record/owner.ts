import { z } from "zod";
import { displayText } from "../../core/canonical";
import { InputError } from "../../http/errors";
import type { Principal } from "../../services/principals";
import { isGuid } from "../../services/text";
import type { RecordOperation } from "./schema";
import type { Owner } from "./values";

const OWNER = "must be { user } or { team }, one of the two, by name, address or id";

const one = (what: string) =>
  displayText(what, 200).transform((text) => (text.includes("@") || isGuid(text) ? text.toLowerCase() : text));

/** The input `owner`: `{ user }` or `{ team }`, each by name, address or id. */
export const ownerSchema = z
  .strictObject(
    {
      user: one("a user's address, id or full name").optional(),
      team: one("a team's name, address or id").optional(),
    },
    { error: (issue) => (issue.code === "unrecognized_keys" ? undefined : OWNER) },
  )
  .refine(({ user, team }) => (user === undefined) !== (team === undefined), { error: OWNER });

/** Who owns a row, as declared. */
export type DeclaredOwner = z.output<typeof ownerSchema>;

/** The declared owner; the default one where one was declared before; undefined where it is left alone. */
export async function declaredOwner(
  declared: DeclaredOwner | undefined,
  operation: RecordOperation,
): Promise<Owner | undefined> {
  if (declared !== undefined) {
    return ownerNamed(declared, operation);
  }
  return (operation.known.inputs.owner ?? undefined) === undefined ? undefined : defaultOwner(operation);
}

/** The declared owner of a row, looked up; an owner that the state knows by its id keeps meaning that one. */
async function ownerNamed(declared: DeclaredOwner, operation: RecordOperation): Promise<Owner> {
  const {
    inputs: { owner },
    memory: { ownerId },
  } = operation.known;
  if (ownerId !== undefined && owner?.user === declared.user && owner?.team === declared.team) {
    return { table: declared.team === undefined ? "systemusers" : "teams", id: ownerId };
  }
  const { principals } = operation.services;
  return declared.team === undefined
    ? only(await principals.users(declared.user ?? "", operation), "owner.user", "user")
    : only(await principals.teams(declared.team, operation), "owner.team", "team");
}

function only(found: readonly Principal[], path: string, kind: string): Owner {
  const [principal, second] = found;
  const reason =
    principal === undefined
      ? `no ${kind} of the Dynamics environment has this name, address or id`
      : second !== undefined
        ? `${found.length} ${kind}s have this name or address (${found.map(inWords).join(", ")}); write the id`
        : principal.isDisabled
          ? `the ${kind} ${principal.name} is disabled in Dynamics and can own nothing new; enable it there, or name another owner`
          : undefined;
  if (principal === undefined || reason !== undefined) {
    throw new InputError([{ path, reason: reason ?? "" }]);
  }
  return { table: principal.table, id: principal.id };
}

function inWords({ name, id, isDisabled }: Principal): string {
  return `${isDisabled ? "the disabled " : ""}${name} ${id}`;
}

/** The user that the application is: the owner of what nobody is declared to own. */
async function defaultOwner(operation: RecordOperation): Promise<Owner> {
  return { table: "systemusers", id: await operation.services.dataverse.callerId(operation) };
}

/** The owner of a row as a program would declare it: as the state has it while it is the same, else by address or name. */
export async function ownerAsDeclared(
  ownerId: string | undefined,
  operation: RecordOperation,
): Promise<DeclaredOwner | null> {
  const { known, services } = operation;
  if (ownerId === undefined) {
    return null;
  }
  if (ownerId === known.memory.ownerId) {
    return known.inputs.owner ?? null;
  }
  const user = await services.principals.user(ownerId, operation);
  if (user !== undefined) {
    return { user: user.address ?? user.name };
  }
  const [team] = await services.principals.teams(ownerId, operation);
  return team === undefined ? { user: ownerId } : { team: team.name };
}
