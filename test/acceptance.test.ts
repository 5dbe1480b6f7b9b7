import fc from "fast-check";
import { Pseudonyms } from "../provider/acceptance/record";

const hex = (length: number) =>
  fc.string({ unit: fc.constantFrom(..."0123456789abcdef"), minLength: length, maxLength: length });
const letters = (least: number, most: number) =>
  fc.string({ unit: fc.constantFrom(..."abcdefghijklmnopqrstuvwxyzäöéñ"), minLength: least, maxLength: most });
const name = fc
  .tuple(letters(3, 9), letters(3, 9))
  // No word of a service begins so: whatever is found of it came from the name.
  .map((parts) => parts.map((part) => `Zq${part}`).join(" "));
const guid = fc.tuple(hex(8), hex(4), hex(4), hex(4), hex(12)).map((parts) => parts.join("-"));
const domain = fc
  .tuple(letters(4, 9), fc.constantFrom("com", "org", "de", "co.uk", "onmicrosoft.com"))
  .map(([label, top]) => `zq${label.replace(/[^a-z]/g, "x")}.${top}`);
const address = fc
  .tuple(letters(3, 8), letters(3, 8), domain)
  .map(([first, last, host]) => `zq${first}.${last}@${host}`);
const sid = fc
  .array(fc.integer({ min: 100_000, max: 4_000_000_000 }), { minLength: 4, maxLength: 4 })
  .map((parts) => `S-1-5-21-${parts.join("-")}`);
const token = fc.tuple(hex(30), hex(40), hex(20)).map(([a, b, c]) => `eyJ${a}.${b}.${c}`);
const person = fc.record({ name, guid, address, domain, sid, token });
type Person = { name: string; guid: string; address: string; domain: string; sid: string; token: string };

/** Every place where the services say who somebody is, in the shapes they really have. */
function bodies({ name: full, guid: id, address: mail, domain: host, sid: own, token: bearer }: Person): unknown[] {
  return [
    {
      value: [
        { DisplayName: full, Guid: id, PrimarySmtpAddress: mail, EmailAddresses: [`SMTP:${mail}`, `smtp:x@${host}`] },
      ],
    },
    { value: [{ User: mail, UserSid: own, AccessRights: ["FullAccess"], Identity: full, IsInherited: false }] },
    { "@odata.context": `https://graph.microsoft.com/v1.0/$metadata#users('${id}')/mailboxSettings`, DomainName: host },
    {
      error: {
        code: "NotFound",
        message: `The operation couldn't be performed because object '${full}' couldn't be found.`,
      },
    },
    {
      error: {
        code: "x",
        details: [{ message: `Ex1472D1|Microsoft.X|The address "SMTP:${mail}" is used by ${full} (${own}).` }],
      },
    },
    { "@adminapi.warnings": [`${full} already has ${mail}`, `Authorization: Bearer ${bearer}`] },
    { LegacyExchangeDN: `/o=ExchangeLabs/ou=Exchange Administrative Group/cn=Recipients/cn=${id}-${full}` },
    { DistinguishedName: `CN=${full},OU=${host},DC=EURPR01,DC=PROD,DC=OUTLOOK,DC=COM`, mobilePhone: "+49 171 1234567" },
    { CmdletInput: { CmdletName: "Get-Mailbox", Parameters: { Filter: `EmailAddresses -eq '${mail}'` } } },
  ];
}

test("nothing of a person is left, wherever the services put it", () => {
  fc.assert(
    fc.property(person, (someone) => {
      const pseudonyms = new Pseudonyms();
      const all = bodies(someone);
      for (const body of all) {
        pseudonyms.learnFrom(body);
      }
      const links = [
        `https://outlook.office365.com/adminapi/beta/${someone.guid}/InvokeCommand`,
        `https://graph.microsoft.com/v1.0/users/${encodeURIComponent(someone.address)}?$filter=${encodeURIComponent(`startswith(displayName,'${someone.name}')`)}`,
        `https://${someone.domain}/api/data/v9.2/systemusers(${someone.guid})`,
      ];
      const written = JSON.stringify([
        all.map((body) => pseudonyms.value(body)),
        links.map((link) => pseudonyms.link(link)),
      ]);
      const text = written.toLowerCase();
      const { name: full, ...rest } = someone;
      for (const part of [...full.split(" "), ...Object.values(rest), someone.address.split("@")[0] ?? ""]) {
        expect(text.includes(part.toLowerCase()) ? [part, written] : "gone").toBe("gone");
      }
    }),
    { numRuns: 300 },
  );
});

test("a sentence alone, about people who were seen nowhere else, names nobody", () => {
  fc.assert(
    fc.property(person, ({ name: full, address: mail, guid: id }) => {
      const written = new Pseudonyms().text(
        `User ${full} <${mail}> (${id}) isn't a member; ask ${full.toUpperCase()}.`,
      );
      for (const part of [...full.split(" "), mail, id]) {
        expect(written.toLowerCase().includes(part.toLowerCase()) ? [part, written] : "gone").toBe("gone");
      }
    }),
    { numRuns: 300 },
  );
});

test("the same value has the same pseudonym, whatever its case and wherever it stands", () => {
  const pseudonyms = new Pseudonyms();
  const row = pseudonyms.value({ PrimarySmtpAddress: "Ada@contoso.com", Guid: "10ca17e4-a001-4000-8000-000000000001" });
  expect(row).toEqual({ PrimarySmtpAddress: "address-1", Guid: "id-1" });
  expect(pseudonyms.link("/users/ada%40contoso.com/x('10CA17E4-A001-4000-8000-000000000001')")).toBe(
    "/users/address-1/x('id-1')",
  );
  expect(pseudonyms.text("The mailbox ADA@contoso.com isn't there.")).toBe("The mailbox address-1 isn't there.");
  expect(pseudonyms.value({ PrimarySmtpAddress: "grace@contoso.com" })).toEqual({ PrimarySmtpAddress: "address-2" });
});

test("what the services say in their own words stays readable", () => {
  const pseudonyms = new Pseudonyms();
  const body = {
    "@odata.context":
      "https://outlook.office365.com/adminapi/beta/10ca17e4-a000-4000-8000-000000000001/$metadata#Collection",
    error: {
      code: "BadRequest",
      message: "The batch request exceeds the maximum of 10 requests.",
      innererror: { type: "Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException" },
    },
    RecipientTypeDetails: "SharedMailbox",
    AccessRights: ["FullAccess"],
    ProhibitSendQuota: "49.5 GB (53,150,220,288 bytes)",
    WhenCreated: "2026-11-28T09:00:00.0000000+00:00",
    IsShared: true,
    emailrouteraccessapproval: 2,
  };
  expect(pseudonyms.value(body)).toEqual({
    ...body,
    "@odata.context": "https://outlook.office365.com/adminapi/beta/id-1/$metadata#Collection",
  });
  expect(pseudonyms.text("AADSTS700024: Client assertion is not within its valid time range.")).toBe(
    "AADSTS700024: Client assertion is not within its valid time range.",
  );
});
