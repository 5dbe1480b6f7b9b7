import { z } from "zod";
import { isGuid } from "../../services/recipients";
import { displayText, orNone } from "../canonical";

/** The name or id of a server profile, or false for none. */
export const serverProfile = orNone(
  displayText("the name or id of an e-mail server profile, e.g. Microsoft Exchange Online", 100),
);

const needed = (what: string, code: string) =>
  z
    .string({ error: `is missing or no text; Dynamics needs ${what} with credentials (${code})` })
    .refine((value) => value !== "", { error: `is empty; Dynamics needs ${what} with credentials (${code})` })
    .refine((value) => value.length <= 200, { error: "is longer than 200 characters" });

/** What a record signs in with, or false for nothing. It is not trimmed: what a server takes is for the server to say. */
export const credentials = orNone(
  z.strictObject(
    { userName: needed("a user name", "0x8005E209"), password: needed("a password", "0x8005E24E") },
    {
      error: (issue) =>
        issue.code === "unrecognized_keys" ? undefined : "must be { userName, password }, or false for none",
    },
  ),
);

/** Whether and how Test & Enable is run. */
export const testAndEnable = z.union([z.boolean(), z.string(), z.strictObject({ require: z.boolean() })], {
  error: "must be true, false, a text whose change runs the test again, or { require: true }",
});

/** What is done with a row when its resource is deleted. */
export const deletion = z.enum(["delete", "retain"], { error: 'must be "delete" or "retain"' });

/** Whether a row that is there already is taken over: the one with the address, or the one with this id. */
export const adopt = z
  .union([z.boolean(), z.string()], { error: "must be true, false or the id of the row to take over" })
  .transform((value) => (typeof value === "string" ? value.trim().toLowerCase() : value))
  .refine((value) => typeof value === "boolean" || isGuid(value), {
    error: "is no id; write true, or the id of the row to take over",
  });

const LOOPBACK = /^(127\.0\.0\.1|localhost)$/;

/** The origin of a Dataverse environment; canonical form without a slash at the end. */
export const environmentUrl = z
  .string({ error: "must be text: the address of a Dataverse environment, e.g. https://contoso.crm4.dynamics.com" })
  .transform((value) => value.trim())
  .refine(isOrigin, {
    error: "must be the https:// address of a Dataverse environment, e.g. https://contoso.crm4.dynamics.com",
  })
  .transform((value) => new URL(value).origin);

function isOrigin(value: string): boolean {
  if (!URL.canParse(value)) {
    return false;
  }
  const { protocol, hostname, pathname, search, hash, username, password } = new URL(value);
  const isSafe = protocol === "https:" || (protocol === "http:" && LOOPBACK.test(hostname));
  return isSafe && pathname === "/" && [search, hash, username, password].every((part) => part === "");
}
