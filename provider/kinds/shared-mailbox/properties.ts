import { decodeHTMLStrict } from "entities/decode";
import { z } from "zod";
import { displayText, flag, orNone } from "../../core/canonical";
import { writeAndRecord } from "../../core/kind";
import { isSet, type Removal, tableOf, type Value } from "../../core/properties";
import { type Row, sameText, text } from "../../http/json";
import { changing, type Facet, inTable, writtenInputs } from "./facet";

/** Characters of a MailTip that are shown (Exchange). */
const MAIL_TIP = 175;
/** Characters of a custom attribute (Exchange). */
const ATTRIBUTE = 1024;

const ALIAS = /^[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]+(\.[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]+)*$/;

/** A switch that a column of one name shows and a parameter of the same name sets. */
function switchIn(column: string, byDefault: boolean): Value<Row> {
  return {
    columns: [column],
    read: (row) => row[column] === true,
    write: (value) => ({ [column]: value }),
    removal: { to: byDefault },
  };
}

/** A way into the mailbox that a column of one name shows and a parameter of the same name opens or closes. Nothing closes it at first. */
function openIn(column: string): Value<Row> {
  return { ...switchIn(column, true), read: (row) => row[column] !== false };
}

/** A text that a column of one name shows and a parameter of the same name sets; blanks around it say nothing. */
function textIn(column: string, removal: Removal): Value<Row> {
  return {
    columns: [column],
    read: (row) => text(row[column]).trim() || null,
    write: (value) => ({ [column]: value }),
    removal,
    canBeNone: true,
  };
}

const aliasSchema = z
  .string({ error: "must be text: the mail nickname, e.g. support" })
  .refine((value) => value.length <= 64, { error: "is longer than 64 characters" })
  .refine((value) => ALIAS.test(value), {
    error:
      "is empty or has characters Exchange does not allow; write letters, digits and !#$%&'*+-/=?^_`{|}~, with dots only inside",
  });

/** A MailTip; canonical form: the text that is shown. */
const mailTipSchema = z
  .string({ error: "must be text that people see when they write to the mailbox, or false for no MailTip" })
  .refine((text) => !hasMarkup(text), {
    error: "contains html, which a MailTip does not take; write plain text, in which & and < are fine",
  })
  .transform(canonicalMailTip)
  .refine((text) => text !== "", { error: "is empty; write false to have no MailTip" })
  .refine((text) => text.length <= MAIL_TIP, { error: `shows more than ${MAIL_TIP} characters` });

/** Custom attributes by number. False declares that one is not set; a null member is left out, like a missing one. */
const attributesSchema = z
  .record(z.string(), z.unknown(), {
    error: 'must be a map from "1" … "15" to text, or to false for one that is not set',
  })
  .transform((map, context) => {
    const issue = (key: string, message: string) => context.addIssue({ code: "custom", path: [key], message });
    const canonical: Record<string, string | false> = {};
    for (const [key, value] of Object.entries(map)) {
      if (!/^([1-9]|1[0-5])$/.test(key)) {
        issue(key, "is not a custom attribute; they are numbered 1 to 15");
      } else if (value === false) {
        canonical[key] = false;
      } else if (value !== null && typeof value !== "string") {
        issue(key, "must be text, or false to have it unset");
      } else if (value !== null && value.trim() === "") {
        issue(key, "is empty; write false to have it unset");
      } else if (value !== null && value.trim().length > ATTRIBUTE) {
        issue(key, `is longer than ${ATTRIBUTE} characters`);
      } else if (value !== null) {
        canonical[key] = value.trim();
      }
    }
    return canonical;
  });

/** What `Get-Mailbox` shows and `Set-Mailbox` sets, each property once. What is more than that stands in a file of its own. */
export const mailboxProperties = tableOf<Row>()({
  displayName: {
    schema: displayText("the name people see, e.g. Contoso Support", 256),
    columns: ["DisplayName"],
    read: ({ DisplayName: name }) => text(name),
    write: (value) => ({ DisplayName: value }),
    removal: "keep",
  },
  alias: {
    schema: aliasSchema.optional(),
    columns: ["Alias"],
    read: ({ Alias: alias }, declared) => (sameText(text(alias), String(declared)) ? declared : text(alias)),
    write: (value) => ({ Alias: value }),
    removal: "keep",
  },
  hiddenFromAddressLists: { schema: flag().optional(), ...switchIn("HiddenFromAddressListsEnabled", false) },
  requireSenderAuthentication: { schema: flag().optional(), ...switchIn("RequireSenderAuthenticationEnabled", false) },
  mailTip: {
    schema: orNone(mailTipSchema).optional(),
    columns: ["MailTip"],
    read: ({ MailTip: html }) => displayedMailTip(text(html)) || null,
    write: (value) => ({ MailTip: value === null ? null : mailTipHtml(String(value)) }),
    removal: { to: null },
    canBeNone: true,
  },
  customAttributes: {
    schema: attributesSchema.optional(),
    members: Object.fromEntries(
      Array.from({ length: 15 }, (_, index) => [`${index + 1}`, textIn(`CustomAttribute${index + 1}`, { to: null })]),
    ),
  },
  copySentItems: {
    schema: z
      .strictObject(
        { sentAs: flag().optional(), sentOnBehalf: flag().optional() },
        { error: "must be an object: { sentAs: true, sentOnBehalf: true }" },
      )
      .optional(),
    members: {
      sentAs: switchIn("MessageCopyForSentAsEnabled", false),
      sentOnBehalf: switchIn("MessageCopyForSendOnBehalfEnabled", false),
    },
  },
});

/** The properties of {@link mailboxProperties}, written with `Set-Mailbox`. */
export const settings: Facet = {
  ...inTable(mailboxProperties, ({ mailbox: { row } }) => row),
  parameters: (changes) => mailboxProperties.parameters(changes),
};

/** What `Get-CASMailbox` shows and `Set-CASMailbox` sets. */
export const clientAccessProperties = tableOf<Row>()({
  protocols: {
    schema: z
      .strictObject(
        {
          owa: flag().optional(),
          mapi: flag().optional(),
          activeSync: flag().optional(),
          ews: flag().optional(),
          pop: flag().optional(),
          imap: flag().optional(),
          smtpAuth: flag().optional(),
        },
        { error: "must be an object of true and false, e.g. { imap: false, pop: false, smtpAuth: false }" },
      )
      .optional(),
    members: {
      owa: openIn("OWAEnabled"),
      mapi: openIn("MAPIEnabled"),
      activeSync: openIn("ActiveSyncEnabled"),
      ews: openIn("EwsEnabled"),
      pop: openIn("PopEnabled"),
      imap: openIn("ImapEnabled"),
      smtpAuth: {
        columns: ["SmtpClientAuthenticationDisabled"],
        // Not set, the organisation's setting counts: that is neither of the two.
        read: ({ SmtpClientAuthenticationDisabled: isOff }) => (typeof isOff === "boolean" ? !isOff : null),
        write: (value) => ({ SmtpClientAuthenticationDisabled: value === null ? null : value !== true }),
        removal: { to: null },
      },
    },
  },
});

/** The properties of {@link clientAccessProperties}; a mailbox is asked for them only where one is declared. */
export const clientAccess: Facet = {
  ...inTable(clientAccessProperties, ({ clientAccess: row }) => row),

  async look({ mailbox }, managed, { services: { mailboxes } }) {
    return clientAccessProperties.names.some((name) => isSet(managed[name]))
      ? { clientAccess: await mailboxes.clientAccess(mailbox, clientAccessProperties.columns) }
      : {};
  },

  async apply(changes, { inputs }, { mailbox }, operation) {
    const own = clientAccessProperties.own(changes);
    if (own.length === 0) {
      return;
    }
    await writeAndRecord(
      () =>
        operation.services.mailboxes.setClientAccess(
          mailbox,
          clientAccessProperties.parameters(own),
          changing(own, mailbox),
          operation,
        ),
      () => operation.record({ inputs: writtenInputs(own, inputs, operation.known) }),
    );
  },
};

/** What may be a reference to a character, and an ampersand that is none. */
const REFERENCE = /&(?:#\d{1,7};|#x[0-9a-f]{1,6};|[a-z][a-z0-9]*;)?/gi;

/** Replaces html's references to characters, such as `&eacute;` and `&#233;`, each once; those that html does not have stay. */
function decoded(html: string): string {
  return html.replace(REFERENCE, (reference) => decodeHTMLStrict(reference));
}

/** Html in which every character stands as itself, but those that would then be something else: they have one reference each. */
export function withOneSpelling(html: string): string {
  return html.replace(REFERENCE, (reference) =>
    decodeHTMLStrict(reference).replaceAll("&", "&amp;").replaceAll("<", "&lt;"),
  );
}

/** Whether a text has a reference in it that {@link decoded} replaces. */
function hasReference(text: string): boolean {
  return decoded(text) !== text;
}

/** Elements that a text meant as html is likely to have. Other words in angle brackets are text. */
const MARKUP =
  /<!(?:--|doctype\b)|<\/?(?:a|b|body|br|center|div|em|font|h[1-6]|head|hr|html|i|img|li|ol|p|pre|span|strong|style|table|tbody|td|th|tr|u|ul)(?:\s+[\w-]+=[^<>]*)?\s*\/?>/i;

/** A MailTip in canonical form: white space as one blank, as html shows it. */
export function canonicalMailTip(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}

/** Whether a text is meant as html, which a MailTip does not take: it would be shown with its tags. */
export function hasMarkup(text: string): boolean {
  return MARKUP.test(text) || hasReference(text);
}

/** How a text goes into Exchange, which puts an html document around it and takes what is in it for html. */
export function mailTipHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** What a reader sees of a MailTip as Exchange keeps it: html taken off, references as the characters they stand for. */
export function displayedMailTip(html: string): string {
  const text = html
    .replace(/<!--[\s\S]*?-->/g, "")
    .replace(/<\/?(?:br|p|div)\b[^<>]*>/gi, " ")
    .replace(/<[/!]?[a-z][^<>]*>/gi, "");
  return canonicalMailTip(decoded(text));
}
