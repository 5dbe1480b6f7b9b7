import { isSame } from "../../core/canonical";
import type { Change, Properties } from "../../core/kind";
import { isSet } from "../../core/properties";
import { check } from "../../dynamic/check";
import { InputError, isClass } from "../../http/errors";
import type { User } from "../../services/graph";
import type { Mailbox } from "../../services/mailboxes";
import { type Declared, minimal, type Refused, reasons, type Survey } from "../survey";
import { type Desired, memory, type Observed, type SharedMailboxOperation } from "./desired";
import { around, facets, knowing, stateOfEverything } from "./observation";
import { sharedMailbox } from "./reconciler";

/** Shared mailboxes as a program would declare them. */
export const survey: Survey = {
  words: ["mailbox", "mailboxes"],
  declare: declaredMailbox,
};

/**
 * A shared mailbox as a program would declare it. The two required properties are written always; of the others those, and
 * only those, whose removal from the program would change the tenant, which is asked of the reconciler itself. So a default
 * is not written, nor is what removal keeps, above all `alias`: imported, it stays as it is undeclared; declared, it would
 * only tie a mailbox that is made anew to a name the deleted one still holds.
 *
 * @param seen the mailbox as listed and the account behind it.
 */
async function declaredMailbox(
  seen: { mailbox: Mailbox; user: User },
  operation: SharedMailboxOperation,
): Promise<Declared | Refused> {
  const { mailbox } = seen;
  const { displayName, primarySmtpAddress } = mailbox;
  const required = { displayName, primarySmtpAddress };
  const bare = check(sharedMailbox, required, undefined);
  if (bare.problems.length > 0) {
    return { refusal: reasons(bare.problems) };
  }
  let desired: Desired;
  try {
    desired = await sharedMailbox.resolve(sharedMailbox.schema.parse(required), operation);
  } catch (error) {
    if (error instanceof InputError) {
      return { refusal: error.message };
    }
    throw error;
  }
  const notes: string[] = [];
  const everything = stateOfEverything();
  const observed = await observedWhole(seen, everything, desired, operation, notes);
  const read: Properties = Object.assign({}, ...facets.map((facet) => facet.read(observed, knowing(everything))));
  const removal = (property: string, value: unknown) =>
    sharedMailbox
      .difference(desired, knowing({ [property]: value }), observed, knowing({}))
      .filter(({ path }) => path[0] === property);
  const optional = Object.fromEntries(
    Object.entries(read)
      .filter(([property]) => !(property in required) && property in everything)
      .map(([property, value]) => [property, setMembers(value)] as const)
      .flatMap(([property, value]) => {
        const changes = isSet(value) ? removal(property, value) : [];
        return changes.length === 0 ? [] : [[property, managedMembers(required, property, value, changes)] as const];
      })
      .map(([property, value]) => [property, property === "forwarding" ? allowed(value, observed) : value]),
  );
  return settled(required, optional, notes, observed, operation);
}

/** Leaves out what a program may not say or what would not be read back as it is written. */
async function settled(
  required: Properties,
  optional: Properties,
  notes: string[],
  observed: Observed,
  operation: SharedMailboxOperation,
): Promise<Declared | Refused> {
  const checked = check(sharedMailbox, { ...required, ...optional }, undefined);
  const wrong = checked.problems.filter(({ path }) => propertyOf(path) in optional);
  if (wrong.length > 0 && !("license" in optional)) {
    // What needs a licence is there, so the account has one, which this program does not have to manage.
    const licensed = { ...optional, license: "external" };
    if (check(sharedMailbox, { ...required, ...licensed }, undefined).problems.length < checked.problems.length) {
      return settled(required, licensed, notes, observed, operation);
    }
  }
  if (wrong.length < checked.problems.length) {
    return { refusal: reasons(checked.problems) };
  }
  const back = await sharedMailbox.inputs(knowing(checked.inputs), observed);
  const drifting = Object.keys(optional).filter((property) => !isSame(back[property], checked.inputs[property]));
  const left = new Map([
    ...drifting.map((property) => [property, "it is not read back in the form it is written in"] as const),
    ...wrong.map(({ path, reason }) => [propertyOf(path), `${path}: ${reason}`] as const),
  ]);
  if (left.size > 0) {
    const more = [...left].map(([property, reason]) => `${property} is not declared and stays as it is: ${reason}.`);
    const rest = Object.fromEntries(Object.entries(optional).filter(([property]) => !left.has(property)));
    return settled(required, rest, [...notes, ...more], observed, operation);
  }
  return {
    id: observed.mailbox.id,
    program: {
      ...required,
      ...Object.fromEntries(
        Object.entries(optional).map(([property, value]) => [
          property,
          minimal(sharedMailbox, required, property, value),
        ]),
      ),
    },
    inputs: checked.inputs,
    outputs: memory.write(sharedMailbox.outputs(undefined, observed, knowing(checked.inputs))),
    notes,
  };
}

/** A value without the members that are not set. */
function setMembers(value: unknown): unknown {
  if (!isMembers(value)) {
    return value;
  }
  const members = Object.entries(value).filter(([, member]) => isSet(member));
  return members.length === 0 ? undefined : Object.fromEntries(members);
}

/**
 * Of a value that is managed member by member, the members whose removal would change something; all of them where these
 * alone are not enough for the schema.
 */
function managedMembers(required: Properties, property: string, value: unknown, changes: readonly Change[]): unknown {
  if (!isMembers(value) || changes.some(({ path }) => path.length === 1)) {
    return value;
  }
  const some = Object.fromEntries(
    Object.entries(value).filter(([member]) => changes.some(({ path }) => path[1] === member)),
  );
  return check(sharedMailbox, { ...required, [property]: some }, undefined).problems.length === 0 ? some : value;
}

function isMembers(value: unknown): value is Properties {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * Everything around a mailbox that any property needs, as if all of them were declared. What the application may not read is
 * left unread: it is not managed then.
 */
async function observedWhole(
  seen: { mailbox: Mailbox; user: User },
  everything: Properties,
  desired: Desired,
  operation: SharedMailboxOperation,
  notes: string[],
): Promise<Observed> {
  try {
    // A licence is kept on removal, so it is never declared, and reading it takes a permission of its own.
    const { license: _license, ...all } = everything;
    const managed = Object.fromEntries(Object.entries(all).map(([property, value]) => [property, value ?? true]));
    return await around(seen, desired, { ...operation, known: knowing(managed) });
  } catch (error) {
    // Where two services were asked, the refusal lies beneath.
    const isForbidden = [error, error instanceof Error ? error.cause : undefined].some((one) =>
      isClass(one, "forbidden"),
    );
    if (!isForbidden || !(error instanceof Error)) {
      throw error;
    }
    notes.push(`What the application may not read is not declared: ${error.message}`);
    return around(seen, undefined, { ...operation, known: knowing({}) });
  }
}

/** Forwarding as it may be declared: what is there already, and loses mail, has to be allowed in so many words. */
function allowed(value: unknown, { forwardsTo }: Observed): unknown {
  const forwarding = value as { keepCopy: boolean };
  return forwarding.keepCopy || forwardsTo !== undefined ? forwarding : { ...forwarding, allowLoss: true };
}

function propertyOf(path: string): string {
  return path.split(/[.[]/)[0] ?? "";
}
