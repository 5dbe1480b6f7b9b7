import {
  type Description,
  happeningsOfRecord,
  isDeclared,
  mockAddress,
  mockId,
  mockOfRecord,
  seenRecord,
  usesOfRecord,
} from "../description";
import { properties } from "./desired";
import { individualMailbox } from "./reconciler";

/** The mailbox record of a user or queue of Dynamics 365. */
export const description: Description = {
  reconciler: individualMailbox,
  service: "dynamics",
  uses(inputs) {
    const { user, queue, emailAddress } = inputs;
    return {
      ...usesOfRecord(inputs),
      queues: isDeclared(queue),
      owners: isDeclared(user) || isDeclared(queue),
      userAddresses: isDeclared(user) && isDeclared(emailAddress),
    };
  },
  review: { happenings: happeningsOfRecord },
  mock: {
    id: ({ user, queue }) => mockId(`mailbox record of ${user ?? queue}`),
    outputs: ({ user, queue }) => ({
      ...mockOfRecord(),
      regarding: mockId(user ?? queue),
      knownAs: [String(user ?? queue).toLowerCase()],
    }),
    read: (asked) => ({ user: mockAddress(asked), emailAddress: mockAddress(asked) }),
  },
  tables: [{ table: properties, seen: seenRecord }],
  samples: [
    { user: "ada@contoso.com" },
    { user: "ada@contoso.com", incomingEmail: "ServerSideSynchronization", testAndEnable: "again" },
  ],
};
