import fc from "fast-check";
import { guidFor, hashOf, type Origin } from "../../provider/core/kind";
import { aliasCandidates, markOf } from "../../provider/kinds/shared-mailbox/naming";

const urn = (
  parts: { stack?: string; project?: string; parents?: string; token?: string; name?: string } = {},
): string => {
  const { stack = "dev", project = "contoso", parents = "", name = "support" } = parts;
  const { token = "pulumi-nodejs:dynamic/mailboxes:SharedMailbox" } = parts;
  return `urn:pulumi:${stack}::${project}::${parents}${token}::${name}`;
};

const originOf = (born: string): Origin => ({ urn: born, born });

test("an origin is the same through either door: the type token stays out", () => {
  const door = originOf(urn());
  const plugin = originOf(urn({ token: "mailboxes:index:SharedMailbox" }));
  expect(hashOf(plugin)).toBe(hashOf(door));
});

test.each([
  { stack: "prod" },
  { project: "fabrikam" },
  { parents: "contoso:index:Team$" },
  { token: "pulumi-nodejs:dynamic/mailboxes:ForwardingMailbox" },
  { name: "other" },
  { name: "support::two" },
])("an origin differs with %j", (parts) => {
  expect(hashOf(originOf(urn(parts)))).not.toBe(hashOf(originOf(urn())));
  expect(guidFor(originOf(urn(parts)), "x")).not.toBe(guidFor(originOf(urn()), "x"));
});

test("hash and guid have their form for every name", () => {
  fc.assert(
    fc.property(fc.string(), (name) => {
      const origin = originOf(urn({ name }));
      expect(hashOf(origin)).toMatch(/^[a-z0-9]{10}$/);
      expect(guidFor(origin, name)).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/);
      expect(hashOf({ ...origin, urn: "another" })).toBe(hashOf(origin));
    }),
  );
});

test("the aliases that are tried begin with the local part itself and suit Exchange, whatever it is", () => {
  const local = fc.stringMatching(/^[a-z0-9!#$%&'*+/=?^_`{|}~-]{1,32}(\.[a-z0-9-]{1,31})?$/);
  const label = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/);
  fc.assert(
    fc.property(local, label, (name, domain) => {
      const some = [...aliasCandidates(`${name}@${domain}.example`)].slice(0, 12);
      expect(some[0]).toBe(name);
      expect(new Set(some).size).toBe(12);
      for (const alias of some) {
        expect(alias.length).toBeLessThanOrEqual(64);
        expect(alias).toMatch(/^[a-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/);
      }
    }),
  );
  expect([...aliasCandidates("info@fabrikam.example")].slice(0, 3)).toEqual([
    "info",
    "info-fabrikam",
    "info-fabrikam-2",
  ]);
});

test("a mark fits into initials, and stands for resource and address", () => {
  const mark = markOf("info@contoso.com", originOf(urn()));
  expect(mark).toMatch(/^[a-z0-9]{6}$/);
  expect(markOf("info@fabrikam.example", originOf(urn()))).not.toBe(mark);
  expect(markOf("info@contoso.com", originOf(urn({ name: "other" })))).not.toBe(mark);
});
