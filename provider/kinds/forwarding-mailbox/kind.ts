import { mapOf } from "../../http/json";
import type { Side } from "../../review/preview";
import { type Directory, foreign, type MailChange, NONE, value, type Words } from "../../review/words";
import {
  type Description,
  happeningsOfRecord,
  isDeclared,
  mockAddress,
  mockId,
  mockIds,
  mockOfRecord,
  readByDynamics,
  seenRecord,
  usesOfRecord,
} from "../description";
import { properties } from "./desired";
import { forwardingMailbox } from "./reconciler";

/** A forward mailbox of Dynamics 365, with the rules that forward mail to it. */
export const description: Description = {
  reconciler: forwardingMailbox,
  service: "dynamics",
  uses: (inputs) => ({
    ...usesOfRecord(inputs),
    owners: isDeclared(inputs.owner),
    sources: Object.keys(mapOf(inputs.sources)).length > 0,
  }),
  review: {
    happenings: happeningsOfRecord,
    mail({ op, before, after }, directory) {
      const into = foreign(String(after?.inputs.emailAddress ?? before?.inputs.emailAddress ?? ""));
      const forwards: Words = ["forwarded to ", into, ", read by Dynamics 365"];
      const [old, now] = [sourcesOf(before, directory), sourcesOf(after, directory)];
      return [
        ...[...new Map([...old, ...now])].map(
          ([key, source]): MailChange => ({
            mailbox: [value(source)],
            what: "source of a forward mailbox",
            before: old.has(key) ? forwards : NONE,
            after: now.has(key) ? forwards : NONE,
            ...(old.has(key) || op === "delete" ? {} : { code: "source-added" }),
          }),
        ),
        readByDynamics(before, after),
      ];
    },
  },
  mock: {
    id: (_inputs, name) => mockId(`forward mailbox ${name}`),
    outputs: ({ sources }) => ({
      ...mockOfRecord(),
      incomingEmailStatus: "Success",
      isForwardMailbox: true,
      ownerId: mockId("the owner"),
      sourceIds: mockIds(sources),
      sourceRules: mockIds(sources),
    }),
    read: (asked) => ({ name: asked, emailAddress: mockAddress(asked) }),
  },
  tables: [{ table: properties, seen: seenRecord }],
  samples: [
    { name: "CRM intake", emailAddress: "ada@contoso.com" },
    {
      name: "CRM intake of mail",
      emailAddress: "ada@contoso.com",
      deleteAfterProcessing: true,
      sources: ["grace@contoso.com"],
    },
  ],
};

/** The sources of a forward mailbox, by what tells one from another however it is written. */
function sourcesOf(side: Side | undefined, { ids }: Directory): Map<string, string> {
  const { sources } = side?.inputs ?? {};
  const list =
    typeof sources === "object" && sources !== null
      ? Object.keys(sources)
      : sources === undefined
        ? []
        : [String(sources)];
  return new Map(list.map((text) => [ids.get(text.toLowerCase()) ?? text, text]));
}
