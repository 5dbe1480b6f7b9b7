import * as pulumi from "@pulumi/pulumi";
import { canonicalPaths, keyedInput } from "../../provider/resources/dynamic-resource";

test("a list or a map becomes a map with canonical keys, and exact duplicates of a list merge", () => {
  const map = { "ada@contoso.com": {}, "grace@contoso.com": {} };
  expect(keyedInput(["Ada@Contoso.com", " grace@contoso.com", "Ada@Contoso.com"])).toEqual(map);
  expect(keyedInput({ "Ada@Contoso.com ": {}, "GRACE@contoso.com": {} })).toEqual(map);
});

test("what the provider must refuse stays as it is written", () => {
  for (const input of [
    ["Ada@contoso.com", "ada@contoso.com"],
    { "Ada@c.com": {}, "ada@C.com": {} },
    ["Ada"],
    "text",
    7,
  ]) {
    expect(keyedInput(input)).toBe(input);
  }
});

test("what is still to come passes as it is", async () => {
  const output = pulumi.output(["ada@contoso.com"]);
  expect(keyedInput(output)).toBe(output);
  const list = ["ada@contoso.com", pulumi.output("grace@contoso.com")];
  expect(await keyedInput(list)).toBe(list);
});

test.each([
  ['members["Ada@Contoso.com"]', 'members["ada@contoso.com"]'],
  ["members['Ada@Contoso.com']", 'members["ada@contoso.com"]'],
  ["members[Ada@Contoso.com]", 'members["ada@contoso.com"]'],
  ['members[ "Ada@Contoso.com" ].sendAs', 'members["ada@contoso.com"].sendAs'],
  ['["members"]["Ada@Contoso.com"]', 'members["ada@contoso.com"]'],
  ["['members']['Ada@Contoso.com'].sendAs", 'members["ada@contoso.com"].sendAs'],
  ['["members"].Ada@Contoso.com["sendAs"]', 'members["ada@contoso.com"]["sendAs"]'],
  ["members.Ada@Contoso.com", 'members["ada@contoso.com"]'],
  ["members.Ada.Lovelace@Mail.Contoso.com.sendAs", 'members["ada.lovelace@mail.contoso.com"].sendAs'],
  ["members.Ada@Contoso.com.until", 'members["ada@contoso.com"].until'],
  ["members.Ada@Contoso.com.otherRights[0]", 'members["ada@contoso.com"].otherRights[0]'],
  ['["members"]', '["members"]'],
  ['["members"][*].sendAs', '["members"][*].sendAs'],
  ["members.10CA17E4-A001-4000-8000-000000000001.sendAs", 'members["10ca17e4-a001-4000-8000-000000000001"].sendAs'],
  ["members.*.sendAs", "members.*.sendAs"],
  ["members[*].sendAs", "members[*].sendAs"],
  ["members[0]", "members[0]"],
  ["members", "members"],
  ['membersOf["A"]', 'membersOf["A"]'],
  ["exclusive", "exclusive"],
])("a path of an option, %s, names %s", (path, canonical) => {
  expect(canonicalPaths([path], ["members"])).toEqual([canonical]);
});
