import { InputError } from "../../http/errors";
import { listed } from "../../services/principals";
import type { Behind } from "../mailbox-record/behind";
import { lookBehind, namesOf } from "../mailbox-record/behind";
import type { Operation, Properties } from "../reconciler";
import type { IndividualInputs } from "./desired";

/** The user or queue whose record is meant; one that the state knows by its id keeps meaning that one. */
export async function whose({ user, queue }: IndividualInputs, operation: Operation): Promise<Behind> {
  const { state } = operation;
  const kind = user === undefined ? "queue" : "user";
  const name = user ?? queue ?? "";
  if (typeof state.regarding === "string") {
    const known = await lookBehind({ kind, id: state.regarding }, operation);
    if (known !== undefined) {
      return known;
    }
  }
  const found = await behindNamed(kind, name, operation);
  const [only, second] = found;
  if (only === undefined) {
    throw new InputError([{ path: kind, reason: `no ${kind} of the Dynamics environment is known as ${name}` }]);
  }
  if (second !== undefined) {
    throw new InputError([{ path: kind, reason: `${name} is ambiguous: it means ${listed(found)}; write the id` }]);
  }
  return only;
}

/** The users or queues that a text means. */
export async function behindNamed(
  kind: Behind["kind"],
  name: string,
  { services, ...operation }: Operation,
): Promise<Behind[]> {
  return kind === "user"
    ? (await services.principals.users(name, operation)).map((one) => ({ ...one, kind }))
    : (await services.queues.named(name, operation)).map((one) => ({
        ...one,
        kind,
        address: one.emailAddress,
        knownAs: namesOf(one),
      }));
}

/** All ways to write the user or queue that are known to mean it, the one of the program among them. */
export function knownAs({ knownAs: names }: Behind, { user, queue }: Properties): string[] {
  const written = [user, queue].filter((name) => typeof name === "string");
  return [...new Set([...names, ...written].map((name) => name.toLowerCase()))].sort();
}
