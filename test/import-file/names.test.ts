import fc from "fast-check";
import ts from "typescript";
import { namesOf } from "../../provider/import-file";

const named = (...addresses: string[]) =>
  Object.fromEntries([...namesOf(addresses)].map(([address, { name, variable }]) => [address, `${name} ${variable}`]));

describe("names of mailboxes", () => {
  test("are the local part, and the domain too where two share it", () => {
    expect(named("help-desk@contoso.com", "info@contoso.com", "info@fabrikam.example")).toEqual({
      "help-desk@contoso.com": "help-desk helpDesk",
      "info@contoso.com": "info-contoso-com infoContosoCom",
      "info@fabrikam.example": "info-fabrikam-example infoFabrikamExample",
    });
  });

  test("keep apart what differs only in characters a name cannot have", () => {
    const names = [...namesOf(["a.b@contoso.com", "a-b@contoso.com", "a.b@con-toso.com"]).values()];
    expect(new Set(names.map(({ name }) => name)).size).toBe(3);
    expect(new Set(names.map(({ variable }) => variable)).size).toBe(3);
    expect(names.map(({ name }) => name)).toContainEqual(expect.stringMatching(/^a-b-contoso-com-[a-z0-9]{10}$/));
  });

  test("are no words that cannot name a variable", () => {
    expect(named("new@contoso.com", "2024@contoso.com", "exports@contoso.com", "_@contoso.com")).toEqual({
      "new@contoso.com": "new newMailbox",
      "2024@contoso.com": "2024 mailbox2024",
      "exports@contoso.com": "exports exportsMailbox",
      "_@contoso.com": "mailbox mailbox",
    });
  });

  const address = fc
    .tuple(
      fc.string({ unit: fc.constantFrom(..."ab1.-_'+"), minLength: 1, maxLength: 4 }),
      fc.constantFrom("contoso.com", "contoso-com.example", "members.example"),
    )
    .map(([local, domain]) => `${local}@${domain}`);
  const some = fc.uniqueArray(
    fc.oneof(address, fc.constantFrom("new@contoso.com", "a-members@contoso.com", "newmailbox@contoso.com")),
    { minLength: 1, maxLength: 12 },
  );

  test("are unique, identifiers, and the same whatever the order", () => {
    fc.assert(
      fc.property(some, (addresses) => {
        const names = namesOf(addresses);
        const all = [...names.values()];
        const logical = all.flatMap(({ name }) => [name, `${name}-members`]);
        expect(new Set(logical).size).toBe(logical.length);
        expect(new Set(all.map(({ variable }) => variable)).size).toBe(all.length);
        for (const { name, variable } of all) {
          expect(name).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/);
          const scanner = ts.createScanner(ts.ScriptTarget.ES2022, true, ts.LanguageVariant.Standard, variable);
          expect(scanner.scan()).toBe(ts.SyntaxKind.Identifier);
          expect(scanner.scan()).toBe(ts.SyntaxKind.EndOfFileToken);
        }
        expect(new Map([...namesOf([...addresses].reverse())].sort())).toEqual(new Map([...names].sort()));
      }),
    );
  });
});
