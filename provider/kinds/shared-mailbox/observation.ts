import { z } from "zod";
import { type Found, isUnfit, type Properties, readOrFail, type Unfit, unfit } from "../../core/kind";
import { isSet } from "../../core/properties";
import { isObject } from "../../http/json";
import type { User } from "../../services/graph";
import type { Mailbox } from "../../services/mailboxes";
import { describe } from "../../services/recipients";
import { mailboxAndAccount, mailboxAsked } from "../recipients";
import { SHARED, signIn, type } from "./account";
import { addresses } from "./addresses";
import {
  type Desired,
  type HeldInputs,
  type KnownMailbox,
  memory,
  type Observed,
  type SharedMailboxOperation,
  schema,
} from "./desired";
import type { Facet } from "./facet";
import { forwarding, forwardsTo } from "./forwarding";
import { license, licenseAssigned } from "./license";
import { limitProperties, limits } from "./limits";
import { mailboxSettings } from "./mailbox-settings";
import { clientAccess, clientAccessProperties, mailboxProperties, settings } from "./properties";
import { archive, holdProperties, litigationHold } from "./retention";
import { SENDER_COLUMNS, senders } from "./senders";

/** Columns of `Get-Mailbox` that these properties compare. */
export const comparedColumns: readonly string[] = [
  ...mailboxProperties.columns,
  ...SENDER_COLUMNS,
  ...limitProperties.columns,
  ...holdProperties.columns,
];

/**
 * All groups of properties, in the order in which they apply their changes; they prepare in the reverse one. So sign-in is blocked before
 * all else, a mailbox of another type is made shared then, and a licence is there for what needs it. The licence goes after what needs no
 * licence any more, and sign-in is allowed last.
 */
export const facets: readonly Facet[] = [
  settings,
  clientAccess,
  senders,
  addresses,
  forwarding,
  mailboxSettings,
  limits,
  litigationHold,
  archive,
  license,
  type,
  signIn,
];

/** A mailbox with everything around it that the inputs of the program or the state need. */
export async function around(
  seen: { mailbox: Mailbox; user: User },
  desired: Desired | undefined,
  operation: SharedMailboxOperation,
): Promise<Observed> {
  const managed = { ...operation.known.inputs, ...desired?.inputs };
  const [{ recipient, candidates }, ...looks] = await Promise.all([
    forwardsTo(seen.mailbox, desired, operation),
    ...facets.flatMap(({ look, properties }) => {
      if (look === undefined) {
        return [];
      }
      const names = properties.filter((property) => isSet(managed[property])).join(", ");
      return [
        operation.readIfAllowed(`${names} of ${seen.mailbox.primarySmtpAddress}`, async () =>
          look(seen, managed, operation, desired),
        ),
      ];
    }),
  ]);
  return { ...seen, forwardsTo: recipient, forwardingCandidates: candidates, ...Object.assign({}, ...looks) };
}

/** All inputs as they are in the tenant; what the state does not hold is left out by the caller. */
export function asRead(observed: Observed, known: KnownMailbox): Properties {
  return Object.assign({}, ...facets.map((facet) => facet.read(observed, known)));
}

/** The shared mailbox that a program refers to, with every property as if all were declared. */
export async function read(asked: string, operation: SharedMailboxOperation): Promise<Found<Observed> | Unfit> {
  const answer = await mailboxAsked(asked, operation);
  if (isUnfit(answer)) {
    return answer;
  }
  const { mailbox, recipient } = answer;
  if (mailbox.recipientTypeDetails !== SHARED) {
    const { recipientTypeDetails } = mailbox;
    return unfit(`it is ${describe({ ...recipient, recipientTypeDetails })}, not a shared mailbox`);
  }
  // Do not guess whether the account may sign in: without a state there is no former value to keep.
  const seen = await mailboxAndAccount(mailbox.id, { ...operation, readIfAllowed: readOrFail });
  if (seen === undefined) {
    return unfit("it disappeared while it was read");
  }
  const what = (property: string) => `${property} of ${mailbox.primarySmtpAddress}`;
  const [observed, license, statistics] = await Promise.all([
    around(seen, undefined, { ...operation, known: managingAll() }),
    // Asked for by itself: a refresh looks only for the declared one.
    operation.readIfAllowed(what("license"), () => licenseAssigned(mailbox, operation)),
    operation.readIfAllowed(what("size and itemCount"), () => operation.services.mailboxes.statistics(mailbox)),
  ]);
  const inputs = asRead(observed, knowing(stateOfEverything()));
  return {
    observed: { ...observed, ...(statistics === undefined ? {} : { statistics }) },
    inputs: {
      ...Object.fromEntries(Object.entries(inputs).map(([property, value]) => [property, setMembers(value)])),
      license: license ?? null,
    },
    // Of a deployment that manages the mailbox, and there is none.
    outputs: { created: false, valuesBefore: null, assignedLicenseId: null },
  };
}

/** What a state would know that has these inputs, and in which nothing was deployed yet. */
export function knowing(inputs: Properties): KnownMailbox {
  return { id: undefined, inputs: inputs as HeldInputs, memory: memory.read({}) };
}

/** What a state would know that manages every property but the licence, which takes a permission of its own to read. */
export function managingAll(): KnownMailbox {
  const { license: _license, ...all } = stateOfEverything();
  return knowing(Object.fromEntries(Object.entries(all).map(([property, value]) => [property, value ?? true])));
}

/** A value without the members that are not set; null where none is. */
export function setMembers(value: unknown): unknown {
  if (!isObject(value)) {
    return value;
  }
  const members = Object.entries(value).filter(([, member]) => isSet(member));
  return members.length === 0 ? null : Object.fromEntries(members);
}

/** What a schema says of a value that matters here: the names of its members. */
interface Shape {
  properties?: Record<string, Shape>;
  anyOf?: Shape[];
  allOf?: Shape[];
}

let everything: Properties | undefined;

/**
 * A state that has every input and, of those that have members, every member, with nothing in it: a property that is managed
 * member by member is read for the members that a state has.
 */
export function stateOfEverything(): Properties {
  everything ??= wholeState();
  return everything;
}

function wholeState(): Properties {
  const { properties = {} } = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }) as Shape;
  const others = Object.entries(properties).map(([property, one]) => {
    const members = membersOf(one);
    return [property, members.length === 0 ? null : Object.fromEntries(members.map((member) => [member, null]))];
  });
  return { ...Object.fromEntries(others), ...mailboxProperties.everything, ...clientAccessProperties.everything };
}

function membersOf({ properties = {}, anyOf = [], allOf = [] }: Shape): string[] {
  return [...Object.keys(properties), ...[...anyOf, ...allOf].flatMap(membersOf)];
}
