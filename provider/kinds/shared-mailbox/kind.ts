import { type Description, isDeclared, mockAddress, mockId } from "../description";
import { accountProperties, typeProperties } from "./account";
import { limitProperties } from "./limits";
import { comparedColumns } from "./observation";
import { clientAccessProperties, mailboxProperties } from "./properties";
import { sharedMailbox } from "./reconciler";
import { archiveProperties, holdProperties } from "./retention";
import { review } from "./review";
import { survey } from "./survey";

/** A shared mailbox. */
export const description: Description = {
  reconciler: sharedMailbox,
  service: "exchange",
  mailboxColumns: comparedColumns,
  uses({ license, automaticReplies, regional, litigationHold }) {
    const usageLocation =
      typeof license === "object" ? (license as { usageLocation?: unknown } | null)?.usageLocation : undefined;
    return [
      "mailboxes",
      ...(isDeclared(license) && license !== "external" ? (["licences"] as const) : []),
      ...(isDeclared(usageLocation) ? (["usageLocation"] as const) : []),
      ...(isDeclared(automaticReplies) || isDeclared(regional) ? (["settings"] as const) : []),
      ...(litigationHold === undefined ? [] : (["holds"] as const)),
    ];
  },
  review,
  survey,
  mock: {
    id: ({ primarySmtpAddress }) => mockId(primarySmtpAddress),
    outputs: ({ primarySmtpAddress, alias, emailAliases, signInBlocked }, id) => ({
      userPrincipalName: primarySmtpAddress,
      mailNickname: alias ?? String(primarySmtpAddress).split("@")[0],
      exchangeGuid: mockId(`${id} in Exchange`),
      addresses: [
        `SMTP:${primarySmtpAddress}`,
        ...((emailAliases ?? []) as string[]).map((address) => `smtp:${address}`),
      ].sort(),
      recipientTypeDetails: "SharedMailbox",
      accountEnabled: signInBlocked === false,
      createdAt: "2026-01-01T00:00:00.000Z",
      created: true,
      holds: [],
      size: 0,
      itemCount: 0,
    }),
    read: (asked) => ({
      displayName: asked,
      primarySmtpAddress: mockAddress(asked),
      signInBlocked: true,
      created: false,
    }),
  },
  tables: [
    { table: mailboxProperties },
    { table: clientAccessProperties },
    { table: limitProperties },
    { table: holdProperties },
    { table: accountProperties, commanded: ({ signInBlocked }) => ({ accountEnabled: signInBlocked !== true }) },
    { table: archiveProperties, commanded: ({ archive }) => ({ hasArchive: archive }) },
    { table: typeProperties, commanded: ({ type }) => ({ recipientTypeDetails: type }) },
  ],
  samples: [
    { displayName: "Contoso Desk", primarySmtpAddress: "desk@contoso.com" },
    {
      displayName: "Contoso Service Desk",
      primarySmtpAddress: "desk@contoso.com",
      emailAliases: ["help-desk@contoso.com"],
      hiddenFromAddressLists: true,
    },
  ],
};
