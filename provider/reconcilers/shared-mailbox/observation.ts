import type { User } from "../../services/graph";
import type { Mailbox } from "../../services/mailboxes";
import type { Operation } from "../reconciler";
import { addresses } from "./addresses";
import { archive } from "./archive";
import type { Desired, Observed } from "./desired";
import { type Facet, isSet } from "./facet";
import { forwarding, forwardsTo } from "./forwarding";
import { license } from "./license";
import { limits } from "./limits";
import { litigationHold } from "./litigation-hold";
import { mailboxSettings } from "./mailbox-settings";
import { members } from "./members";
import { settings } from "./settings";
import { signIn } from "./sign-in";
import { type } from "./type";

/** All groups of properties, in the order in which they are written; the licence after what may need the old one. */
export const facets: readonly Facet[] = [
  settings,
  members,
  addresses,
  forwarding,
  mailboxSettings,
  signIn,
  type,
  limits,
  litigationHold,
  archive,
  license,
];

/** A mailbox with everything around it that the inputs of the program or the state need. */
export async function around(
  seen: { mailbox: Mailbox; user: User },
  desired: Desired | undefined,
  operation: Operation,
): Promise<Observed> {
  const managed = { ...operation.state, ...desired?.inputs };
  const [recipient, ...looks] = await Promise.all([
    forwardsTo(seen.mailbox, desired, operation),
    ...facets.map((facet) => {
      const names = facet.properties.filter((property) => isSet(managed[property])).join(", ");
      return operation.readIfAllowed(`${names} of ${seen.mailbox.primarySmtpAddress}`, async () =>
        facet.look?.(seen, managed, operation, desired),
      );
    }),
  ]);
  return { ...seen, forwardsTo: recipient, ...Object.assign({}, ...looks) };
}
