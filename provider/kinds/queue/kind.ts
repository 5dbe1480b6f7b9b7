import { queueOf } from "../../services/dataverse";
import {
  type Description,
  happeningsOfRecord,
  isDeclared,
  mockAddress,
  mockId,
  mockOfRecord,
  readByDynamics,
  seenRecord,
  seenWith,
  usesOfRecord,
} from "../description";
import { ofRecord, properties } from "./desired";
import { queue } from "./reconciler";

/** A queue of Dynamics 365, with its mailbox record. */
export const description: Description = {
  reconciler: queue,
  service: "dynamics",
  uses: (inputs) => ({ ...usesOfRecord(inputs), queues: true, owners: isDeclared(inputs.owner) }),
  review: {
    happenings: happeningsOfRecord,
    mail: ({ before, after }) => [readByDynamics(before, after)],
  },
  mock: {
    id: (_inputs, name) => mockId(`queue ${name}`),
    outputs: (_inputs, id) => ({
      ...mockOfRecord(),
      regarding: id,
      mailboxId: mockId(`mailbox record of ${id}`),
      ownerId: mockId("the owner"),
    }),
    read: (asked) => ({ name: asked, emailAddress: mockAddress(asked) }),
  },
  tables: [
    { table: properties, seen: (raw, inputs) => seenWith(queueOf(raw), inputs) },
    { table: ofRecord, seen: seenRecord },
  ],
  samples: [
    { name: "Contoso Desk", emailAddress: "grace@contoso.com" },
    { name: "Contoso Service Desk", emailAddress: "grace@contoso.com", emailFiltering: "EmailEnabledRecords" },
  ],
};
