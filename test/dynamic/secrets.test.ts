import { sealed, secretTexts } from "../../provider/dynamic/engine";

const SECRET = { "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270" };

/** Names of the outputs that are secrets, for a program whose alias and members are. */
function secretsAmong(outputs: Record<string, unknown>, alias: string, member = "ada@contoso.com"): string[] {
  const inputs = { __secrets: ["alias", "members"], alias, members: { [member]: { sendAs: true } } };
  const after = sealed(outputs, ["alias", "members"], secretTexts(inputs, { members: "ada@contoso.com" }));
  return Object.entries(after)
    .filter(([, value]) => JSON.stringify(value).includes(Object.keys(SECRET)[0] ?? ""))
    .map(([name]) => name);
}

describe("outputs that repeat a secret are secrets", () => {
  test("wherever it stands in them, in any case", () => {
    const outputs = { signInName: "Merger-26@contoso.com", ids: { "ADA@contoso.com": "1" }, size: 26 };
    expect(secretsAmong(outputs, "merger-26")).toEqual(["signInName", "ids"]);
  });

  test("where it is short, when a text is all of it", () => {
    const outputs = { nickname: "HR1", known: ["x", { hr1: true }], words: "three hr10 words", size: 1 };
    expect(secretsAmong(outputs, "hr1")).toEqual(["nickname", "known"]);
  });

  test("and no others, the inputs themselves least: the engine seals those", () => {
    expect(secretsAmong({ alias: "hr1", size: 0, name: "" }, "hr1")).toEqual([]);
    expect(secretsAmong({ name: "", size: 0 }, "")).toEqual([]);
  });
});
